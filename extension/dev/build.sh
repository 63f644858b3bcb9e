#!/usr/bin/env bash
# Installs what the extension is built with (install), builds it (build), packs it (package).
# It must never change package-lock.json, nor pack an extension without its sidecar.
source "$(dirname "$0")/lib.sh"
use_recent_node
cd "$ROOT/extension"

install_packages() { npm ci --no-audit --no-fund --loglevel=error; }
build() { npm run --silent build; }
pack() {
  rm -f dist/*.vsix
  # The bundled libraries are those of one platform; elsewhere the extension runs a treadle that is installed beside it.
  if linux_x64; then npm run --silent package -- --target linux-x64; else npm run --silent package; fi
  ls dist/*.vsix
}

case ${1:-} in
  install) step "Packages that build the extension" install_packages ;;
  build) step "The extension" build ;;
  package)
    ! linux_x64 || [ -d bundled/libs/treadle ] || fail "extension/bundled is empty: run make package."
    newest=$(find dist bundled/libs package.json README.md media -type f ! -name '*.vsix' -newer "$(ls dist/*.vsix 2>/dev/null | head -1 || true)" -print -quit 2>/dev/null || echo first)
    vsix=$(ls dist/*.vsix 2>/dev/null | head -1 || true)
    if [ -n "$vsix" ] && [ -z "$newest" ]; then exit 0; fi
    step "The extension as a .vsix" pack
    ;;
  *) fail "build.sh install | build | package" ;;
esac
