"""A start is not held up by looks for garbage in what it loads; afterwards they are as often as ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_DOOR = """
import gc
gc.disable()
import atexit, sys
from treadle import __main__ as program
from treadle.server import warming
warming.REST = 3600.0
program._STARTED = float(sys.argv[1])
looks = []
gc.callbacks.append(lambda phase, about: looks.append(about["generation"]) if phase == "start" else None)
def tell():
    sys.stderr.write(f"told: {max(looks, default=-1)} {gc.get_threshold()[0]} {gc.get_freeze_count() > 0}")
atexit.register(tell)
sys.argv = ["treadle", "app-server"]
gc.freeze()  # what was loaded by now does not count
gc.unfreeze()
gc.enable()
sys.exit(program.main())
"""


def test_what_a_start_loads_is_not_looked_through(tmp_path: Path) -> None:
    looked, threshold, frozen = _told(tmp_path, "3600")
    assert looked == "-1", "no look so far"
    assert (int(threshold) > 50_000, frozen) == (True, "False")


def test_after_the_start_garbage_is_looked_for_again_but_not_in_what_was_loaded(tmp_path: Path) -> None:
    _, threshold, frozen = _told(tmp_path, "0")
    assert (threshold, frozen) == ("20000", "True")


def _told(folder: Path, started: str) -> list[str]:
    homes = {"HOME": str(folder), "CODEX_HOME": str(folder / "codex"), "TREADLE_HOME": str(folder / "treadle")}
    hello = {"clientInfo": {"name": "tests", "version": "1"}}
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", _DOOR, started]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=os.environ | homes, cwd=folder, text=True) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        asked: list[dict[str, Any]] = [
            {"id": 0, "method": "initialize", "params": hello},
            {"id": 1, "method": "thread/start", "params": {}},
        ]
        process.stdin.writelines(json.dumps(one) + "\n" for one in asked)
        process.stdin.flush()
        next(line for line in process.stdout if json.loads(line).get("id") == 1)
        process.stdin.close()
        return process.stderr.read().partition("told: ")[2].split()
