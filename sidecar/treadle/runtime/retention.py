"""How long threads are kept: deletes them for good, on request and beyond the limits that the user has set.

A limit never touches a thread that is open, in this process or in another, or that was used within the last day. Whether it is
archived or has a name makes no difference: the one that was used longest ago goes first. Without limits nothing is ever deleted.
What is deleted without being asked for is as old as Treadle was used for, not as the clock says: a clock that jumped by years,
or a holiday, deletes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from ..core.ages import witnessed
from ..core.errors import TreadleError
from ..core.settings import HistoryLimits
from .assembly import World
from .letting_go import let_go
from .ports import ThreadMeta

_log = logging.getLogger(__name__)
_DAY = 24 * 3600.0
_AT_ONCE = 20
"Threads that are deleted in one go: other writers wait for so long."
_PAGE = 200
_AFTER_START = 15.0
_SLICE = 0.5
_PAUSE = 60.0


class Tending:
    """Work in the background, for as long as the process lives."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: tuple[asyncio.Task[object], ...] = ()

    def start(self) -> None:
        tending: asyncio.Task[object] = asyncio.create_task(tend(self._world), name="tend")
        letting_go: asyncio.Task[object] = asyncio.create_task(let_go(self._world), name="let go of memory")
        # the first turn would wait for it
        trying: asyncio.Task[object] = asyncio.create_task(self._world.sandbox.status(), name="try the sandbox")
        self._tasks = (tending, letting_go, trying)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


async def tend(world: World) -> None:
    """Index what was said, so that a search need not wait for it, and keep to the limits, again and again."""
    # whoever has just started the process wants something else first
    await world.clock.sleep(_AFTER_START)
    pruned = -_DAY
    while True:
        try:
            whole = await asyncio.to_thread(world.store.index.catch_up, _SLICE)
            if whole and world.clock.monotonic() - pruned >= _DAY:
                pruned = world.clock.monotonic()
                await prune(world, by_itself=True)
        except (TreadleError, OSError) as error:
            whole = True
            _log.warning("history is not tended: %s", error.sentence() if isinstance(error, TreadleError) else error)
        except Exception:  # a database that is busy for long, say: it may work the next time
            whole = True
            _log.exception("history is not tended")
        await world.clock.sleep(_PAUSE if whole else _SLICE)


async def prune(world: World, *, dry_run: bool = False, by_itself: bool = False) -> list[ThreadMeta]:
    """The threads that were beyond the limits, oldest first. `dry_run`: they are still there. `by_itself`: nobody asked."""
    limits = world.configure(None, {})[0].history
    if limits == HistoryLimits():
        return []
    beyond = await _beyond(world, limits, by_itself=by_itself)
    if dry_run:
        return [meta for meta in beyond if _closed(world, meta.id)]
    gone: list[ThreadMeta] = []
    for start in range(0, len(beyond), _AT_ONCE):
        batch = beyond[start : start + _AT_ONCE]
        deleted = await delete(world, [meta.id for meta in batch])
        gone += [meta for meta in batch if meta.id in deleted]
    if gone:
        _log.warning("threads deleted that [treadle.history] of config.toml no longer keeps: %d, the oldest first", len(gone))
    return gone


async def delete(world: World, thread_ids: Sequence[str]) -> set[str]:
    """Those that are deleted: not the ones that are open, here or in another process. Raises TreadleError."""
    store = world.store
    held = [thread_id for thread_id in thread_ids if not store.claimed(thread_id) and store.claim(thread_id)]
    try:
        if held:
            for thread_id in held:
                for told in world.forgetting:
                    await told(thread_id)
            await asyncio.to_thread(_forget, world, held)
            await asyncio.to_thread(store.delete, held)
    except OSError as error:
        raise TreadleError(f"Not all could be deleted: {error.strerror or error}.", hint="Delete again.") from error
    finally:
        for thread_id in held:
            world.store.release(thread_id)
    return set(held)


def _forget(world: World, thread_ids: Sequence[str]) -> None:
    """All but what the store has. Blocks. Raises OSError."""
    for thread_id in thread_ids:
        if world.outputs is not None:
            world.outputs.forget(thread_id)
        if world.versions is not None:
            world.versions.forget(thread_id)


async def _beyond(world: World, limits: HistoryLimits, *, by_itself: bool = False) -> list[ThreadMeta]:
    now, store = world.clock.now(), world.store
    metas = [meta for meta in await _oldest_first(world) if meta.updated_at < now - _DAY]
    if by_itself:
        now = witnessed(now, [meta.updated_at for meta in metas])
    days = limits.max_age_days
    old = [] if days is None else [meta for meta in metas if meta.updated_at < now - days * _DAY]
    if limits.max_bytes is None:
        return old
    used = store.used()
    for meta in metas:
        by_age = days is not None and meta.updated_at < now - days * _DAY
        if not by_age and used <= limits.max_bytes:
            break
        if not by_age:
            old.append(meta)
        used -= store.size(meta.id)
        await asyncio.sleep(0)  # whoever waits for an answer goes first
    return old


async def _oldest_first(world: World) -> list[ThreadMeta]:
    found: list[ThreadMeta] = []
    for archived in (False, True):
        cursor: str | None = None
        while True:
            metas, cursor = world.store.list(
                cursor=cursor, limit=_PAGE, cwds=(), search=None, archived=archived, by_update=True, ascending=True
            )
            found += metas
            if cursor is None:
                break
            await asyncio.sleep(0)
    return sorted(found, key=lambda meta: (meta.updated_at, meta.id))


def _closed(world: World, thread_id: str) -> bool:
    """Nobody has it open."""
    if world.store.claimed(thread_id) or not world.store.claim(thread_id):
        return False
    world.store.release(thread_id)
    return True
