"""Titles of threads that the user has not named: by rule when the first turn begins, and, where the settings say so, by a model
when it was completed.

A model is asked in a request of its own, beside the thread: it is no part of the thread's prompt, and its row in the ledger is
compared with no other. Whatever goes wrong there is logged, and the title by rule stays. Must never touch a name that the user
gave, and never delay a turn.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging

from ..core import titles
from ..core.errors import ModelError
from ..core.events import ThreadNamed
from ..core.history import last_message, message_text
from ..core.items import TurnBegan, TurnStatus, UserMessage
from ..core.replies import ItemDone
from .accounting import CountedModel
from .assembly import World
from .loaded import Loaded
from .threads import Threads
from .turns import Turns

_SECONDS = 60.0
"That a model may take."
_log = logging.getLogger(__name__)


class Titles:
    """Listens to turns."""

    def __init__(self, world: World, threads: Threads, turns: Turns) -> None:
        self._world = world
        self._threads = threads
        self._asking: set[asyncio.Task[None]] = set()
        turns.began.append(self._turn_began)
        turns.ended.append(self._turn_ended)

    async def close(self) -> None:
        for task in self._asking:
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking)

    def _turn_began(self, loaded: Loaded, turn_id: str) -> None:
        runner = loaded.runner
        if runner is None or loaded.meta.name is not None or loaded.settings.titles == "off" or not _is_first(loaded, turn_id):
            return
        said = next((item for item in runner.steers if isinstance(item, UserMessage)), None)
        if said is not None and (title := titles.made(said.content)):
            self._name(loaded, title)

    def _turn_ended(self, loaded: Loaded, turn_id: str, status: TurnStatus) -> None:
        asks = loaded.settings.titles == "model" and loaded.settings.provider.wire != "local"
        if not asks or status != "completed" or not _is_ours(loaded) or not _is_first(loaded, turn_id):
            return
        if self._threads.loaded.get(loaded.thread.id) is not loaded:
            return
        task = loaded.naming = asyncio.create_task(self._ask(loaded, turn_id), name=f"title of {loaded.thread.id}")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, loaded: Loaded, turn_id: str) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                title = titles.cleaned(await self._answer(loaded, turn_id))
        except (ModelError, TimeoutError) as problem:
            _log.info("no title from the model: %s", problem)
        except Exception:
            _log.exception("no title from the model")
        else:
            if title and _is_ours(loaded) and self._threads.loaded.get(loaded.thread.id) is loaded:
                self._name(loaded, title)

    async def _answer(self, loaded: Loaded, turn_id: str) -> str:
        world, settings = self._world, loaded.settings
        # a title wants no thinking; a model that was given no effort may know of none
        tail = world.briefing.tail(dataclasses.replace(settings, effort="low" if settings.effort else None))
        said = next(item for item in loaded.thread.items if isinstance(item, UserMessage))
        instruction = await world.info("wording", name="title")
        tail = {"model": settings.model} | {name: value for name, value in tail.items() if name != "text"}
        request = titles.request(instruction, said.content, last_message(loaded.thread.items) or "", tail)
        model = world.models.get(settings.provider, settings)
        counted = CountedModel(model, world.books, loaded.store, loaded.audience, loaded.thread, turn_id, settings, "title")
        text = ""
        async for batch in counted.stream(request):
            for event in batch:
                if isinstance(event, ItemDone) and event.kind == "message":
                    text = message_text(event.payload)
        return text

    def _name(self, loaded: Loaded, title: str) -> None:
        self._threads.shelf.change(loaded.thread.id, name=title, titled=True)
        # after the answer to the request that began the turn
        asyncio.get_running_loop().call_soon(loaded.audience.notify, ThreadNamed(loaded.thread.id, title))


def _is_ours(loaded: Loaded) -> bool:
    return loaded.meta.titled or loaded.meta.name is None


def _is_first(loaded: Loaded, turn_id: str) -> bool:
    """The first turn in which the user speaks."""
    if loaded.thread.forgotten:
        return False
    items = loaded.thread.items
    before = next((place for place, item in enumerate(items) if isinstance(item, TurnBegan) and item.turn_id == turn_id), None)
    return before is not None and not any(isinstance(item, UserMessage) for item in items[:before])
