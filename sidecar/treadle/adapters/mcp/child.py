"""An MCP server as a child process: a JSON text a line over its standard input and output.

Promises that a line has a bound, that what is no message is passed over, and that the child and all it started are gone when the
context is left, however it is left; and soon after the sidecar was killed. Imports `mcp`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TextIO

import anyio
from mcp.shared.message import SessionMessage

from ..warden import Warden
from .lines import Lines

GRACE = 2.0
"Seconds to end after its input is closed, and again after it was told to."
_KILLED = 60.0
"Seconds until one that was killed is gone. It takes so long only in a call that the kernel does not break off."
_AT_ONCE = 256 * 1024
_CLOSED = (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError)


@asynccontextmanager
async def open_child(
    command: Sequence[str], env: dict[str, str], cwd: str, *, words: TextIO, gone: Callable[[], None], warden: Warden
) -> AsyncGenerator[Any, None]:
    """The streams of a session. `words`: where its standard error goes; `gone` is called when its output ends."""
    warden.start()
    env = {**env, warden.mark: "1"}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=words, env=env, cwd=cwd, start_new_session=True, limit=_AT_ONCE
    )
    # no await from here until the group is entered: the child would be left behind
    heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)

    async def read() -> None:
        async with heard:
            await _read(process, heard)
        gone()

    async def write() -> None:
        async with said:
            with suppress(*_CLOSED):
                async for message in said:
                    assert process.stdin is not None
                    process.stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                    await process.stdin.drain()
                return
        # it does not listen any more: whoever waits for an answer must not wait for ever
        await heard.aclose()

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        group.start_soon(write)
        try:
            yield incoming, outgoing
        finally:
            incoming.close()
            outgoing.close()
            with anyio.CancelScope(shield=True):
                await _end(process)
            group.cancel_scope.cancel()


async def _read(process: Process, heard: Any) -> None:
    """To the end of its output; on and on when nobody takes the messages, so that it can end."""
    assert process.stdout is not None
    lines, wanted = Lines(), True
    with suppress(OSError):  # a pipe that broke: the same as the end
        while data := await process.stdout.read(_AT_ONCE):
            for message in lines.feed(data) if wanted else ():
                try:
                    await heard.send(SessionMessage(message))
                except _CLOSED:
                    wanted = False
                    break


async def _end(process: Process) -> None:
    """Ask by closing its input, then tell it, then kill; the last in any case, for what it may have left behind."""
    try:
        assert process.stdin is not None
        process.stdin.close()
        if not await _ended(process):
            _signal(process, signal.SIGTERM)
            await _ended(process)
    finally:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    if not await _ended(process):
        # `wait` also waits for whoever else holds its output, and is not bound to; the process itself is gone in any case
        with suppress(TimeoutError):
            async with asyncio.timeout(_KILLED):
                while process.returncode is None:  # noqa: ASYNC110 - nobody else tells
                    await asyncio.sleep(0.01)


async def _ended(process: Process) -> bool:
    try:
        await asyncio.wait_for(process.wait(), GRACE)
    except TimeoutError:
        return False
    return True


def _signal(process: Process, number: signal.Signals) -> None:
    """To the child and its descendants: it leads a process group of its own."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
