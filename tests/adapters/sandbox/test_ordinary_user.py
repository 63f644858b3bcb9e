"""Root can do more and is confined differently, so whoever runs the tests as root runs them as an ordinary user, too."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

NOBODY = 65534
HERE = Path(__file__).parent
NAMES = ("confinement", "process", "broker", "bridges", "command_limits", "keeper", "landlock")


def as_nobody(argv: list[str], scratch: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": scratch, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/", "env": env}
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=110, **options)


def interpreter(scratch: str) -> str | None:
    """One of this version that an ordinary user may run, pytest included; those in use may lie in root's home."""
    for path in (sys.executable, "/usr/bin/python3"):
        try:
            told = as_nobody([path, "-c", "import pytest, sys; print(sys.version_info[:2])"], scratch)
        except OSError:
            continue
        if told.stdout.strip() == str(sys.version_info[:2]):
            return path
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test here has just shown it")
@pytest.mark.parametrize("name", NAMES)
def test_confinement_and_processes_are_the_same_for_an_ordinary_user(name: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.chown(scratch, NOBODY, NOBODY)
        python = interpreter(scratch)
        if python is None:
            pytest.skip("no interpreter of this version that an ordinary user may run")
        argv = [python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--basetemp={scratch}/base"]
        told = as_nobody([*argv, f"--rootdir={HERE.parents[2]}", str(HERE / f"test_{name}.py")], scratch)
        assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-2000:]
