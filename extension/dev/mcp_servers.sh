#!/usr/bin/env bash
# Installs programs that tests talk to, MCP servers if nothing else is said, as the package-lock.json in the folder given names them.
# It must never change that file, nor run a script of a package.
source "$(dirname "$0")/lib.sh"
use_recent_node
cd "$ROOT/$1"
step "${2:-MCP servers for tests}" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
