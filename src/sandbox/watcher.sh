# sh -c … NAME FOLDER. stdin: the server's pid, or `done`. The end of stdin without `done` is the end of dbctl.
trap '' HUP INT TERM QUIT
folder=$1 pid=
while read -r word; do
  case $word in
    done) exit 0 ;;
    *) pid=$word ;;
  esac
done

# The number alone could be another process's by now; the server's own file tells.
is_running() {
  running=
  { read -r running <"$folder/data/postmaster.pid"; } 2>/dev/null
  [ "$running" = "$pid" ]
}

tries=0
if [ -n "$pid" ]; then
  # A server that was just started has no such file yet.
  until is_running || [ $tries -ge 20 ]; do sleep 0.1 && tries=$((tries + 1)); done
  if is_running; then
    kill -QUIT "$pid"
    tries=0
    while is_running && [ $tries -lt 80 ]; do sleep 0.1 && tries=$((tries + 1)); done
    if is_running; then kill -KILL "$pid"; fi
  fi
fi

# The servers in the folder of a whole system have watchers of their own.
tries=0
while ls "$folder"/*/data/postmaster.pid >/dev/null 2>&1 && [ $tries -lt 150 ]; do
  sleep 0.1 && tries=$((tries + 1))
done
rm -rf -- "$folder"
# An initdb that was under way may have gone on writing.
sleep 2
rm -rf -- "$folder"
