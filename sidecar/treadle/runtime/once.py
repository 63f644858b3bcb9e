"""Asks a model once, beside all threads: no tools, no permissions, nothing that is kept but for the row in no thread's ledger.

Must never run anything and never touch a file: what comes back is text. Whoever asked may be cancelled at any time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ..core.history import message_text
from ..core.items import JsonObject
from ..core.ops import Overrides
from ..core.prompt import Request
from ..core.replies import Delta, ItemDone
from ..core.settings import Settings
from ..core.thread import Thread
from . import overrides as over
from .accounting import CountedModel
from .assembly import World
from .audience import Audience
from .loaded import Nowhere

_MOST = 100_000
"Characters of an answer; a model that does not stop is stopped."


def settings(world: World, cwd: str | None, model: str | None) -> Settings:
    """Those of a folder. Raises what World.configure raises."""
    return over.resolve(Overrides(cwd=cwd, model=model), world.configure)[0]


async def ask(world: World, under: Settings, made: Callable[[JsonObject], Request]) -> str:
    """The text of the answer. `made` is handed the request's tail. Raises ModelError."""
    # words for a form want no thinking; a model that was given no effort may know of none
    tail = world.briefing.tail(dataclasses.replace(under, effort="low" if under.effort else None, output_schema=None))
    tail = {"model": under.model} | {name: value for name, value in tail.items() if name != "text"}
    thread = Thread(world.clock.new_id())
    store, audience = Nowhere(), Audience(thread.id)
    model = world.models.get(under.provider, under)
    counted = CountedModel(model, world.books, store, audience, thread, world.clock.new_id(), under)  # type: ignore[arg-type]
    text, size = "", 0
    async for batch in counted.stream(made(tail)):
        for event in batch:
            size += len(event.text) if isinstance(event, Delta) else 0
            if isinstance(event, ItemDone) and event.kind == "message":
                text = message_text(event.payload)
        if size > _MOST:
            break
    return text
