"""The way out: bytes to one file descriptor, in order, nothing lost while the reader lives.

Messages put within one turn of the event loop leave in one write. While the reader is slow they wait here; past HIGH_WATER the
event loop itself waits until the reader has caught up to LOW_WATER, so memory stays bounded and a slow reader slows the agent.
A reader that takes nothing at all for PATIENCE seconds, while the loop waits for it, counts as gone.
Must never be written to by anyone else: a stray byte would break the protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import stat
import time
from collections import deque
from collections.abc import Callable

HIGH_WATER = 32 * 1024 * 1024
LOW_WATER = 8 * 1024 * 1024
PATIENCE = 600.0
HASTE = 5.0
"The patience that is left when the process was told to end."
_PIECE = 1024 * 1024
_LOOK = 250
"Milliseconds."
_log = logging.getLogger(__name__)


class Outbox:
    """Belongs to the running event loop. After the reader is gone, `put` drops what it is given."""

    def __init__(self, fd: int, on_lost: Callable[[], None]) -> None:
        self._fd = fd
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._offset = 0
        self._scheduled = False
        self._watching = False
        self.lost = False
        self._patience = PATIENCE
        mode = os.fstat(fd).st_mode
        self._pollable = os.name == "posix" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))
        self._was_blocking = os.get_blocking(fd)
        if self._pollable:
            os.set_blocking(fd, False)

    def put(self, data: bytes) -> None:
        """Send soon."""
        if self.lost or not data:
            return
        self._waiting.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER:
            self._drain_to(LOW_WATER)
        elif not self._scheduled and not self._watching:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def hurry(self, number: int = 0, frame: object = None) -> None:
        """The process is to end: a reader that takes nothing is not waited for any more. A handler of signals."""
        self._patience = min(self._patience, HASTE)

    def close(self) -> None:
        """Send all that is left, waiting for the reader as long as it lives."""
        self._drain_to(0)
        self._unwatch()
        if self._pollable:
            with contextlib.suppress(OSError):
                os.set_blocking(self._fd, self._was_blocking)

    def _flush(self) -> None:
        self._scheduled = False
        if self.lost or self._write_some():
            self._unwatch()
        elif not self._watching and self._waiting:
            self._watching = True
            self._loop.add_writer(self._fd, self._flush)

    def _write_some(self) -> bool:
        """Write until all is gone (True) or the reader must catch up (False)."""
        while self._waiting:
            piece = self._next_piece()
            try:
                written = os.write(self._fd, piece)
            except BlockingIOError:
                return False
            except OSError:
                self._lose()
                return True
            self._advance(written)
        return True

    def _next_piece(self) -> bytes | memoryview:
        """The bytes to write next: small messages together, a large one in place."""
        first = self._waiting[0]
        if self._offset or len(first) >= _PIECE:
            return memoryview(first)[self._offset : self._offset + _PIECE]
        size, count = 0, 0
        for data in self._waiting:
            size += len(data)
            if count and size > _PIECE:
                break
            count += 1
        if count > 1:
            joined = b"".join(self._waiting.popleft() for _ in range(count))
            self._waiting.appendleft(joined)
            return joined
        return first

    def _advance(self, written: int) -> None:
        self._size -= written
        self._offset += written
        if self._waiting and self._offset >= len(self._waiting[0]):
            self._waiting.popleft()
            self._offset = 0

    def _drain_to(self, mark: int) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        taken = time.monotonic()
        while self._size > mark and not self.lost:
            before = self._size
            if self._write_some() or self._size <= mark:
                return
            if self._size < before:
                taken = time.monotonic()
            elif time.monotonic() - taken > self._patience:
                _log.warning("the client has read nothing for %d s, and %d bytes wait: it is let go of", self._patience, before)
                self._lose()
                return
            poll.poll(_LOOK)

    def _lose(self) -> None:
        self.lost = True
        self._waiting.clear()
        self._size = self._offset = 0
        self._unwatch()
        self._on_lost()

    def _unwatch(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.remove_writer(self._fd)
