#!/usr/bin/env bash
# Measures dbctl beside refinery_cli, sqlx-cli and psql, on a PostgreSQL 17 with TimescaleDB that it starts and stops itself.
#
#   bench/run.sh               everything; writes bench/RESULTS.md
#   BENCH_ROUNDS=3 bench/run.sh    fewer runs of each, for a quick look
#   bench/run.sh CASE...       only these (nothing, three, eight, builtin); prints and writes nothing
#
# The first run builds the peers (minutes) and fetches the server; both are kept in the cache that
# scripts/postgres-runtime.sh describes. Needs cargo, python3 and what that script needs; no root.
set -euo pipefail
umask 022 # the server runs as another user than root
cd "$(dirname "$0")/.."

say() { printf 'bench: %s\n' "$*" >&2; }

if [[ -n ${DBCTL_CACHE:-} ]]; then
  cache=$(realpath --canonicalize-missing "$DBCTL_CACHE")
elif ((EUID == 0)); then
  cache=/var/cache/dbctl
else
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/dbctl
fi
tools=$cache/bench

# --- What is measured --------------------------------------------------------------------------

peer() { # peer PROGRAM CRATE VERSION FEATURES
  [[ -x $tools/bin/$1 ]] && return
  say "building $2 $3"
  cargo install --quiet --locked --root "$tools" --no-default-features --features "$4" --version "$3" "$2"
}
peer refinery refinery_cli '^0.10' postgresql
peer sqlx sqlx-cli '^0.9' postgres,rustls
say "building dbctl"
cargo build --quiet --locked --release
bin=$(scripts/postgres-runtime.sh 17 | cut -d' ' -f2-)

# --- A server as it comes, but for the library and its address ----------------------------------

work=$(mktemp -d "${TMPDIR:-/tmp}/dbctl-bench.XXXXXX")
as_server=(env)
if ((EUID == 0)); then
  as_server=(setpriv --reuid=65534 --regid=65534 --clear-groups env)
  chown 65534:65534 "$work"
fi
stop() {
  "${as_server[@]}" "$bin/pg_ctl" --pgdata "$work/data" --mode immediate --silent stop >&2 || true
  rm -rf "$work"
}
trap stop EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
password=$(python3 -c 'import secrets; print(secrets.token_hex(16))')
install -m 600 /dev/null "$work/password"
((EUID != 0)) || chown 65534:65534 "$work/password"
printf '%s\n' "$password" >"$work/password"
# In the work folder: the server's user may not be allowed to enter this one.
(
  cd "$work"
  "${as_server[@]}" "$bin/initdb" --pgdata data --username postgres --pwfile password --auth scram-sha-256 \
    --encoding UTF8 --no-locale --no-instructions >/dev/null
  cat >>data/postgresql.conf <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$work'
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
max_worker_processes = 32
END
  "${as_server[@]}" "$bin/pg_ctl" --pgdata data --log log --silent --wait start >&2
) || {
  cat "$work/log" >&2 2>/dev/null || true
  exit 1
}

# --- The runs ------------------------------------------------------------------------------------

install -d "$work/files"
DBCTL=${CARGO_TARGET_DIR:-target}/release/dbctl REFINERY=$tools/bin/refinery SQLX=$tools/bin/sqlx PSQL=$bin/psql \
  PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGPASSWORD=$password \
  python3 -EB bench/measure.py "$work/files" "$@"
