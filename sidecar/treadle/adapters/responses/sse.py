"""Server-sent events, incrementally: bytes in, events out.

Promises: the same events however the bytes are split; line ends may be LF, CR LF or CR; comments and unknown fields are passed
over; an event that the stream does not finish is dropped, as the standard says. Holds at most one unfinished event, of at most
`limit` bytes. Knows nothing of what the events mean, does no input or output of its own.
"""

from __future__ import annotations

from typing import TypeAlias

EVENT_LIMIT = 32 * 1024 * 1024
"Bytes of one event. An image in a reply is a few MiB; more than this is not a reply."

SseEvent: TypeAlias = tuple[bytes, bytes]
"(event name, data); the name is empty where none was sent."

_BOM = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """One event is larger than the limit."""


class SseParser:
    """Feed it what the network gives; it returns the events that are complete."""

    __slots__ = ("_after_cr", "_limit", "_pending", "_started")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._after_cr = False
        self._started = False

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Raises EventTooLarge; the parser is of no use after that."""
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_lf_only(chunk)
        pending = self._pending
        # Look back one byte only, so that a large event in many chunks is not searched again and again.
        seen = max(len(pending) - 1, 0)
        pending += chunk
        end = pending.rfind(b"\n\n", seen)
        if end < 0:
            self._check(len(pending))
            return []
        blocks = bytes(pending[:end]).split(b"\n\n")
        del pending[: end + 2]
        self._check(len(pending))
        if not self._started:
            self._started = True
            blocks[0] = blocks[0].removeprefix(_BOM)
        events: list[SseEvent] = []
        for block in blocks:
            event = self._event(block)
            if event is not None:
                events.append(event)
        return events

    def _with_lf_only(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if chunk.endswith(b"\r"):
            self._after_cr = True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _event(self, block: bytes) -> SseEvent | None:
        self._check(len(block))
        name = b""
        data: bytes | None = None
        more: list[bytes] | None = None
        for line in block.split(b"\n"):
            if line.startswith(b"data:"):
                value = line[6:] if line.startswith(b"data: ") else line[5:]
            elif line.startswith(b"event:"):
                name = line[6:].removeprefix(b" ")
                continue
            elif line == b"data":
                value = b""
            else:
                continue
            if data is None:
                data = value
            elif more is None:
                more = [data, value]
            else:
                more.append(value)
        if data is None:
            return None
        return (name, data if more is None else b"\n".join(more))

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise EventTooLarge(f"an event of more than {self._limit} bytes")
