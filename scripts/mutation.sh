#!/usr/bin/env bash
# Tests the tests of verify: turns off each rule and looks whether a test fails.
#
#   scripts/mutation.sh [RULE...]      all rules without an argument; takes about 20 minutes
#
# A rule's tests are the unit tests of the rules, and those modules of tests/all that name it. Needs what ./test.sh has installed.
# Exit codes: 0 every rule is missed by a test, 1 some rule is not.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}

say() { printf 'mutation: %s\n' "$*" >&2; }

say "building"
programs=$(cargo test --quiet --locked --no-run --features mutation --lib --test all --message-format json |
  python3 -c 'import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message.get("profile", {}).get("test"):
        print(message["target"]["kind"][0], message["executable"])')
unit=$(awk '$1 == "lib" { print $2 }' <<<"$programs")
whole=$(awk '$1 == "test" { print $2 }' <<<"$programs")
cargo build --quiet --locked --features mutation
rules=("$@")
((${#rules[@]})) || mapfile -t rules < <("$CARGO_TARGET_DIR/debug/dbctl" rules --format json | python3 -c 'import json, sys
for rule in json.load(sys.stdin)["rules"]:
    print(rule["id"])')

missed=() survived=()
for rule in "${rules[@]}"; do
  mapfile -t modules < <(grep -lF "\"$rule\"" tests/all/*.rs | sed 's,.*/,,; s,\.rs$,::,')
  if ! DBCTL_MUTATION=$rule "$unit" -q rules:: >/dev/null 2>&1; then
    by="unit tests"
  elif ((${#modules[@]})) && ! DBCTL_MUTATION=$rule "$whole" -q "${modules[@]}" >/dev/null 2>&1; then
    by="${modules[*]}"
  else
    survived+=("$rule")
    say "$rule: NO TEST FAILS without it"
    continue
  fi
  missed+=("$rule")
  say "$rule: missed by $by"
done
say "${#missed[@]} of ${#rules[@]} rules are missed by a test"
((${#survived[@]} == 0))
