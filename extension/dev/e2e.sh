#!/usr/bin/env bash
# Prepares (prepare) and runs (run) the tests that drive a real VS Code in a real browser; further arguments go to "node --test".
# It must never use a VS Code, a profile or a browser of the person who runs it.
source "$(dirname "$0")/lib.sh"
cd "$ROOT/tests/e2e/vscode"
PATH="$(dirname "$NODE24"):$PATH"

case ${1:-run} in
  prepare)
    [ node_modules/.made -nt package-lock.json ] && exit 0
    step "Packages that drive the browser" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    touch node_modules/.made
    ;;
  run)
    shift || true
    vsix=$(ls "$ROOT"/extension/dist/*.vsix 2>/dev/null | head -1 || true)
    [ -n "$vsix" ] || fail "There is no .vsix to test: run make package."
    export VSIX=$vsix CODE_SERVER NODE24 TREADLE_PYTHON=$ROOT/.venv/bin/python
    export SHOTS=${SHOTS:-$ROOT/tests/e2e/shots}
    mkdir -p "$SHOTS"
    EXTENSIONS=$(mktemp -d -t treadle-e2e-exts-XXXXXX) # where the first scene installs the .vsix for all
    export EXTENSIONS
    trap 'rm -rf "$EXTENSIONS"' EXIT
    [ $# -gt 0 ] || set -- ./*.test.mjs
    node --test --test-concurrency=1 --test-reporter=spec "$@"
    ;;
  *) fail "e2e.sh prepare | run [FILE...]" ;;
esac
