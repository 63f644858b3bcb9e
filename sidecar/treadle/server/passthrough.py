"""One command between our own standard streams and the sandbox's, as a shell would run it: `treadle sandbox`.

Promises the command's own exit code, its bytes unchanged and apart, and the user's terminal as it was before. The command never
gets a descriptor of ours, only what is copied from and to it. Must never outlive the command, nor the command this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import stat
import termios
import tty
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from dataclasses import replace
from typing import cast

from ..core.settings import SandboxPolicy
from ..runtime.ports import CommandSpec, Process, Sandbox
from .stdio import chunks

_PATIENCE = 3.0
"Seconds in which a command that was interrupted may end by itself."
_BACKGROUND_POLL = 0.2


async def run(sandbox: Sandbox, command: CommandSpec, policy: SandboxPolicy) -> int:
    """The command's exit code; 128 + n when signal n ended it or us. Raises what Sandbox.spawn raises."""
    terminal = os.isatty(0) and os.isatty(1) and _in_front()
    rows, cols = _window() if terminal else (command.rows, command.cols)
    wishes = replace(command, tty=terminal, rows=rows, cols=cols, stdin=_is_open(0), split=not (terminal and os.isatty(2)))
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with _signals(ended):
        process = await sandbox.spawn(wishes, policy)
        with _raw() if terminal else contextlib.nullcontext():
            return await _serve(process, ended, terminal=terminal)


async def _serve(process: Process, ended: asyncio.Future[int], *, terminal: bool) -> int:
    loop = asyncio.get_running_loop()
    if terminal:
        loop.add_signal_handler(signal.SIGWINCH, lambda: process.resize(*_window()))
    feeding = asyncio.ensure_future(_feed(process, terminal=terminal))
    copying = asyncio.ensure_future(_copy_all(process))
    try:
        await asyncio.wait([copying, ended], return_when=asyncio.FIRST_COMPLETED)
        if ended.done() and not copying.done():
            if ended.result() == signal.SIGINT:
                process.interrupt()
                await asyncio.wait([copying], timeout=_PATIENCE)
            if not copying.done():
                await process.kill()
                return 128 + ended.result()
        return await copying
    finally:
        feeding.cancel()
        await process.kill()


async def _copy_all(process: Process) -> int:
    await asyncio.gather(_copy(process.output(), 1), _copy(process.errors(), 2))
    return await process.wait()


async def _copy(source: AsyncIterator[bytes], fd: int) -> None:
    """When nobody reads us any more, the command is told in the usual way: its next write fails."""
    loop = asyncio.get_running_loop()
    async with contextlib.aclosing(cast("AsyncGenerator[bytes]", source)) as pieces:
        async for data in pieces:
            if not await loop.run_in_executor(None, _write, fd, data):
                return


def _write(fd: int, data: bytes) -> bool:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:  # somebody has made it so; it is not ours to change
            _wait_until_writable(fd)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.EBADF):
                with contextlib.suppress(OSError):
                    os.write(2, f"treadle: the output could not be written: {error.strerror}\n".encode())
            return False
    return True


def _wait_until_writable(fd: int) -> None:
    import select  # noqa: PLC0415

    select.select([], [fd], [], 1.0)


async def _feed(process: Process, *, terminal: bool) -> None:
    """Our standard input, to its end or the command's."""
    try:
        if not _is_open(0):
            return
        if os.isatty(0):
            await _until_in_front()
        async with contextlib.aclosing(cast("AsyncGenerator[bytes]", chunks(0))) as pieces:
            async for data in pieces:
                await process.write(data)
                if os.isatty(0) and not terminal:
                    await _until_in_front()
        await process.close_input()
    except (BrokenPipeError, OSError):
        pass  # it does not want more


async def _until_in_front() -> None:
    """Who reads from a terminal in the background is stopped by the kernel."""
    while not _in_front():  # noqa: ASYNC110 - nobody is told of it
        await asyncio.sleep(_BACKGROUND_POLL)


def _in_front() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # not our controlling terminal: nobody would stop us
        return True


def _is_open(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return False
    return not stat.S_ISDIR(mode)


def _window() -> tuple[int, int]:
    for fd in (1, 0, 2):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(fd)
            if size.lines > 0 and size.columns > 0:
                return size.lines, size.columns
    return 24, 80


@contextlib.contextmanager
def _raw() -> Generator[None]:
    """The keyboard is the command's: Ctrl-C and the like are typed into its terminal."""
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSADRAIN)
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _signals(ended: asyncio.Future[int]) -> Generator[None]:
    """Which signal asks us to end. What our parent chose to ignore stays ignored."""
    loop = asyncio.get_running_loop()
    wanted = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT) if signal.getsignal(n) != signal.SIG_IGN]

    def told(number: int) -> Callable[[], None]:
        return lambda: None if ended.done() else ended.set_result(number)

    for number in wanted:
        loop.add_signal_handler(number, told(number))
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)
