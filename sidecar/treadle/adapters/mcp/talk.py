"""What goes on between one server and the user during one call: questions are put, and the call's time stands still meanwhile.

A question ends with its call: nobody is asked for a server that does not wait any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...core.asking import CANCEL, DECLINE, Decision
from ...core.elicitation import McpQuestion
from ...runtime.ports import Inquire

MAX_QUESTIONS = 20
"Of one call; the rest are declined."


class Talk:
    """Of one call. `limit` is its time."""

    def __init__(self, ask: Inquire | None, limit: asyncio.Timeout, say: Callable[[str], None] = lambda said: None) -> None:
        self.say = say
        self._ask = ask
        self._limit = limit
        self._left = 0.0
        self._asked = 0
        self._over = False
        self._open: set[asyncio.Future[Decision]] = set()

    async def ask(self, question: McpQuestion) -> Decision:
        self._asked += 1
        if self._ask is None or self._over or self._asked > MAX_QUESTIONS:
            return DECLINE
        task = asyncio.ensure_future(self._ask(question))
        self._pause()
        self._open.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return CANCEL
        finally:
            task.cancel()
            self._open.discard(task)
            self._go_on()

    def close(self) -> None:
        """The call is over."""
        self._over = True
        for task in self._open:
            task.cancel()
        self._open.clear()

    def _pause(self) -> None:
        if not self._open and not self._limit.expired() and (until := self._limit.when()) is not None:
            self._left = until - asyncio.get_running_loop().time()
            self._limit.reschedule(None)

    def _go_on(self) -> None:
        if not self._open and not self._over and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + self._left)
