"""The first line of a client that speaks JSON lines, answered before asyncio or anything of ours is loaded.

Reads no further than it must: what came after the first line is handed on. Anything unusual is left to the connection.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from .handshake import BadParams, Handshake, shake

T = TypeVar("T")


class Early(NamedTuple, Generic[T]):
    """How far the conversation has come."""

    handshake: T | None
    unread: bytes


def answer(stdin_fd: int, stdout_fd: int) -> Early[Handshake]:
    """Wait for the first line and answer it if it is a good initialize."""
    return answer_by(shake, stdin_fd, stdout_fd, {})


def answer_by(
    meet: Callable[[Any], tuple[T, dict[str, Any]]], stdin_fd: int, stdout_fd: int, envelope: dict[str, Any]
) -> Early[T]:
    """The same in another protocol: `meet` says who the client is and what it is answered, in a message that begins so."""
    line = b""
    while b"\n" not in line and len(line) < 65536:
        data = os.read(stdin_fd, 65536)
        if not data:
            return Early(None, line)
        line += data
    first, _, rest = line.partition(b"\n")
    try:
        message = json.loads(first)
        if message["method"] != "initialize" or type(message["id"]) not in (str, int):
            return Early(None, line)
        handshake, result = meet(message.get("params"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, BadParams):
        return Early(None, line)
    reply = json.dumps({**envelope, "id": message["id"], "result": result}, separators=(",", ":")).encode() + b"\n"
    with contextlib.suppress(BrokenPipeError):  # the connection finds out, too
        while reply:
            reply = reply[os.write(stdout_fd, reply) :]
    return Early(handshake, rest)
