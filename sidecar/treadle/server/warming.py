"""Loads what the next request may need while nothing is asked: what opens a thread, what a first turn needs, then all methods.

What was loaded stays, so Python is told not to look for garbage in it: that takes longer than everything else once a minute.
Loading takes processor time from whatever else goes on, so it begins after a moment of rest and goes on part by part: while a
request is served, and in a moment of rest after it, no part is begun. A part cannot be stopped, so it must be small; between
two parts nothing is half loaded, and whoever needs a module meanwhile loads it. Whoever needs the methods sooner gets them
sooner. Nothing here is necessary, and nothing here is told when it fails.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..runtime.agent import Agent

_log = logging.getLogger(__name__)
REST, BUSY = 0.05, 0.3
"Seconds of rest before the first part, and after a request; after a turn has begun, whose first request is being made."
_MODELS = (
    *("annotated_types", "typing_inspection.introspection", "zoneinfo", "decimal", "pydantic_core", "pydantic"),
    *("pydantic.errors", "pydantic.aliases", "pydantic._internal._decorators", "pydantic._internal._fields"),
    *("pydantic.functional_validators", "pydantic.json_schema", "pydantic.types", "pydantic.fields", "pydantic.main"),
    "pydantic.alias_generators",
)
"""What the models of the wire load, in an order in which each is little more than itself. One that is not there is passed over.
A package comes before what is in it: of one that another thread is just loading, as for an MCP server, Python would give one of
the two a module that is not complete, and that one fails."""
_FIRST = ("base", "error", "policy", "item", "turn", "thread")
"Models of the wire that others need."


class Warming:
    """Of one connection. Needs a running loop."""

    def __init__(self, agent: Callable[[], Awaitable[Agent]]) -> None:
        self._agent = agent
        self._methods: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._work: asyncio.Task[bool] | None = None
        self._parts: Iterator[None] | None = None
        self._under_way = self._so_far = 0
        self._rest, self._earliest = REST, 0.0
        self._begun = self._ended = False

    def begin(self) -> None:
        """The agent is there."""
        self._begun = True
        self._rest_begins()

    def asked(self) -> None:
        """A request came: no part is begun until it is answered."""
        self._under_way += 1
        self._so_far += 1
        self._stop()

    def answered(self, *, turn: bool = False) -> None:
        """That request is served, or was refused. `turn`: a turn has begun, and works from now on."""
        self._under_way -= 1
        self._rest = BUSY if turn else self._rest
        self._rest_begins()

    def close(self) -> None:
        """Nothing more is begun."""
        self._ended = True
        self._stop()

    async def methods(self) -> Any:
        """The module of all methods, loaded by another thread, so that turns go on meanwhile."""
        if self._methods is None or (self._methods.done() and self._methods.exception() is not None):
            self._methods = asyncio.ensure_future(asyncio.to_thread(importlib.import_module, f"{__package__}.methods"))
        return await asyncio.shield(self._methods)

    def loading(self) -> list[asyncio.Future[Any]]:
        """The methods, when somebody has asked for them."""
        return [] if self._methods is None else [self._methods]

    def _rest_begins(self) -> None:
        self._earliest = asyncio.get_running_loop().time() + self._rest
        if self._work is None or self._work.done():
            self._wait()

    def _wait(self) -> None:
        """For the next moment of rest."""
        self._stop()
        if self._begun and not self._ended and not self._under_way:
            self._timer = asyncio.get_running_loop().call_at(self._earliest, self._go_on)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        self._work = asyncio.ensure_future(self._loaded(self._so_far))
        self._work.add_done_callback(lambda done: self._wait() if not done.cancelled() and done.result() else None)

    async def _loaded(self, so_far: int) -> bool:
        """Load until there are more requests than so far. Whether to go on after the next rest."""
        try:
            if self._parts is None:
                self._parts = itertools.chain(_first(), (await self._agent()).warm(), models())
            if await asyncio.to_thread(self._goes_on, self._parts, so_far):
                return True
            await self.methods()
            gc.freeze()
        except Exception:  # such as no thread to be had; whoever needs it will be told
            _log.debug("loading ahead", exc_info=True)
            return False
        self._ended = True
        return False

    def _goes_on(self, parts: Iterator[None], so_far: int) -> bool:
        """Load part after part, by another thread. Whether there may be more."""
        while self._so_far == so_far and not self._ended:
            try:
                if next(parts, _END) is _END:
                    return False
            except Exception:  # of these parts there are no more; whoever needs them will be told
                _log.debug("loading ahead", exc_info=True)
            time.sleep(0)  # the loop may go first, and see what has come in
        return True


_END = object()


def _first() -> Iterator[None]:
    """What a thread is opened with, and taken up."""
    for name in ("opening", "pages"):
        importlib.import_module(f"{__package__}.{name}")
        yield


def models() -> Iterator[None]:
    """Loads the models of the wire, a part with each step."""
    gc.freeze()
    import pkgutil  # noqa: PLC0415

    from . import wire  # noqa: PLC0415

    names = dict.fromkeys((*_FIRST, *sorted(module.name for module in pkgutil.iter_modules(wire.__path__))))
    names.pop("methods", None)  # needs all others
    for name in (*_MODELS, *(f"{wire.__name__}.{name}" for name in names), f"{wire.__name__}.methods"):
        try:
            importlib.import_module(name)  # also what is there, which another thread may not have finished
        except ImportError:
            _log.debug("loading ahead", exc_info=True)
        yield
