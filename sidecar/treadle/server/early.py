"""The first line of a client that speaks JSON lines, answered before asyncio or anything of ours is loaded.

Reads no further than it must: what came after the first line is handed on. Anything unusual is left to the connection.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import NamedTuple

from .handshake import BadParams, Handshake, shake


class Early(NamedTuple):
    """How far the conversation has come."""

    handshake: Handshake | None
    unread: bytes


def answer(stdin_fd: int, stdout_fd: int) -> Early:
    """Wait for the first line and answer it if it is a good initialize."""
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
        handshake, result = shake(message.get("params"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, BadParams):
        return Early(None, line)
    reply = json.dumps({"id": message["id"], "result": result}, separators=(",", ":")).encode() + b"\n"
    with contextlib.suppress(BrokenPipeError):  # the connection finds out, too
        while reply:
            reply = reply[os.write(stdout_fd, reply) :]
    return Early(handshake, rest)
