#!/usr/bin/env bash
# Opens VS Code with Treadle in it on a folder (argument, or a copy of the sample) and stays until it is stopped; then nothing is left running.
# Desktop VS Code if it is there, else code-server in the browser, on loopback only. It must never touch the user's own VS Code profile.
source "$(dirname "$0")/lib.sh"

RUN=$CACHE/run
EDITOR_KIND=${TREADLE_EDITOR:-}
server_pid=

choose_editor() {
  [ -n "$EDITOR_KIND" ] && return
  EDITOR_KIND=browser
  command -v code >/dev/null || return 0
  if [ "$(uname -s)" = Darwin ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}${WSL_DISTRO_NAME:-}" ]; then EDITOR_KIND=desktop; fi
}

# The embedded model is wanted when config.toml asks for it, or when it names no provider and there is no key.
wants_local_model() {
  "$ROOT/.venv/bin/python" - "${CODEX_HOME:-$HOME/.codex}/config.toml" <<'PYTHON'
import os, sys, tomllib
try:
    with open(sys.argv[1], "rb") as file:
        provider = tomllib.load(file).get("model_provider")
except (OSError, tomllib.TOMLDecodeError):
    provider = None
wanted = provider == "local" or (provider is None and not os.environ.get("OPENAI_API_KEY"))
sys.exit(0 if wanted else 1)
PYTHON
}

choose_workspace() {
  if [ -n "${1:-}" ]; then
    [ -d "$1" ] || fail "There is no folder $1. Name an existing one: make run WORKSPACE=path"
    WORKSPACE=$(cd "$1" && pwd)
    return
  fi
  WORKSPACE=$RUN/sample
  [ -d "$WORKSPACE" ] && return
  mkdir -p "$RUN"
  cp -r "$ROOT/extension/dev/sample" "$WORKSPACE"
  if command -v git >/dev/null; then
    git -C "$WORKSPACE" init -q && git -C "$WORKSPACE" add -A
    git -C "$WORKSPACE" -c user.name=Treadle -c user.email=sample@localhost commit -q -m "The sample project"
  fi
}

# User settings are written once and then belong to the user; those that this checkout decides are written at every start.
write_settings() {
  mkdir -p "$RUN/data/User" "$RUN/data/Machine" "$RUN/exts"
  local decided="\"treadle.sidecar.path\": \"$ROOT/.venv/bin/treadle\", \"treadle.openAtStart\": true"
  printf '{ %s }\n' "$decided" > "$RUN/data/Machine/settings.json"
  [ -e "$RUN/data/User/settings.json" ] && return
  [ "$EDITOR_KIND" = desktop ] || decided='"treadle.openAtStart": true'
  cat > "$RUN/data/User/settings.json" <<JSON
{
  $decided,
  "telemetry.telemetryLevel": "off",
  "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.enableExperiments": false,
  "security.workspace.trust.banner": "never",
  "security.workspace.trust.startupPrompt": "once",
  "extensions.ignoreRecommendations": true,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "update.mode": "none",
  "remote.autoForwardPorts": false
}
JSON
}

install_extension() {
  local vsix
  vsix=$(ls "$ROOT"/extension/dist/*.vsix | head -1)
  [ "$RUN/.installed-$EDITOR_KIND" -nt "$vsix" ] && return
  step "Treadle into VS Code" "$@" --install-extension "$vsix" --force
  touch "$RUN/.installed-$EDITOR_KIND"
}

# Everything that was started below carries this mark in its environment, whatever group or session it moved to.
export TREADLE_RUN=run-$$-$RANDOM
stop_everything() {
  trap - EXIT INT TERM
  [ -n "$server_pid" ] && kill -TERM -- "-$server_pid" 2>/dev/null
  [ "$EDITOR_KIND" = desktop ] && [ -r "$RUN/data/code.lock" ] && kill -TERM "$(cat "$RUN/data/code.lock")" 2>/dev/null
  local tries
  for tries in 1 2 3 4 5 6 7 8 9 10; do
    [ -z "$(left_running)" ] && break
    sleep 0.5
  done
  # shellcheck disable=SC2046
  [ "$tries" = 10 ] && kill -KILL $(left_running) 2>/dev/null
  say "Stopped."
  exit "${1:-0}"
}

left_running() {
  [ -d /proc/self ] || return 0
  local entry
  for entry in /proc/[0-9]*; do
    [ "${entry#/proc/}" = "$$" ] && continue
    tr '\0' '\n' < "$entry/environ" 2>/dev/null | grep -qx "TREADLE_RUN=$TREADLE_RUN" 2>/dev/null || continue
    is_mine "${entry#/proc/}" || printf '%s\n' "${entry#/proc/}"
  done 2>/dev/null
}
# This script and the pipes it is asking with carry the mark as well.
is_mine() { [ "$(cut -d' ' -f5 "/proc/$1/stat" 2>/dev/null)" = "$(cut -d' ' -f5 "/proc/$$/stat")" ]; }

run_desktop() {
  local code=(code --user-data-dir "$RUN/data" --extensions-dir "$RUN/exts")
  [ "$(id -u)" = 0 ] && code+=(--no-sandbox)
  install_extension "${code[@]}"
  trap stop_everything EXIT INT TERM
  say ""
  say "Treadle is in VS Code's activity bar, on $WORKSPACE. This command ends when you close the window, or with Ctrl-C."
  "${code[@]}" --new-window --wait "$WORKSPACE" & wait $!
}

run_browser() {
  "$ROOT/extension/dev/vscode.sh"
  export EXTENSIONS_GALLERY='{"serviceUrl":""}'
  local server=("$NODE24" "$CODE_SERVER" --config "$RUN/code-server.yaml" --user-data-dir "$RUN/data" --extensions-dir "$RUN/exts")
  [ -e "$RUN/code-server.yaml" ] || echo 'cert: false' > "$RUN/code-server.yaml"
  install_extension "${server[@]}"
  local port auth=none trust=()
  port=$(free_port)
  [ -n "${PASSWORD:-}" ] && auth=password
  [ "$WORKSPACE" = "$RUN/sample" ] && trust=(--disable-workspace-trust)
  trap stop_everything EXIT INT TERM
  setsid "${server[@]}" --bind-addr "127.0.0.1:$port" --auth "$auth" --disable-telemetry --disable-update-check \
    --disable-getting-started-override --ignore-last-opened "${trust[@]}" >"$LOGS/code-server.log" 2>&1 </dev/null &
  server_pid=$!
  wait_for_server "$port"
  say ""
  say "Open this address: http://127.0.0.1:$port/?folder=$(url_quoted "$WORKSPACE")"
  [ "$auth" = none ] && say "Only this machine can reach it. Other people logged in here could too: start with PASSWORD=secret to be asked for it."
  say "This command stays until you stop it with Ctrl-C."
  wait "$server_pid" || fail "VS Code's server ended; see $LOGS/code-server.log"
}

url_quoted() { "$ROOT/.venv/bin/python" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$1"; }

free_port() {
  "$ROOT/.venv/bin/python" - <<'PYTHON'
import socket
for port in (8642, 8643, 8644, 8645, 0):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(probe.getsockname()[1])
        break
PYTHON
}

wait_for_server() {
  "$ROOT/.venv/bin/python" - "$1" "$server_pid" <<'PYTHON' || fail "VS Code's server did not start; see $LOGS/code-server.log"
import os, sys, time, urllib.request
port, pid = sys.argv[1], int(sys.argv[2])
for _ in range(300):
    try:
        sys.exit(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/healthz", timeout=5).status != 200)
    except OSError:
        os.kill(pid, 0)
        time.sleep(0.1)
sys.exit(1)
PYTHON
}

choose_editor
choose_workspace "${1:-}"
if wants_local_model; then
  "$ROOT/extension/dev/python.sh" local
  say "  No API key and no provider in config.toml: Treadle uses its small local model. It is for trying things out; set OPENAI_API_KEY for real work."
fi
write_settings
case $EDITOR_KIND in
  desktop) run_desktop ;;
  browser) run_browser ;;
  *) fail "TREADLE_EDITOR is $EDITOR_KIND; it may be desktop or browser." ;;
esac
