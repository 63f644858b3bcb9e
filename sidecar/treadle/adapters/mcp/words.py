"""What a child says on standard error: its end is kept for the user, in bounded memory, and nothing of it floods our own."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import TextIO

LAST_WORDS = 4 * 1024
"Bytes that are kept."
_AT_ONCE = 64 * 1024


class LastWords:
    """`file` is for the child. Closing it twice is safe."""

    def __init__(self) -> None:
        self._read: int | None = None
        self._chunks: deque[bytes] = deque()
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
        return b"".join(self._chunks)[-LAST_WORDS:].decode("utf-8", "replace").strip()

    def close(self) -> None:
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
        self._chunks.append(data[-LAST_WORDS:])
        while len(self._chunks) > 1 and sum(map(len, self._chunks)) - len(self._chunks[0]) >= LAST_WORDS:
            self._chunks.popleft()
