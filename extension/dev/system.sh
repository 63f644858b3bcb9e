#!/usr/bin/env bash
# Looks for the programs of the operating system that Treadle uses; installs them on Debian when it may do so without asking.
# Arguments: browser, to have Chromium as well; editor, to have Neovim. It must never ask for a password; what it may not install, it names with the command.
source "$(dirname "$0")/lib.sh"

need_npm
if [ "$(uname -s)" = Linux ] && ! command -v bwrap >/dev/null; then
  if apt_prefix >/dev/null; then
    step "Debian package bubblewrap (the sandbox)" apt_install bubblewrap
  else
    say "  bubblewrap is missing: without it Treadle asks before each command. Get it with: sudo apt-get install bubblewrap"
  fi
fi

if [ "${1:-}" = editor ] && ! command -v nvim >/dev/null; then
  apt_prefix >/dev/null || fail "Neovim is missing. Get it with: sudo apt-get install neovim (Debian, Ubuntu), or brew install neovim (macOS)."
  step "Debian package neovim (for the tests of the LSP door)" apt_install neovim
fi

[ "${1:-}" = browser ] || exit 0
[ -x "${CHROMIUM:-/usr/lib/chromium/chromium}" ] && exit 0
apt_prefix >/dev/null || fail "Chromium is missing. Get it with: sudo apt-get install chromium (or set CHROMIUM=/path/to/the/browser)."
step "Debian package chromium (for the tests in VS Code)" apt_install chromium fonts-dejavu-core
