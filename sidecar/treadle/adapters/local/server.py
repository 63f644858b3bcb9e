"""The llama.cpp server as a child process of ours: start, find out that it is ready, notice that it died, end it.

At most one child per object. It gets no secrets of ours and no telling argument, its log is kept to a bounded tail, and it ends
when our end of its standard input closes: the kernel sees to that even when this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from .parts import lean_environment, same_interpreter
from .weights import WAY_OUT

CHILD = Path(__file__).with_name("child.py")
LOG_BYTES = 16 * 1024
GRACE_SECONDS = 1.0


class LlamaServer:
    """`address` and `key` are those of the running child."""

    def __init__(self, python: str) -> None:
        self.python = python
        self.address = ""
        self.key = ""
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[None] | None = None
        self._log = bytearray()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None and bool(self.address)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The last words of the child."""
        return self._log.decode("utf-8", "replace").strip()

    async def start(self, model: Path, *, context: int, threads: int | None) -> None:
        """Returns when the model is loaded. Raises ModelError; leaves no child behind when it fails or is cancelled."""
        await self.close()
        self.key = secrets.token_urlsafe(24)
        self._log.clear()
        try:
            process = self._process = await self._spawn()
            assert process.stdin and process.stdout and process.stderr
            self._drain = asyncio.create_task(self._keep_tail(process.stderr))
            wanted = {"model": str(model), "key": self.key, "context": context, "threads": threads or usable_cores()}
            with contextlib.suppress(ConnectionError):
                process.stdin.write(json.dumps(wanted).encode() + b"\n")
                await process.stdin.drain()
            self.address = self._answer(await process.stdout.readline())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the child and wait for it."""
        process, self._process, self.address = self._process, None, ""
        drain = self._drain  # of this child; when it has ended another may have been started
        if process is not None:
            await asyncio.shield(_end(process))
        if drain is not None:
            await asyncio.wait([drain])  # to await it would cancel it with us, and hide from our caller that we were cancelled
            if self._drain is drain:
                self._drain = None

    async def _spawn(self) -> asyncio.subprocess.Process:
        own = same_interpreter(self.python)
        apart: dict[str, Any] = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}  # type: ignore[attr-defined]
        )
        try:
            # -P: the folder of child.py is not a place to import from. Apart: a Ctrl-C at our terminal is not for the child.
            return await asyncio.create_subprocess_exec(
                self.python,
                "-P",
                str(CHILD),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Passive: threads that wait for each other sleep. On a busy machine the usual spinning is many times slower.
                env={"OMP_WAIT_POLICY": "PASSIVE"} | lean_environment(own),
                **apart,
            )
        except OSError as error:
            raise ModelError(
                f"The interpreter for the embedded model, {self.python}, cannot be started: {error.strerror or error}.",
                hint="Set TREADLE_LOCAL_PYTHON to the Python in .venv of a Treadle checkout where `make model` was run.",
            ) from error

    def _answer(self, line: bytes) -> str:
        """The child's one line -> its address."""
        try:
            said: dict[str, str] = json.loads(line)
        except ValueError:
            said = {}
        if said.get("address"):
            return said["address"]
        if said.get("kind") == "import":
            raise no_engine(said.get("error"))
        raise ModelError(
            "The embedded model could not be loaded" + (f": {said['error']}." if said.get("error") else "; its process ended."),
            kind="server",
            hint="It needs about 2 GB of free memory and an intact model file.",
            details=self.log,
        )

    async def _keep_tail(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(4096):
            self._log += chunk
            del self._log[:-LOG_BYTES]


def no_engine(details: str | None = None) -> ModelError:
    return ModelError(
        "The embedded model's engine is not installed.",
        kind="model_not_found",
        hint=f"{WAY_OUT}, and name the Python in its .venv with TREADLE_LOCAL_PYTHON.",
        details=details,
    )


def usable_cores() -> int:
    """More threads than cores make it slower, and beyond eight memory is the limit."""
    with contextlib.suppress(AttributeError):
        return min(len(os.sched_getaffinity(0)), 8)
    return min(os.cpu_count() or 1, 8)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
