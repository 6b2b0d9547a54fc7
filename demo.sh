#!/usr/bin/env bash
# Shows the main job on throwaway local servers: provision, migrate, status, verify; then a table of one service planted in
# another's database, found, removed. Sets up everything it needs on a bare Debian 12 or newer with git and a Rust toolchain.
set -euo pipefail
cd "$(dirname "$0")"

if [ "${1:-}" != inside ]; then
    echo "== Preparing: C compiler, PostgreSQL 17 with TimescaleDB, the build (minutes the first time, seconds after that)"
    command -v cargo >/dev/null || { echo "cargo is missing: install a Rust toolchain (rustup, or Debian's package)" >&2; exit 1; }
    if ! command -v cc >/dev/null; then
        [ "$(id -u)" = 0 ] || { echo "a C compiler is missing (for SQLite and ring): apt-get install gcc libc6-dev" >&2; exit 1; }
        apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev
    fi
    bin=$(scripts/postgres-runtime.sh 17 | sed -n 's/^17 //p')
    # The dev profile: it builds in a fraction of the time, and ./test.sh shares it.
    cargo build --locked
    built=$(cargo metadata --locked --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/debug
    export DBCTL_POSTGRES_BIN=$bin
    echo "== Starting the sandbox: two TimescaleDB servers, one PostgreSQL server, directories for the file stores"
    # From a folder of its own, so that no dbctl.toml or .env of yours is read.
    here=$PWD
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    "$built/dbctl" sandbox run -- env PATH="$built:$PATH" "$here/demo.sh" inside
    echo "== The servers are stopped and their data is gone"
    exit 0
fi

show() { printf '\n$ %s\n' "$*"; "$@"; }
plant() { PGPASSFILE=/dev/null "$DBCTL_POSTGRES_BIN/psql" -qX "$SIMPLY_KASPA_ADMIN_DB" -c "$1"; }

# The administrator's URL starts in another database; the table goes into simply_kaspa.
SIMPLY_KASPA_ADMIN_DB=${SIMPLY_KASPA_ADMIN_URL%/*}/simply_kaspa

show dbctl provision
show dbctl migrate
show dbctl status
show dbctl verify

echo
echo "== Somebody creates k-indexer's table k_posts in simply-kaspa-indexer's database"
plant 'CREATE TABLE public.k_posts (id bigint, content text)'
code=0
show dbctl verify || code=$?
echo "exit code $code"
[ "$code" = 1 ] || { echo "expected exit code 1" >&2; exit 1; }

echo
echo "== The table is removed again"
plant 'DROP TABLE public.k_posts'
show dbctl verify
