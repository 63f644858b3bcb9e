"""The descriptors between the sidecar and one command: a pseudo terminal, or pipes, and what is read from them.

Promises that a command is given descriptors that were made for it and no other: one of the host's files, handed on, could be
opened again through /proc for more than it was opened for. Bytes are read only when a reader asks for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import struct
import termios
from collections.abc import AsyncIterator, Callable
from dataclasses import field

from ...core.record import mutable
from ...runtime.ports import CommandSpec

_CHUNK = 64 * 1024
_LATE_BYTES = 1024 * 1024
"At most this much is read after the grace."
GRACE = 0.3
"Seconds for which the output is still read when the command is gone but somebody holds its output."


@mutable
class Channel:
    """Our ends, and the command's until it is born. -1: there is none."""

    output: int
    "Of a terminal also the way in."
    errors: int = -1
    input: int = -1
    theirs: dict[int, int] = field(default_factory=dict[int, int])
    "0, 1 and 2 of the command; without 0 it reads nothing."

    def give(self) -> None:
        """The command has its ends, or will never be."""
        for fd in set(self.theirs.values()):
            os.close(fd)
        self.theirs.clear()

    def close(self) -> None:
        for fd in {self.output, self.errors, self.input} - {-1}:
            os.close(fd)


def open_channel(command: CommandSpec) -> Channel:
    """No descriptor is inherited unless asked for."""
    if command.tty:
        ours, theirs = os.openpty()
        set_window(ours, command.rows, command.cols)
        channel = Channel(ours, theirs={0: theirs, 1: theirs, 2: theirs})
    else:
        ours, theirs = os.pipe()
        channel = Channel(ours, theirs={1: theirs, 2: theirs})
        if command.stdin:
            channel.theirs[0], channel.input = os.pipe()
            os.set_blocking(channel.input, False)
    if command.split:
        channel.errors, channel.theirs[2] = os.pipe()
        os.set_blocking(channel.errors, False)
    os.set_blocking(channel.output, False)
    return channel


def set_window(fd: int, rows: int, cols: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


class Reading:
    """One stream of a command's output. `since` says for how many seconds the command is gone; negative while it lives."""

    def __init__(self, fd: int, exit: asyncio.Future[int], since: Callable[[], float]) -> None:
        self.fd = fd
        self.last_words = b""
        "Read after all else."
        self._exit = exit
        self._since = since
        self._loop = asyncio.get_running_loop()
        self._taken = False

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._taken:
            raise RuntimeError("the output of a command has one reader")
        self._taken = True
        late = _LATE_BYTES
        try:
            while late > 0 and self.fd >= 0:
                try:
                    data = os.read(self.fd, _CHUNK)
                except BlockingIOError:
                    if self._over() or not await self._readable():
                        break
                    continue
                except OSError as error:
                    if error.errno != errno.EIO:  # EIO: the last holder of the terminal has left
                        raise
                    break
                if not data:
                    break
                if self._over():
                    late -= len(data)
                yield data
                await asyncio.sleep(0)
            self.close()
            await asyncio.wait([self._exit])  # an end without a word may be followed by one
            if self.last_words:
                yield self.last_words
        except GeneratorExit:
            self.close()  # who stops to read is gone: the command's next write must fail
            raise
        finally:
            self._taken = False

    def close_unless_taken(self) -> None:
        if not self._taken:
            self.close()

    def close(self) -> None:
        if self.fd >= 0:
            self._loop.remove_reader(self.fd)
            self._loop.remove_writer(self.fd)
            os.close(self.fd)
            self.fd = -1

    def _over(self) -> bool:
        return self._since() >= GRACE

    async def _readable(self) -> bool:
        """False when the command has ended and nothing more came within the grace."""
        ready = asyncio.Event()

        def exited(_: object) -> None:
            timers.append(self._loop.call_later(max(0.0, GRACE - self._since()), ready.set))

        timers: list[asyncio.TimerHandle] = []
        self._loop.add_reader(self.fd, ready.set)
        self._exit.add_done_callback(exited)
        try:
            await ready.wait()
        finally:
            self._exit.remove_done_callback(exited)
            if self.fd >= 0:
                self._loop.remove_reader(self.fd)
            for timer in timers:
                timer.cancel()
        return self.fd >= 0


async def write_all(fd: Callable[[], int], data: bytes, exit: asyncio.Future[int]) -> None:
    """`fd` says where to, or -1 once it is closed. Raises BrokenPipeError when nobody will read it."""
    view = memoryview(data)
    while view:
        if fd() < 0 or exit.done():
            raise BrokenPipeError("standard input is closed")
        try:
            view = view[os.write(fd(), view) :]
        except BlockingIOError:
            await _writable(fd, exit)
        except OSError as error:
            raise BrokenPipeError("standard input is closed") from error


async def _writable(fd: Callable[[], int], exit: asyncio.Future[int]) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def wake(*_: object) -> None:
        ready.set()

    watched = fd()
    loop.add_writer(watched, wake)
    exit.add_done_callback(wake)
    try:
        await ready.wait()
    finally:
        exit.remove_done_callback(wake)
        with contextlib.suppress(ValueError, OSError):
            if fd() == watched:
                loop.remove_writer(watched)
