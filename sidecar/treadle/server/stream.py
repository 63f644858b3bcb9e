"""What both stream doors have in common: bytes -> messages -> the connection, until the client is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
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
    reading = Reading()
    outbox = Outbox(stdout_fd, on_lost=reading.stop)
    connection = Connection(framing, outbox.put, open_agent)
    reading.hear_signals(outbox)
    try:
        await _read(framing, connection, stdin_fd, first, receive)
    except asyncio.CancelledError:
        reading.task.uncancel()
    finally:
        reading.over()
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
            if message is not _NOTHING and not (receive and receive(connection, message)):
                connection.receive(message, len(body))  # type: ignore[arg-type]

    if first is not None:
        if first.handshake is not None:
            connection.greet(first.handshake)
        feed(first.unread)
        await asyncio.sleep(0)
    async for data in chunks(stdin_fd):
        feed(data)
        # let what was asked begin before more is read: the bound on requests is then a bound on memory
        await asyncio.sleep(0)


_NOTHING = object()
"In place of a message, where there was none; null is one, of a kind that is refused."


def _parsed(body: bytes | TooLong | NoLength, connection: Connection) -> Any:
    if isinstance(body, TooLong):
        connection.malformed("the message is larger than 64 MiB")
        return _NOTHING
    if isinstance(body, NoLength):
        connection.malformed("headers without a good Content-Length; what follows is passed over up to the next good ones")
        return _NOTHING
    try:
        return decoded(body)
    except ValueError as error:
        connection.malformed(str(error))
    return _NOTHING


def decoded(body: bytes) -> Any:
    """JSON in UTF-8. Raises ValueError in words for the client."""
    try:
        return _JSON.decode(body.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (UnicodeDecodeError, json.JSONDecodeError, NoJson):
        raise
    except ValueError:
        # Python says with which of its functions this would be allowed
        raise ValueError(f"a number has more than {sys.get_int_max_str_digits()} digits") from None


class NoJson(ValueError):
    """Python's reader would take it."""


def _no_constant(name: str) -> None:
    raise NoJson(f"{name} is no JSON")


_JSON = json.JSONDecoder(parse_constant=_no_constant)


class Reading:
    """The current task, while it reads what the client says. A client that does not take our answers any more is not read from;
    but what is done in good order after its end is not cut short by that, nor by a signal that came together with the end."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task: asyncio.Task[Any] = task
        self._loop = asyncio.get_running_loop()
        self._caught: list[signal.Signals] = []
        self._over = False

    def hear_signals(self, outbox: Outbox) -> None:
        """SIGTERM and SIGINT end the reading in good order, also while the loop waits for a reader that takes nothing."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                self._loop.add_signal_handler(number, self.stop)
                # at once; the loop comes to its own when it runs again
                signal.signal(number, outbox.hurry)
                self._caught.append(number)

    def stop(self) -> None:
        # the loop may have this among what it is to do next when the end of the input ends the reading
        if not self._over:
            self.task.cancel()

    def over(self) -> None:
        """From here on a signal does what it does to other programs."""
        self._over = True
        for number in self._caught:
            self._loop.remove_signal_handler(number)
