"""What runs beside the sidecar, and need not care how it ends, is gone soon after it was killed."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from fakes.crash import WAIT, gone, running
from fakes.sidecar import Sidecar

pytestmark = pytest.mark.e2e
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def sidecar(folder: Path, config: str) -> Sidecar:
    for name in ("codex", "ws"):
        (folder / name).mkdir()
    (folder / "codex" / "config.toml").write_text(config)
    home = {"CODEX_HOME": str(folder / "codex"), "TREADLE_HOME": str(folder / "treadle"), "HOME": str(folder)}
    return Sidecar(home, cwd=str(folder))


def until_running(mark: str) -> None:
    end = time.monotonic() + WAIT
    while not running(mark):
        assert time.monotonic() < end, "it never began"
        time.sleep(0.01)


def test_a_server_that_hears_no_end_of_its_input_is_killed(tmp_path: Path) -> None:
    mark = f"deaf-server-{os.getpid()}"
    args = json.dumps(["-c", DEAF, mark])
    started = sidecar(tmp_path, f"[mcp_servers.deaf]\ncommand = '{sys.executable}'\nargs = {args}\n")
    started.send("thread/start", cwd=str(tmp_path / "ws"))
    until_running(mark)
    started.process.kill()
    gone(mark, WAIT)


def test_a_hook_that_runs_is_killed(tmp_path: Path) -> None:
    mark = f"deaf-hook-{os.getpid()}"
    provider = '[model_providers.p]\nname = "P"\nbase_url = "http://127.0.0.1:9"\n'
    started = sidecar(tmp_path, f'model = "m"\nmodel_provider = "p"\n{provider}')
    command = f"{sys.executable} -c '{DEAF}' {mark}"
    table = {"hooks": {"UserPromptSubmit": [{"hooks": [{"type": "command", "command": command}]}]}}
    (tmp_path / "codex" / "hooks.json").write_text(json.dumps(table))
    thread = started.call("thread/start", cwd=str(tmp_path / "ws"))["thread"]["id"]
    started.call("turn/start", threadId=thread, input=[{"type": "text", "text": "go", "text_elements": []}])
    until_running(mark)
    started.process.kill()
    gone(mark, WAIT)
