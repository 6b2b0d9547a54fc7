#!/usr/bin/env bash
# Sets up everything the tests need and runs them. Works on a bare Debian 12 or newer with git and a Rust toolchain,
# as root or not. Servers come from a cache outside the checkout; the tests start their own on free ports and stop them.
# Arguments are handed to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*" >&2; }

say "Rust toolchain and C compiler"
command -v cargo >/dev/null || { echo "cargo is missing: install a Rust toolchain (rustup, or Debian's package)" >&2; exit 1; }
if ! command -v cc >/dev/null; then
    [ "$(id -u)" = 0 ] || { echo "a C compiler is missing (for SQLite and ring): apt-get install gcc libc6-dev" >&2; exit 1; }
    apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev
fi
cargo --version >&2

say "PostgreSQL 15, 17 and 18, the latter two with TimescaleDB, and PgBouncer"
scripts/postgres-runtime.sh 15 17 18 pgbouncer

say "PostgreSQL 14 and 16, for the matrix, and 13, to see it refused"
scripts/postgres-runtime.sh 14 16 old || echo "NOT AVAILABLE HERE: the tests on these servers will be skipped" >&2

# Two thirds of a test are servers that make and remove small files: in memory that takes a sixth less of the processor, where there is room.
memory=/dev/shm
room() { { df -Pm "$memory" 2>/dev/null || true; } | awk 'NR == 2 { free = $4 } END { print free + 0 }'; }
spare() { awk '/^MemAvailable:/ { free = $2 } END { print int(free / 1024) }' /proc/meminfo; }
if [ -z "${TMPDIR:-}" ] && [ "$(room)" -ge 4096 ] && [ "$(spare)" -ge 6144 ] && ! findmnt -no OPTIONS "$memory" | grep -qw noexec; then
    TMPDIR=$(mktemp -d "$memory/dbctl-test.XXXXXX")
    # Servers run as another user when this runs as root.
    chmod 1777 "$TMPDIR"
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
    say "temporary files are in memory ($memory)"
fi

say "tests"
# Most of a test's time is waiting for servers.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) * 2))}"
started=$SECONDS
cargo test --locked "$@"
say "tests took $((SECONDS - started)) s"
