#!/usr/bin/env bash
# Installs the Python clients of tests/peers/python.txt beside .venv's own packages, for tests only.
# It must never change what is installed in .venv.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
rm -rf .venv/peers
step "Clients for tests that others have written" .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off \
  --no-deps --target .venv/peers -r tests/peers/python.txt
