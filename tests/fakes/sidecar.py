"""A real `treadle app-server` as a process, and a client of it for tests that may wait: answers by id, streams by process id."""

from __future__ import annotations

import atexit
import base64
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

WAIT = 120
"Seconds. More than a command may take here: the sidecar says that it took too long, before anybody gives up."
ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def interpreter(uid: int) -> str | None:
    """An interpreter of this version that this user may run; the one in use may lie in root's home."""
    for path in (sys.executable, "/usr/bin/python3"):
        try:
            told = subprocess.run([path, "-c", "import sys; print(sys.version_info[:2])"], **as_user(uid), capture_output=True)
        except OSError:
            continue
        if told.stdout.decode().strip() == str(sys.version_info[:2]):
            return path
    return None


def as_user(uid: int) -> dict[str, Any]:
    """Arguments of Popen."""
    return {} if uid == os.geteuid() else {"user": uid, "group": uid, "extra_groups": [], "cwd": "/"}


def program(uid: int) -> tuple[list[str], dict[str, str]]:
    """How this user starts treadle: the words, and the variables that it takes."""
    python = interpreter(uid)
    assert python is not None, "no interpreter of this version that an ordinary user may run"
    path = os.pathsep.join([str(ROOT / "sidecar"), *(entry for entry in sys.path if entry.endswith("site-packages"))])
    # compiled once, but not into the sources: they belong to somebody else
    return [python, "-P", "-m", "treadle"], {
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": _cache(uid),
    }


@cache
def _cache(uid: int) -> str:
    folder = tempfile.mkdtemp(prefix="treadle-tests-")
    os.chown(folder, uid, -1)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Refused(Exception):
    """The error of an answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.message = error["code"], error["message"]


class Sidecar:
    """`environment` over ours; `words` come after `treadle`; `through`: a program that starts it."""

    def __init__(
        self,
        environment: dict[str, str],
        *words: str,
        uid: int | None = None,
        cwd: str | None = None,
        through: Sequence[str] = (),
    ) -> None:
        uid = os.geteuid() if uid is None else uid
        argv, variables = program(uid)
        options = as_user(uid) | ({"cwd": cwd} if cwd else {})
        env = {**os.environ, **variables, **environment}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*through, *argv, *(words or ("app-server",))], stdin=pipe, stdout=pipe, stderr=pipe, env=env, **options
        )
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self.deltas: dict[str, queue.SimpleQueue[dict[str, Any]]] = defaultdict(queue.SimpleQueue)
        self.methods: set[str] = set()
        "Of all that it has told or asked."
        self.stderr = bytearray()
        for target in (self._read, self._listen):
            threading.Thread(target=target, daemon=True).start()
        self.call("initialize", clientInfo={"name": "tests", "version": "1"}, capabilities={"experimentalApi": True})

    def send(self, method: str, **params: Any) -> int:
        with self._lock:
            id = next(self._ids)
            self._answers[id] = queue.SimpleQueue()
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps({"id": id, "method": method, "params": params}).encode() + b"\n")
            self.process.stdin.flush()
        return id

    def answer(self, id: int) -> dict[str, Any]:
        try:
            message = self._answers[id].get(timeout=WAIT)
        except queue.Empty:
            raise TimeoutError(f"no answer; it said {bytes(self.stderr).decode(errors='replace')}") from None
        del self._answers[id]
        if "error" in message:
            raise Refused(message["error"])
        return message["result"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.answer(self.send(method, **params))

    def run(self, *argv: str, **params: Any) -> dict[str, Any]:
        return self.call("command/exec", command=list(argv), **params)

    def printed(self, process_id: str, until: bytes) -> bytes:
        """What a command prints on both streams, up to where this is in it."""
        seen = b""
        while until not in seen:
            seen += base64.b64decode(self.deltas[process_id].get(timeout=WAIT)["deltaBase64"])
        return seen

    def type(self, process_id: str, data: bytes, *, close: bool = False) -> None:
        self.call("command/exec/write", processId=process_id, deltaBase64=base64.b64encode(data).decode(), closeStdin=close)

    def hang_up(self) -> int:
        """The connection ends. Its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WAIT)

    def close(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            try:
                self.process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            if "id" in message and "method" not in message:
                self._answers[message["id"]].put(message)
            self.methods.add(message.get("method", ""))
            if message.get("method") == "command/exec/outputDelta":
                self.deltas[message["params"]["processId"]].put(message["params"])

    def _listen(self) -> None:
        assert self.process.stderr is not None
        while data := os.read(self.process.stderr.fileno(), 65536):
            self.stderr += data
            del self.stderr[:-65536]
