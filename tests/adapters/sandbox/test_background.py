"""A sidecar that was started in the background ignores SIGINT; its commands must hear Ctrl-C all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).with_name("test_process.py")


def test_ctrl_c_reaches_a_command_of_a_sidecar_that_ignores_it() -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "control_c", str(TESTS)]
    ignoring = ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", *argv]
    told = subprocess.run(ignoring, capture_output=True, text=True, check=False, timeout=110, cwd=TESTS.parents[3])
    assert told.returncode == 0, told.stdout[-4000:] + told.stderr[-2000:]
