"""A scripted Responses API: a real HTTP server on loopback, in a thread of its own.

Promises: answers each POST …/responses with the next reply of its script; records every request's bytes and headers; knows at the
end whether the prompts only grew. Waits only for gates that a test opens. Also a program: `python -m fakes.responses --help`.

    with ModelServer([call("exec_command", {"cmd": "true"}), text("Done.", deltas=3)]) as server:
        ...  # base_url = server.base_url
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from .prefix import PrefixMoved, compare
from .replies import Hold, Reply, Speech, as_reply, error, from_json, said, wire

Script = Iterable[Speech] | Callable[[dict[str, Any], int], Speech]
TIMEOUT = 60.0
AT_ONCE = 200
"Events in one write: a long reply streams while the rest of it is still being made."


@dataclass(frozen=True)
class Recorded:
    """One request as it came. `connection` counts from 1."""

    raw: bytes
    headers: dict[str, str]
    path: str
    connection: int

    @cached_property
    def json(self) -> dict[str, Any]:
        return json.loads(self.raw)


class ModelServer:
    """`script`: replies in order, or a function of (request as JSON, number from 0)."""

    started: list[ModelServer] = []  # noqa: RUF012
    "Every server of this process, for the suite-wide check."

    def __init__(self, script: Script = (), *, port: int = 0, record: TextIO | None = None) -> None:
        self.requests: list[Recorded] = []
        self.connections = 0
        self.dropped = 0
        "Answers that the client did not read to the end."
        self.complaints: list[str] = []
        "What the script did not foresee; the suite-wide check fails on these."
        self._queue: list[Speech] = []
        self._answer: Callable[[dict[str, Any], int], Speech] | None = None
        self.compactions: list[list[dict[str, Any]] | Reply] = []
        "What …/responses/compact answers, in order: items, or a whole answer. Without any it is not there (404)."
        self.compacted: list[Recorded] = []
        self.script(script)
        self._port = port
        self._record = record
        self._changed = threading.Condition()
        self._reached: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._allowed: list[str] = []
        self._taken_back: dict[int, int | None] = {}
        "Number of a request -> the one that it extends in place of the one before it."
        self._checked = 0
        self._last: dict[tuple[str, str], bytes] = {}
        self._sent: dict[tuple[str, str], list[bytes]] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="model server", daemon=True)

    def script(self, script: Script) -> None:
        """Replaces what is left of the script."""
        if callable(script):
            self._answer = script
        else:
            self._answer, self._queue = None, list(script)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> ModelServer:
        self._thread.start()
        self._ready.wait(TIMEOUT)
        ModelServer.started.append(self)
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(TIMEOUT)

    def __enter__(self) -> ModelServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def release(self, name: str) -> None:
        """Open the gate of `hold(name)`; it stays open."""
        self._loop.call_soon_threadsafe(lambda: self._gate(name).set())

    def wait(self, condition: Callable[[ModelServer], bool], timeout: float = TIMEOUT) -> None:
        """Until `condition` holds; looked at whenever something happened here."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), timeout):
                raise TimeoutError(f"in vain; {len(self.requests)} requests, {self.dropped} dropped, at gates {self._reached}")

    async def until(self, condition: Callable[[ModelServer], bool]) -> None:
        await asyncio.to_thread(self.wait, condition)

    async def reached(self, name: str) -> None:
        """Until a reply waits at the gate."""
        await self.until(lambda s: name in s._reached)

    def moves_prefix(self, why: str) -> None:
        """Allow one request that does not extend the one before it."""
        self._allowed.append(why)

    def taken_back(self, to: int | None) -> None:
        """Turns were taken back or given back: the next request extends request `to`, byte for byte; None: it begins anew."""
        self._taken_back[len(self.requests)] = to

    def check_prefix(self) -> None:
        """Raises PrefixMoved. Requests that were compared once are not compared again."""
        for number in range(self._checked, len(self.requests)):
            self._checked = number + 1
            request = self.requests[number]
            key = request.json.get("prompt_cache_key")
            if not key:
                continue
            before = self._before(number, request, key)
            moved = compare(before, request.raw) if before is not None else None
            if moved and self._allowed:
                self._allowed.pop(0)
            elif moved:
                raise PrefixMoved(f'request {number}: {moved}\n  If this is meant, the test says moves_prefix("why").')

    def _before(self, number: int, request: Recorded, key: str) -> bytes | None:
        """What a request has to extend: the one before it of its thread; of a fork's first, one of the thread that it is of."""
        thread = (key, request.headers.get("session_id", ""))
        if number in self._taken_back:
            to = self._taken_back[number]
            before = self.requests[to].raw if to is not None else None
        elif thread in self._last:
            before = self._last[thread]
        else:
            others = [raw for (other, _), raws in self._sent.items() if other == key for raw in raws]
            before = next((raw for raw in reversed(others) if compare(raw, request.raw) is None), others[-1] if others else None)
        self._last[thread] = request.raw
        self._sent.setdefault(thread, []).append(request.raw)
        return before

    def verify(self) -> None:
        """The suite-wide check: prompts grew, what was allowed happened, the script sufficed."""
        self.check_prefix()
        if self._allowed:
            why, self._allowed = self._allowed[0], []
            raise PrefixMoved(f"moves_prefix({why!r}) was said, but the prefix did not move")
        if any(number >= len(self.requests) for number in self._taken_back):
            self._taken_back = {}
            raise PrefixMoved("taken_back() was said, but no request came after it")
        if self.complaints:
            complaints, self.complaints = self.complaints, []
            raise AssertionError("the model server was asked for what its script does not have: " + "; ".join(complaints))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    def _tell(self, change: Callable[[], Any]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        connection = self.connections
        try:
            while await self._exchange(reader, writer, connection):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> bool:
        """One request; whether the connection lives on."""
        first = await reader.readexactly(1)
        if first == b"\x16":  # a TLS handshake: answered as plain web servers do
            return await self._plain(writer, error(400, "plain HTTP was expected")) and False
        lines = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        if method == "POST" and path.partition("?")[0].endswith("/responses/compact") and self.compactions:
            self._tell(lambda: self.compacted.append(Recorded(raw, headers, path, connection)))
            return await self._plain(writer, _compacted(self.compactions.pop(0), len(raw) // 4))
        if method != "POST" or not path.partition("?")[0].endswith("/responses"):
            return await self._plain(writer, error(404, said(f"no {method} {path} here")))
        number = len(self.requests)
        request = Recorded(raw, headers, path, connection)
        if self._record is not None:
            self._record.write(json.dumps({"path": path, "headers": headers, "body": raw.decode()}) + "\n")
            self._record.flush()
        self._tell(lambda: self.requests.append(request))
        answer = self._next(request, number)
        if answer.fault == "hangup":
            return False
        if answer.fault == "silent":
            await self._held(None, reader)
            return False
        if answer.status != 200 or answer.body:
            return await self._plain(writer, answer)
        return await self._stream(answer, number, len(raw) // 4, reader, writer)

    def _next(self, request: Recorded, number: int) -> Reply:
        try:
            if self._answer is not None:
                return as_reply(self._answer(request.json, number))
            return as_reply(self._queue.pop(0))
        except Exception as problem:
            words = f"request {number}: " + ("no reply left" if isinstance(problem, IndexError) else repr(problem))
            self.complaints.append(words)
            return error(400, said(words))

    async def _plain(self, writer: asyncio.StreamWriter, answer: Reply) -> bool:
        headers = {"content-length": str(len(answer.body)), **answer.headers}
        writer.write(_head(answer.status, headers) + answer.body)
        await writer.drain()
        return True

    async def _stream(
        self, answer: Reply, number: int, tokens: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        headers = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **answer.headers}
        ready = [_head(200, headers)]
        try:
            for event in wire(answer, number, tokens):
                if isinstance(event, bytes):
                    ready.append(event if answer.joined else b"%x\r\n%b\r\n" % (len(event), event))
                    if len(ready) >= AT_ONCE and not answer.joined:
                        await _send(writer, ready, answer.joined)
                    continue
                await _send(writer, ready, answer.joined)
                if not await self._held(event, reader):
                    raise ConnectionError
            if answer.fault is None:
                await _send(writer, ready, answer.joined, b"0\r\n\r\n")
                return True
            await _send(writer, ready, answer.joined)
            if answer.fault == "stall":
                await self._held(None, reader)
            elif answer.fault == "reset":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except ConnectionError:
            self._tell(lambda: setattr(self, "dropped", self.dropped + 1))
        return False

    async def _held(self, hold: Hold | None, reader: asyncio.StreamReader) -> bool:
        """Until the gate opens (None: never) or the client is gone; whether it opened."""
        gone = asyncio.ensure_future(reader.read(1))
        gate = asyncio.ensure_future(self._gate(hold.name).wait()) if hold else None
        if hold:
            self._tell(lambda: self._reached.append(hold.name))
        try:
            await asyncio.wait([t for t in (gone, gate) if t], return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            # until it has ended nobody else may read
            await asyncio.wait([gone])
            if gate:
                gate.cancel()
        opened = gate is not None and gate.done() and not gate.cancelled()
        if not opened and not hold:
            self._tell(lambda: setattr(self, "dropped", self.dropped + 1))
        return opened


def _compacted(answer: list[dict[str, Any]] | Reply, tokens: int) -> Reply:
    if isinstance(answer, Reply):
        return answer
    counts = {"input_tokens": tokens, "output_tokens": 50, "total_tokens": tokens + 50}
    return error(200, {"id": "resp_c", "object": "response.compaction", "created_at": 1, "output": answer, "usage": counts})


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _send(writer: asyncio.StreamWriter, ready: list[bytes], joined: bool, end: bytes = b"") -> None:
    if joined:
        # The head, when it has not been sent, stands first and is no chunk.
        head = ready.pop(0) if ready and ready[0].startswith(b"HTTP/") else b""
        body = b"".join(ready)
        ready[:] = [head, b"%x\r\n%b\r\n" % (len(body), body) if body else b""]
    writer.write(b"".join(ready) + end)
    ready.clear()
    await writer.drain()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fakes.responses", description="Serve scripted replies until SIGTERM.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="a JSON list of replies; see fakes.replies.from_json")
    parser.add_argument("--repeat", action="store_true", help="begin the script again when it ends")
    parser.add_argument("--record", type=Path, help="write each request to this file, as JSON lines")
    options = parser.parse_args()
    entries = json.loads(options.script.read_text()) if options.script else ["Hello."]
    replies = [from_json(entry) for entry in entries]
    script: Script = (lambda _, n: replies[n % len(replies)]) if options.repeat else replies
    record = options.record.open("w") if options.record else None
    server = ModelServer(script, port=options.port, record=record).start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.write(json.dumps({"base_url": server.base_url}) + "\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    if record:
        record.close()
    try:
        server.verify()
    except AssertionError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
