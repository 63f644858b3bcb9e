"""Root can do more and is confined differently, so whoever runs the tests as root runs them as an ordinary user, too."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

NOBODY = 65534
HERE = Path(__file__).parent


def test_confinement_and_processes_are_the_same_for_an_ordinary_user() -> None:
    if os.geteuid() != 0:
        return  # every other test here has just shown it
    with tempfile.TemporaryDirectory() as scratch:
        os.chown(scratch, NOBODY, NOBODY)
        files = [str(HERE / name) for name in ("test_confinement.py", "test_process.py")]
        argv = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--basetemp={scratch}/base", *files]
        told = subprocess.run(
            argv,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd=HERE.parents[2],
            env={**os.environ, "HOME": scratch, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-2000:]
