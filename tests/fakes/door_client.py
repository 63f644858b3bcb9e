"""A door of the sidecar as a process, with a scripted agent behind it, and a client of it that reads line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent


class Door:
    """A sidecar that speaks JSON lines."""

    def __init__(self, script: str, environment: dict[str, str] | None = None) -> None:
        env = os.environ | {"PYTHONPATH": str(TESTS)} | (environment or {})
        command = [sys.executable, "-m", "fakes.door", "app-server", script]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env)

    def write(self, *messages: Any) -> None:
        assert self.process.stdin is not None
        lines = (message if isinstance(message, bytes) else json.dumps(message).encode() for message in messages)
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def until(self, method: str) -> list[dict[str, Any]]:
        found = [self.read()]
        while found[-1].get("method") != method:
            found.append(self.read())
        return found

    def turn(self) -> None:
        """Initialize, start a thread, start a turn."""
        hello = {"clientInfo": {"name": "tests", "version": "1"}}
        start = {"id": 2, "method": "thread/start", "params": {"cwd": "/w"}}
        self.write({"id": 1, "method": "initialize", "params": hello}, {"method": "initialized"}, start)
        self.until("thread/started")
        said = {"threadId": "thread-1", "input": [{"type": "text", "text": "go"}]}
        self.write({"id": 3, "method": "turn/start", "params": said})

    def end(self) -> tuple[int, bytes, bytes]:
        """Close its input; exit status and what was left to read."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err
