#!/usr/bin/env bash
# Tests the tests of verify: turns off each rule and looks whether a test fails.
#
#   scripts/mutation.sh [RULE...]      all rules without an argument; takes about 30 minutes
#
# A rule's tests are its fixture, then all unit tests of the rules, then those modules of tests/all that name it, with its group or, in
# the group's own modules, without: one that fails is enough. What fails with every rule on says nothing about any and is left out.
# Needs what ./test.sh has installed.
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

# Those modules of tests/all that name this rule, as filters of the test program.
modules_of() {
  local group=${1%%/*} name=${1#*/}
  {
    grep -lF "\"$1\"" tests/all/*.rs || true
    grep -slF "\"$name\"" "tests/all/verify_$group.rs" "tests/all/check_$group.rs" || true
  } | sort -u | sed 's,.*/,,; s,\.rs$,::,'
}

# Whether a test of this program fails without the rule: `fails_without RULE PROGRAM FILTER...`
fails_without() {
  local rule=$1 program=$2 filter skip=()
  shift 2
  for filter; do
    [[ -v known[$filter] ]] || known[$filter]=$({ "$program" "$filter" 2>/dev/null || true; } | awk '/^test .* \.\.\. FAILED$/ { print $2 }')
    for test in ${known[$filter]}; do
      skip+=(--skip "$test")
    done
  done
  ! DBCTL_MUTATION=$rule "$program" -q "$@" "${skip[@]}" >/dev/null 2>&1
}

declare -A known=()
missed=() survived=()
for rule in "${rules[@]}"; do
  case $rule in
    # Their unit tests ask the rules themselves, past the switch.
    files/*) fixtures=("$whole" verify_files::every_fault) ;;
    compose/*) fixtures=("$whole" check_compose::each_fault) ;;
    sets/*) fixtures=("$whole" check_sets::every_bad_migration) ;;
    *) fixtures=("$unit" rules::tests::every_rule_sees_its_fixture) ;;
  esac
  mapfile -t modules < <(modules_of "$rule")
  if fails_without "$rule" "${fixtures[@]}"; then
    by="its fixture"
  elif fails_without "$rule" "$unit" rules::; then
    by="unit tests"
  elif ((${#modules[@]})) && fails_without "$rule" "$whole" "${modules[@]}"; then
    by="${modules[*]}"
  else
    survived+=("$rule")
    say "$rule: NO TEST FAILS without it"
    continue
  fi
  missed+=("$rule")
  say "$rule: missed by $by"
done
for filter in "${!known[@]}"; do
  for test in ${known[$filter]}; do
    say "left out, for it fails anyway: $test"
  done
done
say "${#missed[@]} of ${#rules[@]} rules are missed by a test"
((${#survived[@]} == 0))
