"""A running command and its output, on the event loop.

Promises: bytes are read only when a reader asks for them, so a slow reader slows the command and nothing piles up here; the end
of the process is seen by descriptor, reaped, and told once. Must never block the loop, start a thread, or leave a zombie.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ...core.record import mutable
from .channel import Channel, Reading, set_window, write_all

_END_OF_INPUT = b"\x04"
"Ctrl-D."
_REAP_RETRY = 0.005


class Child(Protocol):
    """What of subprocess.Popen is needed here."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...


@mutable
class KeptChild:
    """Stands for a process that is not our child: whoever is told how it ended sets the code."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


class Tree(Protocol):
    """The command's descendants: how to reach and how to end them."""

    def interrupt(self) -> None: ...
    async def end(self, child: Child) -> None:
        """Asks the kernel to end them all; `child` exits once they are gone."""
        ...


def exit_code(returncode: int) -> int:
    return 128 - returncode if returncode < 0 else returncode


class ChildProcess:
    """One command: the child that stands for it, the channel to it, and the tree below it."""

    def __init__(
        self,
        child: Child,
        channel: Channel,
        *,
        tty: bool,
        tree: Tree,
        tidy: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """`tidy` is called once when the child is reaped, with what to call when it is done; until then nobody is told."""
        self.pid = child.pid
        self._loop = asyncio.get_running_loop()
        self._child = child
        self._tty = tty
        self._tree = tree
        self._tidy = tidy
        self._exit_time = 0.0
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._output = Reading(channel.output, self._exit, self._since)
        self._errors = Reading(channel.errors, self._exit, self._since) if channel.errors >= 0 else None
        self._input = channel.input
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._when_gone: list[Callable[[], None]] = []
        self._ending: asyncio.Task[None] | None = None
        self._watch()

    def output(self) -> AsyncIterator[bytes]:
        return self._output.chunks()

    async def errors(self) -> AsyncIterator[bytes]:
        if self._errors is not None:
            async for data in self._errors.chunks():
                yield data

    async def write(self, data: bytes) -> None:
        await write_all(self._way_in, data, self._exit)

    async def close_input(self) -> None:
        if self._tty:
            await self.write(_END_OF_INPUT)
        elif self._input >= 0:
            self._loop.remove_writer(self._input)
            os.close(self._input)
            self._input = -1

    def _way_in(self) -> int:
        return self._output.fd if self._tty else self._input

    async def wait(self) -> int:
        return await asyncio.shield(self._exit)

    async def kill(self) -> None:
        if not self._gone.done():
            await self._tree.end(self._child)
            await asyncio.shield(self._gone)
        self._output.close_unless_taken()
        if self._errors is not None:
            self._errors.close_unless_taken()

    def say_last(self, words: str | None) -> None:
        """Let them be the last that its reader sees; to be called before it is gone."""
        if words:
            self._output.last_words += f"\n{words}\n".encode("utf-8", "replace")

    def end_because(self, why: str) -> None:
        """Kill it, and say why."""
        if self._ending is None and not self._gone.done():
            self.say_last(why)
            self._ending = self._loop.create_task(self.kill(), name="end a command")

    def interrupt(self) -> None:
        if self._gone.done():
            return
        if self._tty and self._output.fd >= 0:
            with contextlib.suppress(OSError):
                os.write(self._output.fd, b"\x03")
        else:
            self._tree.interrupt()

    def resize(self, rows: int, cols: int) -> None:
        if self._tty and self._output.fd >= 0:
            set_window(self._output.fd, rows, cols)

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
        if sys.platform == "linux" and not isinstance(self._child, KeptChild):
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
        assert self._child.returncode is not None
        self.set_exit(exit_code(self._child.returncode))
        if self._input >= 0:
            self._loop.remove_writer(self._input)
            os.close(self._input)
            self._input = -1
        if not self._gone.done():
            self._gone.set_result(None)
            for call in self._when_gone:
                call()
            self._when_gone.clear()

    def _since(self) -> float:
        return self._loop.time() - self._exit_time if self._exit.done() else -1.0
