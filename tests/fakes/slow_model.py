"""A model for crash tests: a Responses API on loopback that talks at a random speed, and does random work in a thread's folder.

Promises: every request of a thread extends the one before, byte for byte, but for the first one after a summary that it wrote
itself; a request that does not, or that finds a patch half applied, is a complaint. All that is random comes from one seed.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .prefix import compare
from .replies import Output, Reply, call, custom, error, reasoning, reply, said, text, wire

SUM_UP = "Sum up for the crash test."
PACES = (0.0, 0.0, 0.001, 0.004, 0.015, 0.03)
"Seconds between two events of a reply."
_LINES = "".join(f"line {number}\n" for number in range(30))


@dataclass
class Work:
    """A folder in which every patch changes all files at once: from one number to the next."""

    folder: Path
    wished: int = 0
    "The highest number that a patch was ever made for."
    told: int = 0
    "The highest number that a client was told of."

    def make(self) -> None:
        self.folder.mkdir()
        for name in "abc":
            (self.folder / name).write_text(f"{_LINES}n=0\n{_LINES}")
        (self.folder / "d0").write_text("moves on\n")

    def number(self) -> int:
        """Where all files are; AssertionError when they are not all there. Empty folders under a dot are the sandbox's."""
        names = sorted(entry.name for entry in self.folder.iterdir() if not (entry.name[0] == "." and entry.is_dir()))
        numbers = {int(re.findall(r"n=(\d+)", (self.folder / name).read_text())[0]) for name in "abc" if name in names}
        assert len(numbers) == 1, f"{self.folder}: half a patch: {numbers}, {names}"
        (number,) = numbers
        assert names == ["a", "b", "c", f"d{number}"], f"{self.folder}: half a patch at {number}: {names}"
        assert self.told <= number <= self.wished, f"{self.folder} is at {number}; told {self.told}, wished {self.wished}"
        return number

    def patch(self) -> str:
        before = self.number()
        self.wished = after = before + 1
        updates = "".join(f"*** Update File: {name}\n@@\n-n={before}\n+n={after}\n" for name in "abc")
        moved = f"*** Add File: d{after}\n+moves on\n*** Delete File: d{before}\n"
        return f"*** Begin Patch\n{updates}{moved}*** End Patch"


@dataclass
class _Known:
    """What the model has seen of one thread."""

    work: Work
    last: bytes = b""
    summaries: list[bytes] = field(default_factory=list[bytes])
    "Marks of those that it has written since: a prompt may begin anew with one of them."


@dataclass
class SlowModel:
    rng: random.Random
    sleep: str
    "What a command that never ends sleeps: tells it from all others on this machine."
    complaints: list[str] = field(default_factory=list[str])
    requests: int = 0
    port: int = 0
    calm: bool = False
    "From now on: one short message, at once."

    def __post_init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="slow model", daemon=True)

    def know(self, thread_id: str, work: Work) -> None:
        self._known[thread_id] = _Known(work)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60), "the model does not listen"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 26)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                await self._answer(head, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # killed, or at the end of the test
        finally:
            writer.close()

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.requests += 1
        number = self.requests
        try:
            answer = self._next(head, body, number)
        except Exception as problem:
            self.complaints.append(f"request {number}: {problem!r}")
            answer = error(400, said(str(problem)))
        if answer.status != 200:
            writer.write(b"HTTP/1.1 %d No\r\ncontent-length: %d\r\n\r\n%s" % (answer.status, len(answer.body), answer.body))
            return
        pace = 0.0 if self.calm else self.rng.choice(PACES)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for event in wire(answer, number, len(body) // 4):
            assert isinstance(event, bytes)
            writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            if pace:
                await asyncio.sleep(pace)
            if writer.is_closing():
                raise ConnectionResetError
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _next(self, head: bytes, body: bytes, number: int) -> Reply:
        request: dict[str, Any] = json.loads(body)
        known = self._known[request["prompt_cache_key"]]
        if SUM_UP in json.dumps(request["input"][-1]):
            known.summaries.append(f"SUMMARY {number}.".encode())
            return reply(text(f"# Goal\nSUMMARY {number}.", deltas=8))
        self._check(known, body)
        return reply(*self._outputs(known.work, number))

    def _check(self, known: _Known, body: bytes) -> None:
        before, known.last = known.last, body
        moved = compare(before, body) if before else None
        begun, known.summaries = [mark for mark in known.summaries if mark in body and mark not in before], []
        if moved is not None and not begun:
            raise AssertionError(moved)

    def _outputs(self, work: Work, number: int) -> list[Output]:
        rng = self.rng
        words = text(f"Message {number}. " + "word " * rng.randrange(4, 60), deltas=rng.randrange(2, 50))
        if self.calm:
            return [text("Done.")]
        first = [reasoning(deltas=rng.randrange(1, 6), encrypted=f"ENC{number}")] if rng.random() < 0.3 else []
        if rng.random() < 0.4:
            return [*first, words]
        calls = [self._command(number)]
        if rng.random() < 0.6:
            calls = [custom("apply_patch", work.patch(), deltas=rng.randrange(1, 12))]
        if rng.random() < 0.3:
            calls.append(self._command(number))
        return [*first, *([words] if rng.random() < 0.4 else []), *calls]

    def _command(self, number: int) -> Output:
        lines = (
            f"echo quick {number}",
            f"for i in 1 2 3 4; do echo slow {number} $i; sleep 0.02; done",
            f"echo fails {number}; exit 3",
            f"echo hangs {number}; exec sleep {self.sleep}",
            f"(setsid sleep {self.sleep} &) ; echo leaves {number}; sleep {self.sleep}",
        )
        (line,) = self.rng.choices(lines, (8, 4, 3, 1, 1))
        wait = self.rng.choice((250, 250, 10_000))
        return call("exec_command", {"cmd": line, "login": False, "yield_time_ms": wait})
