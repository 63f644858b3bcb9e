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

# Begins a phase beside those that follow; `joined` waits for it, shows what it said if it failed, and counts it.
beside() {
  beside_name=$1 beside_log=$(mktemp)
  shift
  "$@" >"$beside_log" 2>&1 &
  beside=$!
  trap 'kill "$beside" 2>/dev/null || true' EXIT
}

joined() {
  local code=0
  wait "$beside" || code=$?
  trap - EXIT
  printf '\n== %s, beside the phase before\n' "$beside_name"
  if [ $code -eq 0 ]; then tail -n 1 "$beside_log"; else cat "$beside_log"; fi
  lines+=("$(printf '  %-34s %6s  %s' "$beside_name" beside "$([ $code -eq 0 ] && echo passed || echo FAILED)")")
  [ $code -eq 0 ] || failed+=("$beside_name")
  rm -f "$beside_log"
}

npm_in_extension() { (cd extension && npm run --silent "$@"); }

check() {
  phase "protocol is generated afresh" .venv/bin/python protocol/generate.py --check
  phase "Python lint" .venv/bin/ruff check --quiet .
  phase "Python format" .venv/bin/ruff format --check --quiet .
  phase "Python types" .venv/bin/pyright --warnings
  phase "TypeScript lint and types" npm_in_extension check
}

# The Python tests are divided among the processors, up to four; WORKERS=0 runs them one after the other.
unit() {
  extension/dev/system.sh editor
  beside "soak" .venv/bin/pytest -q tests/soak
  phase "Python tests" .venv/bin/pytest -q --numprocesses="${WORKERS:-auto}" --maxprocesses=4 --dist=worksteal --ignore=tests/soak
  joined
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
