#!/usr/bin/env bash
# Installs the MCP servers that tests talk to, as the package-lock.json in the folder given names them.
# It must never change that file, nor run a script of a package.
source "$(dirname "$0")/lib.sh"
use_recent_node
cd "$ROOT/$1"
step "MCP servers for tests" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
