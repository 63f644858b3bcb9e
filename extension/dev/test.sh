#!/usr/bin/env bash
# Runs the phases named as arguments (check unit e2e), each with its time, goes on after a failed one, and ends with one line that sums up.
# It must never end with success when a check did not run, nor need anything but this checkout, the cache and the package registries.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
if [ -x "$NODE24" ]; then PATH="$(dirname "$NODE24"):$PATH"; else use_recent_node; fi
begun=$SECONDS
declare -a lines=() failed=()

phase() {
  local name=$1 start=$SECONDS code=0
  shift
  printf '\n== %s\n' "$name"
  "$@" || code=$?
  lines+=("$(printf '  %-34s %4d s  %s' "$name" $((SECONDS - start)) "$([ $code -eq 0 ] && echo passed || echo FAILED)")")
  [ $code -eq 0 ] || failed+=("$name")
}

npm_in_extension() { (cd extension && npm run --silent "$@"); }

check() {
  phase "protocol is generated afresh" .venv/bin/python protocol/generate.py --check
  phase "Python lint" .venv/bin/ruff check --quiet .
  phase "Python format" .venv/bin/ruff format --check --quiet .
  phase "Python types" .venv/bin/pyright --warnings
  phase "TypeScript lint and types" npm_in_extension check
}

unit() {
  extension/dev/system.sh editor
  phase "Python tests" .venv/bin/pytest -q
  phase "TypeScript tests" npm_in_extension test
}

e2e() {
  extension/dev/system.sh browser
  extension/dev/vscode.sh
  extension/dev/bundle.sh
  extension/dev/build.sh package
  phase "what is in the .vsix" check_vsix
  extension/dev/e2e.sh prepare
  phase "tests in VS Code" extension/dev/e2e.sh run
}

check_vsix() { (cd extension && node dev/check_vsix.mjs dist/*.vsix); }

for name in "$@"; do
  case $name in check | unit | e2e) "$name" ;; *) fail "unknown phase $name: check, unit or e2e" ;; esac
done

printf '\n'
printf '%s\n' "${lines[@]}"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED in %d s: %s\n' $((SECONDS - begun)) "$(IFS=,; echo "${failed[*]}" | sed 's/,/, /g')"
  exit 1
fi
printf 'All %d phases passed in %d s.\n' "${#lines[@]}" $((SECONDS - begun))
