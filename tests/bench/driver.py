"""A client of an app-server process: JSON lines over pipes, plain threads, so that the driver costs little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIG = """
model = "gpt-5.5"
model_provider = "bench"
approval_policy = "never"
sandbox_mode = "{mode}"
check_for_update_on_startup = false
[model_providers.bench]
name = "bench"
base_url = "http://127.0.0.1:{port}/v1"
wire_api = "responses"
requires_openai_auth = false
supports_websockets = false
[analytics]
enabled = false
[features]
plugins = false
"""


class ModelProcess:
    """The scripted model as a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.model"], stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            return json.load(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class AppServer:
    """One app-server process under a private home."""

    def __init__(self, argv: list[str], home: Path, model_port: int, mode: str = "danger-full-access") -> None:
        (home / "codex").mkdir(parents=True, exist_ok=True)
        (home / "ws").mkdir(exist_ok=True)
        (home / "codex" / "config.toml").write_text(CONFIG.format(port=model_port, mode=mode))
        env = {**os.environ, "CODEX_HOME": str(home / "codex"), "TREADLE_HOME": str(home / "treadle")}
        self.cwd = str(home / "ws")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, bufsize=1 << 20
        )
        self._id = 0

    def send(self, method: str, params: dict[str, Any] | None = None, *, request: bool = True) -> int:
        self._id += 1
        message: dict[str, Any] = {"method": method, "params": params or {}}
        if request:
            message["id"] = self._id
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        return self._id

    def lines(self) -> Any:
        assert self.process.stdout
        return self.process.stdout

    def until(self, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for line in self.lines():
            message = json.loads(line)
            if seen(message):
                return message
        raise RuntimeError("the app-server ended")

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        wanted = self.send(method, params)
        answer = self.until(lambda message: message.get("id") == wanted and "method" not in message)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def initialize(self) -> float:
        """Seconds from the start of the process to the answer."""
        self.call("initialize", {"clientInfo": {"name": "bench", "title": None, "version": "0"}, "capabilities": None})
        took = time.perf_counter() - self.began
        self.send("initialized", request=False)
        return took

    def thread(self) -> str:
        return self.call("thread/start", {"cwd": self.cwd})["thread"]["id"]

    def turn(self, thread_id: str, wish: str) -> None:
        """Run one turn to its end."""
        text = {"type": "text", "text": f"bench: {wish}\n", "text_elements": []}
        self.send("turn/start", {"threadId": thread_id, "input": [text]})
        done = b'"turn/completed"'
        for line in self.lines():
            if done in line and json.loads(line).get("method") == "turn/completed":
                status = json.loads(line)["params"]["turn"]
                if status["status"] != "completed":
                    raise RuntimeError(f"the turn did not complete: {status}")
                return
        raise RuntimeError("the app-server ended")

    def memory(self) -> float:
        """Resident MB of the process."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no VmRSS")

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
