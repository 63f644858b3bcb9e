"""Many small HTTP chunks -> few large ones, before the HTTP library sees them.

Models send each event as a chunk of its own, and the library spends more on a chunk than we spend on the event in it. What has
arrived together is therefore handed on as one chunk. Promises: the same body, the same end, the same errors for a body that is
malformed; nothing waits for what has not come. Everything but the chunks of a body passes through as it is.
"""

from __future__ import annotations

import re

from ...core.pattern import late

_CHUNKED = late(rb"^transfer-encoding:[^\r\n]*\bchunked\s*$", re.I | re.M)
_HEAD_LIMIT = 256 * 1024
_SIZE_LINE_LIMIT = 4096


class ChunkJoiner:
    """The answers on one connection, in order. Call `sent` whenever a request goes out."""

    __slots__ = ("_held", "_left", "_state")

    def __init__(self) -> None:
        self._state = "pass"
        self._held = b""
        self._left = 0

    def sent(self) -> None:
        """An answer is due: its head comes next."""
        self._state, self._held, self._left = "head", b"", 0

    def feed(self, data: bytes) -> bytes:
        """What to hand on; empty when more must come first."""
        if self._state == "chunks":
            return self._joined(data)
        if self._state == "head":
            return self._head(data)
        return data

    def _head(self, data: bytes) -> bytes:
        seen = self._held + data
        end = seen.find(b"\r\n\r\n") + 4
        if end < 4:
            # Handed on at once and looked at again with what follows.
            self._held = seen
            if len(seen) > _HEAD_LIMIT:
                self._state, self._held = "pass", b""
            return data
        body = seen[end:]
        front = data[: len(data) - len(body)]
        self._held = b""
        if re.match(rb"HTTP/1\.\d 1\d\d", seen):
            return front + self._head(body) if body else front
        if not _CHUNKED.search(seen[:end].replace(b"\r\n", b"\n")):
            self._state = "pass"
            return data
        self._state = "chunks"
        return front + self._joined(body)

    def _joined(self, data: bytes) -> bytes:
        if self._held:
            data, self._held = self._held + data, b""
        size, at = len(data), 0
        parts: list[bytes] = []
        rest = b""
        if self._left:
            # `_left` counts the line end after the chunk, too.
            inside = data[: max(self._left - 2, 0)]
            parts.append(inside)
            at = min(self._left, size)
            if not b"\r\n"[-self._left :].startswith(data[len(inside) : at]):
                return self._malformed(parts, data[len(inside) :])
            self._left -= at
        while at < size:
            end = data.find(b"\r\n", at)
            if end < 0:
                if size - at > _SIZE_LINE_LIMIT:
                    return self._malformed(parts, data[at:])
                self._held = data[at:]
                break
            length = _length(data[at:end])
            if length < 0:
                return self._malformed(parts, data[at:])
            if length == 0:
                self._state, rest = "pass", data[at:]
                break
            start, stop = end + 2, end + 2 + length
            parts.append(data[start:stop])
            at = stop + 2
            if at > size:
                self._left = at - size
                if size > stop and data[stop] != 13:
                    return self._malformed(parts, data[stop:])
            elif data[stop:at] != b"\r\n":
                return self._malformed(parts, data[stop:])
        return _chunk(parts) + rest

    def _malformed(self, parts: list[bytes], rest: bytes) -> bytes:
        # An empty line where a size must be: the library raises its own error.
        self._state = "pass"
        return _chunk(parts) + b"\r\n" + rest


def _length(line: bytes) -> int:
    digits = line.partition(b";")[0].rstrip(b" \t")
    if not digits.isalnum() or len(digits) > 15:
        return -1
    try:
        return int(digits, 16)
    except ValueError:
        return -1


def _chunk(parts: list[bytes]) -> bytes:
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""
