"""Threads as they are kept: finds, exports and deletes them. A thread need not be loaded, and none is loaded for it.

What is deleted was claimed first, so that no other process is writing it, and everything else that is kept of a thread goes
before its row does: a deletion that was interrupted can be asked for again.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from ..core.effective import effective
from ..core.errors import RequestRefused, open_elsewhere
from ..core.export import Head, jsonl, markdown
from ..core.items import Item, encode
from ..core.keeping import DeleteThread, ExportThread, FindInThread, KeepingOp, PruneThreads, SearchThreads
from ..core.search import occurrences, understood
from . import retention
from .answers import Answer, FoundThread, Occurrence, OccurrencePage, SearchPage
from .assembly import World
from .damage import sound
from .ports import ThreadMeta
from .threads import Threads

_CATCH_UP = 2.0
"Seconds that a search waits for the index of what an older version wrote."


async def answer(world: World, threads: Threads, op: KeepingOp) -> Answer:
    """Raises RequestRefused for a thread that is not there."""
    match op:
        case SearchThreads():
            return await _search(world, threads, op)
        case FindInThread():
            return _find(world, threads, op)
        case ExportThread():
            return _export(world, threads, op)
        case DeleteThread():
            await _delete(world, threads, op.thread_id)
        case PruneThreads():
            return await retention.prune(world, dry_run=op.dry_run)
    return None


async def _search(world: World, threads: Threads, op: SearchThreads) -> SearchPage:
    index, query = world.store.index, understood(op.query)
    whole = await asyncio.to_thread(index.catch_up, _CATCH_UP)
    if query is None:
        return SearchPage([], None, None, whole)
    found, cursor = await asyncio.to_thread(
        index.search,
        query,
        cursor=op.cursor,
        limit=op.limit,
        cwds=op.cwds,
        archived=op.archived,
        by_update=op.by_update,
        ascending=op.ascending,
        originators=threads.shelf.originators(op.sources),
    )
    rows = [FoundThread(threads.shelf.row(one.meta), one.snippet) for one in found]
    before = world.store.place(found[0].meta, by_update=op.by_update) if found else None
    return SearchPage(rows, cursor, before, whole)


def _find(world: World, threads: Threads, op: FindInThread) -> OccurrencePage:
    start = int(op.cursor) if op.cursor and op.cursor.isdecimal() else 0
    with sound(op.thread_id):
        _, items = _whole(world, threads, op.thread_id)
        found = occurrences(effective(items), op.text, start, op.limit + 1)
    rows = [Occurrence(turn_id, item_id, snippet) for turn_id, item_id, snippet in found[: op.limit]]
    return OccurrencePage(rows, str(start + op.limit) if len(found) > op.limit else None)


def _export(world: World, threads: Threads, op: ExportThread) -> str:
    meta = _meta(world, threads, op.thread_id)
    head = Head(
        meta.id,
        meta.name,
        meta.preview,
        meta.cwd,
        meta.model,
        meta.provider,
        meta.created_at,
        meta.updated_at,
        meta.archived,
        meta.originator,
        meta.forked_from,
    )
    if op.format == "markdown":
        with sound(meta.id):
            text = markdown(head, _whole(world, threads, meta.id)[1], _utc, folded=op.folded)
    elif meta.ephemeral:
        text = jsonl(head, map(encode, _whole(world, threads, meta.id)[1]))
    else:
        # the way out of a damaged thread: nothing is decoded
        text = jsonl(head, world.store.item_lines(meta.id))
    if op.longest is not None and len(text) > op.longest:
        raise RequestRefused(f"too long for one answer: write it to a file with `treadle threads export {meta.id} -o FILE`")
    return text


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _whole(world: World, threads: Threads, thread_id: str) -> tuple[ThreadMeta, list[Item]]:
    loaded = threads.loaded.get(thread_id)
    if loaded is not None:
        return loaded.meta, loaded.items()
    try:
        return world.store.load(thread_id)
    except KeyError:
        raise RequestRefused(f"no thread with the id {thread_id}") from None


def _meta(world: World, threads: Threads, thread_id: str) -> ThreadMeta:
    loaded = threads.loaded.get(thread_id)
    if loaded is not None:
        return loaded.meta
    try:
        return world.store.meta(thread_id)
    except KeyError:
        raise RequestRefused(f"no thread with the id {thread_id}") from None


async def _delete(world: World, threads: Threads, thread_id: str) -> None:
    loaded = threads.loaded.get(thread_id)
    if loaded is not None:
        await loaded.stop()
        threads.unload(loaded)
        if loaded.meta.ephemeral:
            return
    try:
        world.store.meta(thread_id)
    except KeyError:
        raise RequestRefused(f"no thread with the id {thread_id}") from None
    if not await retention.delete(world, [thread_id]):
        raise open_elsewhere(thread_id)
