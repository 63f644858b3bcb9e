"""The editor's initialize, answered with nothing loaded but json: an editor waits for it before it shows anything.

Reads no further than it must, and hands on all that it has read: the conversation, which finds the same initialize in it, answers
that one no more. Anything unusual is left to the conversation.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import __version__
from .abilities import abilities, capabilities
from .framing import Headers

if TYPE_CHECKING:
    from ..runtime.agent import Agent

_LONGEST = 1024 * 1024
"Bytes of a first message that is answered here."


class Early(NamedTuple):
    """How far the conversation has come."""

    answered: bool
    unread: bytes


def serve(open_agent: Callable[[], Awaitable[Agent]]) -> int:
    """Serve the editor at the other end of the standard streams until it is gone."""
    from .stdio import take_stdin, take_stdout  # noqa: PLC0415 - asyncio is loaded after the first answer

    stdin_fd, stdout_fd = take_stdin(), take_stdout()
    first = answer(stdin_fd, stdout_fd)
    import asyncio  # noqa: PLC0415

    from .lsp import run  # noqa: PLC0415

    return asyncio.run(run(open_agent, stdin_fd=stdin_fd, stdout_fd=stdout_fd, first=first))


def answer(stdin_fd: int, stdout_fd: int) -> Early:
    """Wait for the first message and answer it if it is a good initialize."""
    framing, read = Headers(), b""
    first: object = None
    while first is None and len(read) < _LONGEST:
        data = os.read(stdin_fd, 65536)
        if not data:
            break
        read += data
        first = next(framing.feed(data), None)
    if not isinstance(first, bytes):
        return Early(False, read)
    try:
        message = json.loads(first.decode("utf-8-sig"), parse_constant=_no_constant)
        if message["method"] != "initialize" or type(message["id"]) not in (str, int):
            return Early(False, read)
        result = hello(message.get("params"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Early(False, read)
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}, separators=(",", ":")).encode()
    reply = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    with contextlib.suppress(BrokenPipeError):  # the conversation finds out, too
        while reply:
            reply = reply[os.write(stdout_fd, reply) :]
    return Early(True, read)


def hello(params: Any) -> dict[str, Any]:
    """What we answer to initialize."""
    return {"capabilities": capabilities(abilities(params)), "serverInfo": {"name": "treadle", "version": __version__}}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
