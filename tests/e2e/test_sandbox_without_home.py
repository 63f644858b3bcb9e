"""`treadle sandbox` where there is no home to write to: under cron, on a disk that cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FALLBACK = Path(f"/tmp/treadle-{os.geteuid()}")


def sandbox(folder: Path, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "treadle", "sandbox", "-C", str(folder), "--", "sh", "-c", script]
    environ = {"PATH": os.environ["PATH"], "HOME": "/proc/nowhere", **environ}
    return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_a_command_is_confined_all_the_same(tmp_path: Path) -> None:
    done = sandbox(tmp_path, f"touch made; touch {FALLBACK}/planted; mv {FALLBACK} {FALLBACK}-moved; touch /etc/planted")
    assert (tmp_path / "made").exists()
    assert done.stderr.count("Read-only file system") == 2
    assert "busy" in done.stderr
    assert FALLBACK.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_the_user_named_is_not_replaced(tmp_path: Path) -> None:
    done = sandbox(tmp_path, "touch made", TREADLE_HOME="/proc/nowhere")
    assert done.returncode == 126
    assert "TREADLE_HOME" in done.stderr
    assert not (tmp_path / "made").exists()
