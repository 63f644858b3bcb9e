"""Makes a thread of another one's beginning. The original is only read; files stay as they are.

Of a turn that runs the copy has what was recorded so far, and then its end, as if it had been interrupted. What the user has
allowed for the original thread is not allowed in the copy, and its background commands are not the copy's.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any

from ..core import forks, history
from ..core.effective import turn_ids
from ..core.errors import RequestRefused
from ..core.events import ThreadStarted, WarningReported
from ..core.items import Item, ToolOutput, UserMessage
from ..core.ops import ForkThread, Overrides
from ..core.thread import Thread
from . import overrides as over
from .answers import ThreadState
from .assembly import World
from .damage import sound
from .loaded import Nowhere, preview
from .ports import Client, ThreadMeta
from .threads import Threads

_log = logging.getLogger(__name__)


async def fork(world: World, threads: Threads, op: ForkThread, client: Client) -> ThreadState:
    """Raises RequestRefused for a thread or a turn that is not there, and for a last turn that still runs."""
    with sound(op.thread_id):
        meta, overrides, found = _original(world, threads, op)
        items = _copied(op, found)
        history.turns(items)
        clock, thread_id = world.clock, world.clock.new_id()
        thread = Thread(thread_id, items)
    merged = over.merged(overrides, op.overrides)
    settings, problems = over.resolve(merged, world.configure)
    merged = dataclasses.replace(merged, cwd=settings.cwd)
    ended = forks.ended(thread, [clock.new_id() for _ in range(len(thread.unanswered) + 1)], clock.now())
    thread.append(*ended)
    items += ended
    now = clock.now()
    copy = ThreadMeta(
        thread_id,
        now,
        now,
        settings.cwd,
        settings.model,
        settings.provider.id,
        originator=op.originator,
        ephemeral=op.ephemeral,
        settings=over.to_json(merged),
        forked_from=meta.id,
        **_words(meta, items),
    )
    store: Any = Nowhere() if op.ephemeral else world.store
    if op.ephemeral:
        store.append(thread_id, items)
    else:
        store.create(copy, items)
        store.claim(thread_id)
    if world.outputs is not None and not op.ephemeral:
        world.outputs.share(meta.id, thread_id, _spilled(items))
    if not op.ephemeral:
        await asyncio.to_thread(_share_versions, world, meta.id, thread_id, items)
    loaded = threads.load(thread, copy, merged, settings, store)
    if loaded.durable:
        thread.forget()
    loaded.audience.join(client)
    threads.look_at_git(loaded)
    state = threads.shelf.state(loaded, await threads.warnings(loaded, problems))
    state.turns = history.turns(items)
    warnings = (WarningReported(text, thread_id) for text in state.warnings)
    client.notify([ThreadStarted(thread_id), *threads.usage(loaded), *warnings])
    return state


def _words(meta: ThreadMeta, items: list[Item]) -> dict[str, Any]:
    """By which a copy of these items is known in a list: preview, name, titled."""
    first = next((item for item in items if isinstance(item, UserMessage)), None)
    # a title of ours is of the first words, which the copy may not have; a name that the user gave is the thread's
    named = first is not None or not meta.titled
    return {
        "preview": preview(first.content) if first else "",
        "name": meta.name if named else None,
        "titled": named and meta.titled,
    }


def _share_versions(world: World, original: str, copy: str, items: list[Item]) -> None:
    """So that what the copied turns did to files can be undone from the copy, too."""
    if world.versions is not None:
        try:
            world.versions.copy(original, copy, turn_ids(items))
        except OSError as error:
            _log.warning("%s", error)


def _original(world: World, threads: Threads, op: ForkThread) -> tuple[ThreadMeta, Overrides, list[Item]]:
    loaded = threads.loaded.get(op.thread_id)
    if loaded is not None:
        # the store also has what a running effect has recorded
        return loaded.meta, loaded.overrides, loaded.store.load(op.thread_id)[1]
    try:
        meta, items = world.store.load(op.thread_id)
    except KeyError:
        raise RequestRefused(f"no thread with the id {op.thread_id}") from None
    return meta, over.from_json(meta.settings), items


def _copied(op: ForkThread, items: list[Item]) -> list[Item]:
    if op.last_turn_id is not None and forks.running(items) == op.last_turn_id:
        raise RequestRefused(f"the turn {op.last_turn_id} is still running: fork before it, or without naming a turn")
    try:
        return forks.copied(items, op.thread_id, last=op.last_turn_id, before=op.before_turn_id)
    except KeyError as missing:
        raise RequestRefused(f"no turn with the id {missing.args[0]} in this thread") from None


def _spilled(items: list[Item]) -> tuple[str, ...]:
    """The names of outputs that were too long for the thread."""
    found = (item.detail.get("spill") for item in items if isinstance(item, ToolOutput))
    return tuple(name for name in found if isinstance(name, str))
