"""Weights that were installed as packages: where their parts lie, and the one file made of them.

The packages are data to us and come from strangers: they are found by their metadata and never imported, and nothing is kept
whose hash is not the pinned one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from .catalogue import Weights

CHUNK = 1 << 20
_LOOK = """
import importlib.metadata as m, json, sys
found = []
for name, path in json.load(sys.stdin):
    try:
        found.append(str(m.distribution(name).locate_file(path)))
    except m.PackageNotFoundError:
        break
print(json.dumps(found))
"""


class Cancelled(Exception):
    """The caller went away while a file was copied."""


class WrongFile(Exception):
    """Not the file that the catalogue names; the text says how it shows."""


def locate(weights: Weights, python: str) -> list[Path]:
    """The part files in order, as this process or the interpreter `python` has them; empty unless all are there."""
    found = _here(weights)
    if not found and not same_interpreter(python):
        found = _there(weights, python)
    return found


def _here(weights: Weights) -> list[Path]:
    try:
        files = [Path(str(importlib.metadata.distribution(p.distribution).locate_file(p.path))) for p in weights.parts]
    except importlib.metadata.PackageNotFoundError:
        return []
    return files if all(file.is_file() for file in files) else []


def _there(weights: Weights, python: str) -> list[Path]:
    wanted = json.dumps([(p.distribution, p.path) for p in weights.parts])
    try:
        asked = subprocess.run(
            [python, "-I", "-c", _LOOK],
            input=wanted,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=lean_environment(False),
        )
        files = [Path(path) for path in json.loads(asked.stdout)]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return files if len(files) == len(weights.parts) and all(file.is_file() for file in files) else []


def same_interpreter(python: str) -> bool:
    """Two environments may share one binary, so the path as given counts."""
    return os.path.abspath(python) == os.path.abspath(sys.executable)


def lean_environment(own: bool) -> dict[str, str]:
    """For a child of ours: what a program needs to find itself, and no secrets. `own`: the child is this same interpreter."""
    keep = {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "TEMP",
        "TMP",
        "SYSTEMROOT",
        "USERPROFILE",
        "LD_LIBRARY_PATH",
        "OMP_WAIT_POLICY",
    }
    if own:
        keep |= {"PYTHONPATH", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name.upper() in keep}


def join(files: Sequence[Path], target: Path, sha256: str, *, progress: Callable[[int], None], cancelled: Event) -> None:
    """Write the parts in order to `target`, hashing as they are copied. All or nothing: raises WrongFile, Cancelled or OSError.

    The caller holds the lock of the folder, so the name of the temporary file needs no luck.
    """
    temporary = target.with_suffix(".joining")
    digest, done = hashlib.sha256(), 0
    try:
        with temporary.open("wb") as out:
            for file in files:
                with file.open("rb") as part:
                    while chunk := part.read(CHUNK):
                        if cancelled.is_set():
                            raise Cancelled
                        digest.update(chunk)
                        out.write(chunk)
                        done += len(chunk)
                        progress(done)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != sha256:
            raise WrongFile(f"the SHA-256 is {digest.hexdigest()}")
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def hash_of(path: Path, *, progress: Callable[[int], None], cancelled: Event) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if cancelled.is_set():
                raise Cancelled
            digest.update(chunk)
            done += len(chunk)
            progress(done)
    return digest.hexdigest()
