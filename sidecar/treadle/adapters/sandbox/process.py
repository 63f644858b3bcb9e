"""A running command and its output, on the event loop.

Promises: bytes are read only when a reader asks for them, so a slow reader slows the command and nothing piles up here; the end
of the process is seen by descriptor, reaped, and told once. Must never block the loop, start a thread, or leave a zombie.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Protocol

_CHUNK = 64 * 1024
_GRACE = 0.3
"Seconds for which the output is still read when the command is gone but somebody holds its output."
_LATE_BYTES = 1024 * 1024
"At most this much is read after the grace."
_REAP_RETRY = 0.005


class Tree(Protocol):
    """The command's descendants: how to reach and how to end them."""

    def interrupt(self) -> None: ...
    async def end(self, child: subprocess.Popen[bytes]) -> None:
        """Asks the kernel to end them all; `child` exits once they are gone."""
        ...


def exit_code(returncode: int) -> int:
    return 128 - returncode if returncode < 0 else returncode


class ChildProcess:
    """One command: the child that stands for it, the descriptor with its output, and the tree below it."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        output: int,
        *,
        tty: bool,
        tree: Tree,
        tidy: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """`tidy` is called once when the child is reaped, with what to call when it is done; until then nobody is told."""
        self.pid = child.pid
        self._loop = asyncio.get_running_loop()
        self._child = child
        self._fd = output
        self._tty = tty
        self._tree = tree
        self._tidy = tidy
        self._reading = False
        self._exit_time = 0.0
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._when_gone: list[Callable[[], None]] = []
        os.set_blocking(output, False)
        self._watch()

    async def output(self) -> AsyncIterator[bytes]:
        if self._reading:
            raise RuntimeError("the output of a command has one reader")
        self._reading = True
        late = _LATE_BYTES
        try:
            while late > 0 and self._fd >= 0:
                try:
                    data = os.read(self._fd, _CHUNK)
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
            self._close_output()
        finally:
            self._reading = False

    async def write(self, data: bytes) -> None:
        if not self._tty or self._fd < 0 or self._exit.done():
            raise BrokenPipeError("standard input is closed")
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise BrokenPipeError("standard input is closed") from error

    async def wait(self) -> int:
        return await asyncio.shield(self._exit)

    async def kill(self) -> None:
        if not self._gone.done():
            await self._tree.end(self._child)
            await asyncio.shield(self._gone)
        if not self._reading:
            self._close_output()

    def interrupt(self) -> None:
        if self._gone.done():
            return
        if self._tty and self._fd >= 0:
            with contextlib.suppress(OSError):
                os.write(self._fd, b"\x03")
        else:
            self._tree.interrupt()

    def resize(self, rows: int, cols: int) -> None:
        if self._tty and self._fd >= 0:
            set_window(self._fd, rows, cols)

    def when_gone(self, call: Callable[[], None]) -> None:
        """`call` runs in the loop once the command and its tree are reaped."""
        if self._gone.done():
            self._loop.call_soon(call)
        else:
            self._when_gone.append(call)

    @property
    def gone(self) -> bool:
        return self._gone.done()

    def set_exit(self, code: int) -> None:
        """The command itself has ended; its background children may live on."""
        if not self._exit.done():
            self._exit_time = self._loop.time()
            self._exit.set_result(code)

    def _watch(self) -> None:
        if sys.platform == "linux":
            handle = os.pidfd_open(self._child.pid)

            def ended() -> None:
                self._loop.remove_reader(handle)
                os.close(handle)
                self.reap()

            self._loop.add_reader(handle, ended)

    def reap(self) -> None:
        """Called when the child is known to be ending."""
        if self._child.poll() is None:
            self._loop.call_later(_REAP_RETRY, self.reap)
            return
        tidy, self._tidy = self._tidy, None
        if tidy is not None:
            tidy(self._finish)
        else:
            self._finish()

    def _finish(self) -> None:
        self.set_exit(exit_code(self._child.returncode))
        if not self._gone.done():
            self._gone.set_result(None)
            for call in self._when_gone:
                call()
            self._when_gone.clear()

    def _over(self) -> bool:
        return self._exit.done() and self._loop.time() >= self._exit_time + _GRACE

    async def _readable(self) -> bool:
        """False when the command has ended and nothing more came within the grace."""
        ready = asyncio.Event()

        def exited(_: object) -> None:
            timers.append(self._loop.call_later(max(0.0, self._exit_time + _GRACE - self._loop.time()), ready.set))

        timers: list[asyncio.TimerHandle] = []
        self._loop.add_reader(self._fd, ready.set)
        self._exit.add_done_callback(exited)
        try:
            await ready.wait()
        finally:
            self._exit.remove_done_callback(exited)
            if self._fd >= 0:
                self._loop.remove_reader(self._fd)
            for timer in timers:
                timer.cancel()
        return self._fd >= 0

    async def _writable(self) -> None:
        ready = asyncio.Event()

        def wake(*_: object) -> None:
            ready.set()

        self._loop.add_writer(self._fd, wake)
        self._exit.add_done_callback(wake)
        try:
            await ready.wait()
        finally:
            self._exit.remove_done_callback(wake)
            if self._fd >= 0:
                self._loop.remove_writer(self._fd)
        if self._fd < 0 or self._exit.done():
            raise BrokenPipeError("standard input is closed")

    def _close_output(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = -1


def set_window(fd: int, rows: int, cols: int) -> None:
    import fcntl  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def open_channel(*, tty: bool, rows: int, cols: int) -> tuple[int, int]:
    """(our end, the command's end): a pseudo terminal or a pipe. Neither is inherited unless asked for."""
    if not tty:
        return os.pipe()
    ours, theirs = os.openpty()
    set_window(ours, rows, cols)
    return ours, theirs
