"""Clients of a program under measurement: JSON lines over pipes, plain reading, so that the driver costs little.

Every program runs in a session and under a home of its own, and none of its processes is left behind by `close`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from .processes import born, cpu, memory, session, tree

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
OURS = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "USER", "LOGNAME", "SHELL", "TMPDIR")
"All that a program gets of our environment: neither keys nor proxies nor another home."


class ModelProcess:
    """The scripted model as a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.model"], stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=60) as answer:
            return json.load(answer)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Program:
    """One process and its children, under a private home that is made unless it is there.

    `environment`: in place of what we give it of ours.
    """

    def __init__(
        self,
        argv: Sequence[str],
        home: Path,
        model_port: int,
        mode: str = "danger-full-access",
        *,
        environment: dict[str, str] | None = None,
        stdin: int = subprocess.PIPE,
    ) -> None:
        for name in ("codex", "user", "ws"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "codex" / "config.toml").write_text(CONFIG.format(port=model_port, mode=mode))
        env = {name: os.environ[name] for name in OURS if name in os.environ} if environment is None else dict(environment)
        env |= {"HOME": str(home / "user"), "CODEX_HOME": str(home / "codex"), "TREADLE_HOME": str(home / "treadle")}
        self.home, self.cwd = home, str(home / "ws")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            cwd=self.cwd,
            bufsize=1 << 20,
            start_new_session=True,
        )

    def lines(self) -> IO[bytes]:
        assert self.process.stdout
        return self.process.stdout

    def memory(self) -> float:
        """MB of all its processes."""
        return memory(self.process.pid)

    def cpu(self) -> float:
        """Seconds of processor time so far, of all its processes."""
        return cpu(self.process.pid)

    def close(self) -> None:
        """Ends it as a client does, and then whatever it left."""
        left = {pid: born(pid) for pid in {*tree(self.process.pid), *session(self.process.pid)}}
        if self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid, began in left.items():
            if began and born(pid) == began:  # else the number may belong to somebody else by now
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.lines().close()


class Talk(Program):
    """One object a line, both ways. What differs between protocols is in `AppServer` and in `Acp`."""

    version: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._id = 0

    def send(self, method: str, params: dict[str, Any] | None = None, *, request: bool = True) -> int:
        self._id += 1
        message: dict[str, Any] = {**self.version, "method": method, "params": params or {}}
        if request:
            message["id"] = self._id
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        return self._id

    def until(self, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for line in self.lines():
            message = json.loads(line)
            if seen(message):
                return message
        raise RuntimeError("the program ended")

    def answer(self, wanted: int) -> dict[str, Any]:
        answer = self.until(lambda message: message.get("id") == wanted and "method" not in message)
        if "error" in answer:
            raise RuntimeError(f"refused: {answer['error']}")
        return answer["result"]

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.answer(self.send(method, params))


class AppServer(Talk):
    """`app-server`, of whoever speaks it."""

    delta = b'"item/agentMessage/delta"'

    def initialize(self) -> float:
        """Seconds from the start of the process to the answer."""
        self.call("initialize", {"clientInfo": {"name": "bench", "title": None, "version": "0"}, "capabilities": None})
        took = time.perf_counter() - self.began
        self.send("initialized", request=False)
        return took

    def thread(self) -> str:
        return self.call("thread/start", {"cwd": self.cwd})["thread"]["id"]

    def begin(self, thread_id: str, wish: str) -> float:
        """When the turn was asked for."""
        text = {"type": "text", "text": f"bench: {wish}\n", "text_elements": []}
        at = time.perf_counter()
        self.send("turn/start", {"threadId": thread_id, "input": [text]})
        return at

    def ended(self, line: bytes) -> str | None:
        """The thread whose turn this line ends."""
        if b'"turn/completed"' not in line:
            return None
        message = json.loads(line)
        if message.get("method") != "turn/completed":
            return None
        turn = message["params"]["turn"]
        if turn["status"] != "completed":
            raise RuntimeError(f"the turn did not complete: {turn}")
        return message["params"]["threadId"]

    def turn(self, thread_id: str, wish: str) -> None:
        """Run one turn to its end."""
        self.begin(thread_id, wish)
        self.finish()

    def finish(self) -> float:
        """When the running turn was over."""
        for line in self.lines():
            if self.ended(line):
                return time.perf_counter()
        raise RuntimeError("the app-server ended")
