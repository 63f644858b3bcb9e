"""Bytes of a server's output -> JSON-RPC messages, a line each. Pure but for the model of a message.

A line has a bound. One that is longer is passed over, and when it is an answer, whoever waits for it is told that it was too
large: the server goes on. What is no message is passed over. Imports `mcp_types`.
"""

from __future__ import annotations

from collections.abc import Iterator

import mcp_types
from mcp_types import ErrorData, JSONRPCError, JSONRPCMessage

from ...core.pattern import late

MAX_LINE = 32 * 1024 * 1024
"Bytes of one message."
MAX_TOOLS = 2048
TOO_MANY = f"its list of tools is longer than {MAX_TOOLS} tools"
INTERNAL_ERROR = -32603
_WORTH_COUNTING = 64 * 1024
DESCRIBES = b'"inputSchema"'
"What every tool of a list has once."
_EDGE = 512
_ID = rb'"id"\s*:\s*(\d{1,18}|"[^"\\]{1,100}")'
_AT_HEAD = late(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?' + _ID)
_AT_TAIL = late(_ID + rb'\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$')


class Lines:
    """Fed with what comes."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._line = bytearray()
        self._head: bytes | None = None
        "How a line that is too long began."

    def feed(self, data: bytes) -> Iterator[JSONRPCMessage]:
        """The messages that are complete now."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._add(end)
            message = self._message()
            if message is not None:
                yield message
        self._add(rest)

    def _add(self, data: bytes) -> None:
        self._line += data
        if len(self._line) > self._limit:
            self._head = bytes(self._line[:_EDGE]) if self._head is None else self._head
            del self._line[:-_EDGE]

    def _message(self) -> JSONRPCMessage | None:
        line, head = bytes(self._line), self._head
        self._line, self._head = bytearray(), None
        if head is not None:
            return _refused(head, line, f"its answer is larger than {self._limit // (1024 * 1024)} MB")
        if lists_too_much(line):
            return _refused(line[:_EDGE], line[-_EDGE:], TOO_MANY)
        if not line.strip():
            return None
        try:
            return mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            return None  # a banner, a log line


def lists_too_much(data: bytes) -> bool:
    """Whether this describes so many tools that it is not worth the seconds that it would take to read them."""
    return len(data) > _WORTH_COUNTING and data.count(DESCRIBES) > 2 * MAX_TOOLS


def _refused(head: bytes, tail: bytes, why: str) -> JSONRPCError | None:
    """The failure of the request that this is the answer to; None when it is no answer."""
    found = _AT_HEAD.match(head) or _AT_TAIL.search(tail)
    if found is None or b'"method"' in head[: found.end() + 20]:
        return None
    id = found[1].decode("ascii", "replace")
    error = ErrorData(code=INTERNAL_ERROR, message=why)
    return JSONRPCError(jsonrpc="2.0", id=id[1:-1] if id.startswith('"') else int(id), error=error)
