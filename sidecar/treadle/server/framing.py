"""Bytes <-> messages, for both framings: a JSON text a line, and Content-Length headers. No I/O, no JSON.

A message longer than MAX_MESSAGE is passed over to its end and reported once; what follows is read as if nothing had happened.
After headers that do not say how long their message is, reading goes on with the next headers that do.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from typing import Protocol

from ..core.pattern import late

MAX_MESSAGE = 64 * 1024 * 1024
_MAX_HEADERS = 16 * 1024
_END = b"\r\n\r\n"
_TAIL = 256
"Bytes in which headers may have begun, of what was no headers."
_LENGTH = late(rb"content-length:[ \t]*(\d{1,15})[ \t]*(?=\r\n|$)", re.IGNORECASE)
"Wherever it stands: a message in JSON cannot contain it with a raw end of line behind it."


class TooLong(Exception):
    """A message that we will not read. The stream goes on after it."""


class NoLength(Exception):
    """Headers from which nobody can tell where their message ends. The stream goes on at the next ones."""


class Framing(Protocol):
    """One direction of one stream."""

    head: str
    "How every message begins: its brace, and the members that come first."
    stamped: bool
    "Whether notifications carry emittedAtMs beside method and params; strict JSON-RPC readers refuse members they do not know."
    withdraws: bool
    "Whether a question that needs no answer any more is withdrawn with $/cancelRequest too, as editors expect."

    def feed(self, data: bytes) -> Iterator[bytes | TooLong | NoLength]:
        """The messages that are complete with these bytes."""
        ...

    def frame(self, texts: Sequence[str]) -> bytes:
        """The bytes of these messages."""
        ...


class Lines:
    """A JSON text a line, without the "jsonrpc" member."""

    head = "{"
    stamped = True
    withdraws = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | TooLong]:
        *ends, rest = data.split(b"\n")
        for end in ends:
            line = b"".join([*self._parts, end])
            skipped, self._skipping = self._skipping, False
            self._parts, self._size = [], 0
            if len(line) > MAX_MESSAGE:
                yield TooLong()
            elif not skipped and line.strip():
                yield line
        if rest and not self._skipping:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > MAX_MESSAGE:
                self._parts, self._skipping = [], True
                yield TooLong()

    def frame(self, texts: Sequence[str]) -> bytes:
        return "".join([text + "\n" for text in texts]).encode()


class Headers:
    """Content-Length headers before each JSON text, as in the Language Server Protocol."""

    head = '{"jsonrpc":"2.0",'
    stamped = False
    withdraws = True

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None
        self._to_skip = 0
        self._lost = False
        self._long = False
        "The headers that have begun are longer than any."

    def feed(self, data: bytes) -> Iterator[bytes | TooLong | NoLength]:
        self._buffer += data
        while True:
            if self._to_skip:
                skipped = min(self._to_skip, len(self._buffer))
                del self._buffer[:skipped]
                self._to_skip -= skipped
            if self._length is None and not (yield from self._read_headers()):
                return
            if self._length is None:
                continue
            if len(self._buffer) < self._length:
                return
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length = None
            yield body

    def _read_headers(self) -> Generator[TooLong | NoLength, None, bool]:
        """True when a header block was there."""
        end = self._buffer.find(_END)
        if (end if end >= 0 else len(self._buffer) - len(_END)) > _MAX_HEADERS:
            if not self._lost:
                yield TooLong()
            self._lost = self._long = True
        if end < 0:
            if self._long:
                del self._buffer[:-_TAIL]
            return False
        # of a block that is too long the same bytes count, however much of it was here at once
        block = bytes(self._buffer[max(end - _TAIL, 0) if self._long else 0 : end])
        del self._buffer[: end + len(_END)]
        self._long = False
        length = _length(block)
        if length is None and block.strip():
            if not self._lost:
                yield NoLength()
            self._lost = True
            found = _LENGTH.findall(block)
            length = int(found[-1]) if found else None
        if length is not None:
            self._lost = False
        if length and length > MAX_MESSAGE:
            self._to_skip = length
            yield TooLong()
        elif length:
            self._length = length
        return True

    def frame(self, texts: Sequence[str]) -> bytes:
        # our texts are ASCII, so characters are bytes
        return "".join([f"Content-Length: {len(text)}\r\n\r\n{text}" for text in texts]).encode("ascii")


def _length(block: bytes) -> int | None:
    length = None
    for line in block.split(b"\r\n"):
        found = _LENGTH.fullmatch(line.strip())
        if found:
            length = int(found[1])
    return length
