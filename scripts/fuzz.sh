#!/bin/sh
# Feeds mutations of good files to every reader of files that somebody else wrote (manifest, compose file, what is mounted into its
# containers, password file, migrations, lock, last report, connection URL): no panic, no overflow of the stack, no hang. One target after the other.
# Usage: scripts/fuzz.sh [MINUTES-PER-TARGET [TARGET …]]; 10 minutes and all targets unless said otherwise.
# What it finds is kept beside the build, and the message says how to run it again.
set -eu
cd "$(dirname "$0")/.."
minutes=${1:-10}
case $minutes in
    '' | *[!0-9]*)
        echo "expected a number of minutes, found $minutes" >&2
        exit 64
        ;;
esac
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- manifest compose mounted password_file sets lock last_report connection_url
cargo test --test all --no-run
failed=''
for target in "$@"; do
    DBCTL_FUZZ_SECONDS=$((minutes * 60)) cargo test --quiet --test all -- --exact "fuzz::$target" --nocapture || failed="$failed $target"
done
if [ -n "$failed" ]; then
    echo "failed:$failed" >&2
    exit 1
fi
echo "no reader failed"
