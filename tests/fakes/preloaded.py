"""The program, loaded once: every start is a fork, which costs a hundredth of a second where a new process costs half of one.

For tests that need hundreds of starts. A child runs the very `main` of the program, in its own process group, with its own
environment, folder and standard streams; nothing but modules is shared. A program too: `python -m fakes.preloaded FD`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from .sidecar import program

_MODULES = (
    "treadle.server.app_server",
    "treadle.server.methods",
    "treadle.app",
    "treadle.adapters.responses.http",
    "treadle.adapters.sandbox.linux",
    "treadle.adapters.sandbox.broker",
)


class Process:
    """As much of subprocess.Popen as a test needs."""

    def __init__(self, pid: int, handle: int, stdin: IO[bytes], stdout: IO[bytes], status: int) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self._handle, self._status = handle, status
        self.returncode: int | None = None

    def kill(self) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("treadle", timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(os.read(self._status, 16))
            os.close(self._status)
            os.close(self._handle)
        return self.returncode


class Preloaded:
    """Starts the program again and again. `through`: a program that starts it."""

    def __init__(self, through: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv, variables = program(os.geteuid())
        env = {**os.environ, **variables}
        env["PYTHONPATH"] += os.pathsep + str(Path(__file__).parents[1])
        with theirs:
            self._process = subprocess.Popen(
                [*through, argv[0], "-P", "-m", "fakes.preloaded", str(theirs.fileno())], env=env, pass_fds=(theirs.fileno(),)
            )

    def start(self, words: list[str], env: dict[str, str], cwd: Path, errors: IO[bytes]) -> Process:
        given, way_in = os.pipe()
        way_out, taken = os.pipe()
        status, told = os.pipe()
        body = json.dumps({"words": words, "env": env, "cwd": str(cwd)}).encode()
        with self._lock:
            socket.send_fds(self._link, [body], [given, taken, errors.fileno(), told])
            said, (handle,), _, _ = socket.recv_fds(self._link, 32, 1)
        for fd in (given, taken, told):
            os.close(fd)
        return Process(int(said), handle, os.fdopen(way_in, "wb", 0), os.fdopen(way_out, "rb"), status)

    def close(self) -> None:
        self._link.close()
        self._process.wait(60)


def serve(link: socket.socket) -> None:
    """Until the test is over."""
    for name in _MODULES:
        importlib.import_module(name)
    children: dict[int, tuple[int, int]] = {}
    while True:
        ready, _, _ = select.select([link, *children], [], [])
        for handle in set(ready) & children.keys():
            pid, told = children.pop(handle)
            os.write(told, b"%d" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            os.close(told)
            os.close(handle)
        if link not in ready:
            continue
        body, fds, _, _ = socket.recv_fds(link, 1 << 20, 4)
        if not body:
            return
        pid = os.fork()
        if pid == 0:
            link.close()
            _run(json.loads(body), fds, [fd for handle, (_, told) in children.items() for fd in (handle, told)])
        children[handle := os.pidfd_open(pid)] = pid, fds.pop()
        for fd in fds:
            os.close(fd)
        # with the descriptor: when the other side reads its number the child may be gone
        socket.send_fds(link, [b"%d" % pid], [handle])


def _run(asked: dict[str, Any], fds: list[int], others: list[int]) -> None:
    """In the child."""
    code = 70
    try:
        for place in range(3):
            os.dup2(fds[place], place)
        for fd in (*fds, *others):
            os.close(fd)
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.dont_write_bytecode = bool(asked["env"].get("PYTHONDONTWRITEBYTECODE"))
        os.chdir(asked["cwd"])
        sys.argv = ["treadle", *asked["words"]]
        code = importlib.import_module("treadle.__main__").main()
        sys.stdout.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
