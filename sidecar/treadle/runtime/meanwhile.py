"""What a first turn will need is loaded while it waits for something else, by another thread.

A process that was started for a turn waits for the trial of its sandbox, which other processes do, and then would load for longer
than that. Nothing is begun when there is nothing to wait for, no part when the wait is over, and nothing here is told when it
fails: whoever needs the rest loads it, and is told. Must never delay or change what is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

_log = logging.getLogger(__name__)
T = TypeVar("T")
Parts = Callable[[], Iterator[None]]


class Meanwhile:
    """Loads once. `parts`: as World.warm."""

    def __init__(self, parts: Parts | None) -> None:
        self._parts = parts

    async def waited(self, awaited: Awaitable[T]) -> T:
        """What is awaited."""
        parts, self._parts = self._parts, None
        if parts is None:
            return await awaited
        waiting = asyncio.ensure_future(awaited)
        await asyncio.sleep(0)  # what is there already is there now
        if not waiting.done():
            asyncio.get_running_loop().run_in_executor(None, _load, parts, waiting)
        return await waiting


def _load(parts: Parts, waiting: asyncio.Future[T]) -> None:
    try:
        for _ in parts():
            if waiting.done():
                return
    except Exception:
        _log.debug("loading ahead", exc_info=True)
