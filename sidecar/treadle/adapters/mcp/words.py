"""What a child says on standard error: its end is kept for the user, line by line all of it is handed on, and goes to the log
within bounds.

Values that were given to the child in confidence are struck out of both. Nothing of it floods our own output.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import TextIO

LAST_WORDS = 4 * 1024
"Bytes that are kept."
MAX_LOGGED = 256 * 1024
"Characters of one child that are logged."
MAX_LINE = 1_000
_AT_ONCE = 64 * 1024
_SHORTEST_SECRET = 6
_log = logging.getLogger(__name__)


class LastWords:
    """`file` is for the child. Closing it twice is safe."""

    def __init__(self, name: str = "", secrets: Iterable[str] = (), tell: Callable[[str], None] | None = None) -> None:
        """`tell` hears every line."""
        self._name = name
        self._tell = tell
        self._secrets = tuple(sorted((s for s in secrets if len(s) >= _SHORTEST_SECRET), key=len, reverse=True))
        self._read: int | None = None
        self._chunks: deque[bytes] = deque()
        self._line = b""
        self._room = MAX_LOGGED
        try:
            read, write = os.pipe()
            os.set_blocking(read, False)
            asyncio.get_running_loop().add_reader(read, self._take)
        except NotImplementedError:  # an event loop that cannot watch pipes, as on Windows
            self.file: TextIO = open(os.devnull, "w")  # noqa: SIM115
            return
        self._read = read
        self.file = os.fdopen(write, "w")

    def text(self) -> str:
        self._take()
        return self._struck(b"".join(self._chunks)[-LAST_WORDS:].decode("utf-8", "replace").strip())

    def close(self) -> None:
        if self._read is not None:
            self._take()
            self._hand_on(self._line)
            self._line = b""
        self.file.close()
        if self._read is not None:
            asyncio.get_running_loop().remove_reader(self._read)
            os.close(self._read)
            self._read = None

    def _take(self) -> None:
        if self._read is None:
            return
        try:
            data = os.read(self._read, _AT_ONCE)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._read)
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[:_AT_ONCE]
        for line in lines:
            self._hand_on(line)
        self._chunks.append(data[-LAST_WORDS:])
        while len(self._chunks) > 1 and sum(map(len, self._chunks)) - len(self._chunks[0]) >= LAST_WORDS:
            self._chunks.popleft()

    def _hand_on(self, line: bytes) -> None:
        said = self._struck(line.decode("utf-8", "replace").strip())[:MAX_LINE]
        if not said:
            return
        if self._tell is not None:
            self._tell(said)
        if self._room > 0 and _log.isEnabledFor(logging.INFO):
            self._room -= len(said) + 1
            _log.info("mcp server %s says: %s", self._name, "".join(c if c.isprintable() else " " for c in said))
            if self._room <= 0:
                _log.info("mcp server %s says more than is logged", self._name)

    def _struck(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
