#!/usr/bin/env bash
# Puts VS Code as a local web server (code-server) and the Node it needs into the cache. Run again, it returns at once.
# It must never compile more than the one module that VS Code needs for its logs, and never touch a VS Code that is installed already.
source "$(dirname "$0")/lib.sh"

[ -e "$VSCODE/.ready" ] && exit 0
linux_x64 || fail "VS Code in the browser is set up on x86-64 Linux only. Install desktop VS Code with its 'code' command, then run make run again."
"$ROOT/extension/dev/node.sh" 24

fetch_server() {
  rm -rf "$VSCODE"
  mkdir -p "$VSCODE"
  cd "$VSCODE"
  echo '{"private":true}' > package.json
  # The stock install scripts compile seven native modules; a local, single-user server needs one of them.
  npm install --ignore-scripts --no-audit --no-fund --loglevel=error "code-server@$CODE_SERVER_VERSION" "node-gyp@$NODE_GYP_VERSION"
}

fetch_parts() {
  cd "$VSCODE/node_modules/code-server/lib/vscode$1"
  npm install --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
}

# Not by "npm rebuild": Debian's npm brings a node-gyp that links everything to Debian's own Node, and VS Code's Node then crashes.
build_log_module() {
  cd "$VSCODE/node_modules/code-server/lib/vscode/node_modules/@vscode/spdlog"
  PATH="$(dirname "$NODE24"):$PATH" "$NODE24" "$VSCODE/node_modules/node-gyp/bin/node-gyp.js" rebuild \
    --nodedir="$(dirname "$(dirname "$NODE24")")" && "$NODE24" -e "$PROBE" "$VSCODE/probe.log" || rm -rf build
}
PROBE='require(process.cwd()).createRotatingLogger("probe", process.argv[1], 4096, 1).then((log) => { log.info("x"); log.flush(); })'

check_server() { "$NODE24" "$CODE_SERVER" --config "$VSCODE/probe.yaml" --version; }

step "VS Code $CODE_SERVER_VERSION (code-server), 1 of 3: server" fetch_server
step "VS Code $CODE_SERVER_VERSION (code-server), 2 of 3: workbench" fetch_parts ""
step "VS Code $CODE_SERVER_VERSION (code-server), 3 of 3: extensions" fetch_parts /extensions
if command -v g++ >/dev/null && command -v make >/dev/null && command -v python3 >/dev/null; then
  step "VS Code's log module" build_log_module
else
  say "  No C++ compiler here: VS Code works, but its Output channels stay empty. To fill them: sudo apt-get install g++"
fi
step "VS Code answers" check_server
touch "$VSCODE/.ready"
