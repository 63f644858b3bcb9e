"""A TCP proxy between the sidecar and a model, which does to each exchange what disturbing.py says.

Promises: keeps every request's body as the sidecar sent it, by thread; what happens to the nth exchange of a thread depends on
the seed alone; at the end it knows which connections the sidecar has left open. Once `calm` it changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import struct
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from .disturbing import ANSWER_KINDS, HEAD, Answer, Piece, drawn, paced


class _Gone(Exception):
    """The connection is over."""


@dataclass
class Proxy:
    seed: int
    upstream: int
    "The port of the model."
    share: float = 0.35
    "Of the exchanges that are disturbed."
    calm: bool = False
    port: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])
    bodies: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    "What the sidecar has sent, by thread."
    places: dict[str, int] = field(default_factory=dict[str, int])
    "Thread -> its number in this run."
    open: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    "Connections of the sidecar that live."

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]

    async def left(self, seconds: float = 30.0) -> int:
        """How many connections the sidecar has not closed by then."""
        if self.open:
            await asyncio.wait(self.open, timeout=seconds)
        return len(self.open)

    async def close(self) -> None:
        self._server.close()
        for task in tuple(self.open):
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            while True:
                await self._exchange(reader, writer)
        except (_Gone, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(_header(head, b"content-length") or b"0")
        thread = _header(head, b"session_id").decode()
        rng = random.Random(f"{self.seed}/{self.places.get(thread, -1)}/{len(self.bodies[thread])}")
        kind = None if self.calm else drawn(rng, self.share)
        if kind is not None:
            self.kinds[kind] += 1
        if kind in ("request reset", "request cut", "answered too early"):
            await reader.readexactly(rng.randrange(length + 1) if kind != "answered too early" else 0)
            # what has not come whole may yet be sent again; it counts so that the next exchange is another one
            self.bodies[thread].append(b"")
            early = b"HTTP/1.1 400 No\r\ncontent-length: 2\r\n\r\nno" if kind == "answered too early" else b""
            await self._send(Answer((Piece(early),), "rst" if kind == "request reset" else "fin"), reader, writer)
        body = await reader.readexactly(length)
        self.bodies[thread].append(body)
        if kind == "request lost":
            await self._send(Answer((), "silence"), reader, writer)
        if kind == "request late":
            await asyncio.sleep(rng.choice((0.01, 0.05, HEAD * 1.6)))
        if kind == "request corrupted":
            body = _with_noise(body, rng)
        whole = await self._asked(head + body)
        disturb = ANSWER_KINDS.get(kind or "")
        await self._send(disturb(whole, rng) if disturb else Answer(paced(whole, rng)), reader, writer)

    async def _asked(self, request: bytes) -> bytes:
        """The model's whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream, limit=1 << 22)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if b"chunked" not in head:
                return head + await reader.readexactly(int(_header(head, b"content-length") or b"0"))
            body = b""
            while not body.endswith(b"0\r\n\r\n"):
                body += await reader.read(1 << 20) or _none()
            return head + body
        finally:
            writer.close()

    async def _send(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Raises _Gone when the connection is over, which the sidecar may be the one to end."""
        gone = asyncio.ensure_future(reader.read(1)) if any(piece.pause for piece in answer.pieces) else None
        try:
            for piece in answer.pieces:
                if gone is not None and piece.pause:
                    await asyncio.wait((gone,), timeout=piece.pause)
                    if gone.done():
                        raise _Gone
                writer.write(piece.data)
                await writer.drain()
        finally:
            if gone is not None:
                gone.cancel()
                await asyncio.wait((gone,))
        if answer.end == "silence":
            await reader.read()
            raise _Gone
        if answer.end == "rst":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        if answer.end != "keep":
            raise _Gone


def _none() -> bytes:
    raise _Gone


def _header(head: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?im)^" + name + rb":\s*([^\r\n]*)", head)
    return found[1] if found else b""


def _with_noise(body: bytes, rng: random.Random) -> bytes:
    """A request that is damaged, and yet says of itself that it is not whole: the model must be able to refuse it."""
    data, at = bytearray(body), rng.randrange(len(body))
    for offset in range(at, min(at + rng.choice((1, 2, 40)), len(data))):
        data[offset] = rng.randrange(256)
    try:
        json.loads(data)
    except ValueError:
        return bytes(data)
    return b"!" + bytes(data[1:])
