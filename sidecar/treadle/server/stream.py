"""What both stream doors have in common: bytes -> messages -> the connection, until the client is gone."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .connection import Connection
from .early import Early
from .framing import Framing, NoLength, TooLong
from .outbox import Outbox
from .stdio import chunks

if TYPE_CHECKING:
    from ..runtime.agent import Agent
    from .handshake import Handshake


async def serve_stream(
    framing: Framing,
    open_agent: Callable[[], Awaitable[Agent]],
    *,
    stdin_fd: int,
    stdout_fd: int,
    first: Early[Handshake] | None = None,
    receive: Callable[[Connection, Any], bool] | None = None,
) -> None:
    """`receive` sees every message before the connection and says whether it took it."""
    reading = asyncio.current_task()
    assert reading is not None
    outbox = Outbox(stdout_fd, on_lost=lambda: _ended(reading))
    connection = Connection(framing, outbox.put, open_agent)
    with signals_cancel(reading, outbox):
        try:
            await _read(framing, connection, stdin_fd, first, receive)
        except asyncio.CancelledError:
            reading.uncancel()
    await connection.close()
    outbox.close()


async def _read(
    framing: Framing,
    connection: Connection,
    stdin_fd: int,
    first: Early[Handshake] | None,
    receive: Callable[[Connection, Any], bool] | None,
) -> None:
    def feed(data: bytes) -> None:
        for body in framing.feed(data):
            message = _parsed(body, connection)
            if message is not None and not (receive and receive(connection, message)):
                connection.receive(message, len(body))  # type: ignore[arg-type]

    if first is not None:
        if first.handshake is not None:
            connection.greet(first.handshake)
            await asyncio.to_thread(importlib.import_module, f"{__package__}.methods")
        feed(first.unread)
    async for data in chunks(stdin_fd):
        feed(data)
        # let what was asked begin before more is read: the bound on requests is then a bound on memory
        await asyncio.sleep(0)


def _parsed(body: bytes | TooLong | NoLength, connection: Connection) -> Any:
    if isinstance(body, TooLong):
        connection.malformed("the message is larger than 64 MiB")
        return None
    if isinstance(body, NoLength):
        connection.malformed("headers without a good Content-Length; what follows is passed over up to the next good ones")
        return None
    try:
        return decoded(body)
    except ValueError as error:
        connection.malformed(str(error))
    return None


def decoded(body: bytes) -> Any:
    """JSON in UTF-8. Raises ValueError in words for the client."""
    try:
        return _JSON.decode(body.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_JSON = json.JSONDecoder(parse_constant=_no_constant)


def _ended(reading: asyncio.Task[Any]) -> None:
    reading.cancel()


@contextlib.contextmanager
def signals_cancel(task: asyncio.Task[Any], outbox: Outbox):
    """SIGTERM and SIGINT end the conversation in good order, also while the loop waits for a reader that takes nothing."""
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, task.cancel)
            # at once; the loop comes to its own when it runs again
            signal.signal(number, outbox.hurry)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
