"""The process's own standard streams, taken once by a door: bytes in as they come, and an output that nobody else can write to.

After `take_stdout` whatever writes to file descriptor 1, a library or a child process, writes to standard error instead.
Loads no asyncio: the doors take their streams before the first answer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_CHUNK = 1024 * 1024


def take_stdout() -> int:
    """A private descriptor of standard output. From here on descriptor 1 is standard error."""
    own = os.dup(1)
    os.set_inheritable(own, False)
    os.dup2(2, 1)
    return own


def take_stdin() -> int:
    """A private descriptor of standard input. From here on descriptor 0 is empty, so that no child reads our messages."""
    own = os.dup(0)
    os.set_inheritable(own, False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return own


async def chunks(fd: int) -> AsyncIterator[bytes]:
    """What arrives, until the end. The next chunk is read when the one before has been dealt with."""
    import asyncio  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    mode = os.fstat(fd).st_mode
    pollable = os.name == "posix" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode))
    while True:
        if pollable:
            await _readable(loop, fd)
            try:
                data = os.read(fd, _CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                return
        else:
            data = await loop.run_in_executor(None, os.read, fd, _CHUNK)
        if not data:
            return
        yield data


async def _readable(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    ready = loop.create_future()
    try:
        loop.add_reader(fd, _wake, ready)
    except PermissionError:
        # a device that cannot be waited for, such as /dev/null: it never blocks
        return
    try:
        await ready
    finally:
        loop.remove_reader(fd)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
