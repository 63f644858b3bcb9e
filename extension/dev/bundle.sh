#!/usr/bin/env bash
# Fills extension/bundled/libs with treadle and what it needs at run time, so that the packaged extension carries its own sidecar.
# One folder serves Python 3.11 to 3.14 on x86-64 Linux: native modules of each version lie side by side under different names.
# It must never carry the local model, tests, or anything that is not pinned in constraints.txt. Left out as well:
# PyYAML's compiled parser (a skill has a few lines of YAML), type stubs and bills of materials.
source "$(dirname "$0")/lib.sh"
cd "$ROOT"

LIBS=extension/bundled/libs
PARTS=$ROOT/build/libs
STAMP=extension/bundled/.ready
VERSIONS="3.11 3.12 3.13 3.14"

linux_x64 || exit 0
newer=$(find pyproject.toml constraints.txt sidecar extension/dev/bundle.sh -type f ! -name '*.pyc' -newer "$STAMP" -print -quit 2>/dev/null || echo first)
[ -e "$STAMP" ] && [ -z "$newer" ] && exit 0

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@" --progress-bar off; }

bundle_dependencies() {
  local wheels version module
  wheels=$(mktemp -d "$CACHE/wheels.XXXXXX")
  rm -rf "$PARTS"
  mkdir -p "$PARTS"
  .venv/bin/python - > "$wheels/requirements.txt" <<'PYTHON'
import tomllib
print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]))
PYTHON
  pip install --quiet --no-compile --target "$PARTS" --only-binary :all: --platform manylinux2014_x86_64 --python-version 3.11 \
    --implementation cp -c constraints.txt -r "$wheels/requirements.txt"
  for module in $(native_packages "$PARTS"); do
    for version in $VERSIONS; do
      pip download --quiet --no-deps --only-binary :all: --platform manylinux2014_x86_64 --python-version "$version" --implementation cp \
        -d "$wheels/$version" "$module"
      .venv/bin/python -m zipfile -e "$wheels/$version"/*.whl "$wheels/$version/open"
      (cd "$wheels/$version/open" && find . -name '*.so' -exec cp --parents {} "$PARTS" \;)
      rm -rf "${wheels:?}/$version"
    done
  done
  rm -rf "$wheels" "$PARTS/bin" "$PARTS/_yaml"
  rm -f "$PARTS"/yaml/_yaml*.so
  find "$PARTS" -depth \( -name tests -o -name test -o -name __pycache__ \) -type d -exec rm -rf {} +
  find "$PARTS" \( -name RECORD -o -name INSTALLER -o -name REQUESTED -o -name direct_url.json -o -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' \) -delete
  find "$PARTS" -path '*.dist-info/sboms' -exec rm -rf {} +
}

# name==version of every installed package that has a native module made for one Python only
native_packages() {
  .venv/bin/python - "$1" <<'PYTHON'
import sys
from importlib.metadata import distributions
for dist in distributions(path=[sys.argv[1]]):
    if any(str(file).endswith(".so") and "abi3" not in str(file) for file in dist.files or ()):
        print(f"{dist.name}=={dist.version}")
PYTHON
}

# The dependencies change rarely, treadle with every edit: they are made apart.
bundle_treadle() {
  local wheel
  rm -rf "$LIBS"
  mkdir -p "$(dirname "$LIBS")"
  cp -r "$PARTS" "$LIBS"
  wheel=$(mktemp -d "$CACHE/wheels.XXXXXX")
  pip wheel --quiet --no-deps -w "$wheel" .
  .venv/bin/python -m zipfile -e "$wheel"/treadle-*.whl "$LIBS"
  rm -rf "$wheel"
  find "$LIBS" -name RECORD -delete
  import_everything
}

# Every module of the sidecar, and what it imports only when it is needed, out of the bundle and nothing else.
# It leaves no compiled modules behind: what is in the folder is in the package.
import_everything() {
  PYTHONPATH=$LIBS .venv/bin/python -B -S -P - <<'PYTHON'
import importlib, pkgutil, sys
import treadle
skipped = ("treadle.__main__",) if sys.platform == "linux" else ()
names = [m.name for m in pkgutil.walk_packages(treadle.__path__, "treadle.") if m.name not in skipped]
lazy = ["httpx", "pygls.lsp.server", "mcp.client.auth", "mcp.client.streamable_http", "tree_sitter_bash", "tomlkit", "yaml", "jsonschema"]
for name in names + lazy:
    importlib.import_module(name)
foreign = [m for m in sys.modules.values() if "site-packages" in (getattr(m, "__file__", None) or "")]
assert not foreign, foreign
print(len(names), "modules of treadle from", treadle.__path__)
PYTHON
}

deps_stamp=$PARTS/.ready
if [ ! -e "$deps_stamp" ] || [ pyproject.toml -nt "$deps_stamp" ] || [ extension/dev/bundle.sh -nt "$deps_stamp" ] || [ constraints.txt -nt "$deps_stamp" ]; then
  step "Python libraries for the extension" bundle_dependencies
  touch "$deps_stamp"
fi
step "Treadle's sidecar for the extension" bundle_treadle
touch "$STAMP"
