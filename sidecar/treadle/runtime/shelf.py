"""All threads, loaded or not: lists, reads, renames and archives them. Runs nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from ..core import history
from ..core.errors import RequestRefused
from ..core.keeping import source
from ..core.ops import ListThreads, ReadThread
from .answers import ThreadPage, ThreadState
from .assembly import World
from .damage import sound
from .loaded import Loaded
from .ports import ThreadMeta

_NOBODY = "\0"
"Nobody is called so."


class Shelf:
    """`loaded` is the agent's own table of the threads in memory, by id."""

    def __init__(self, world: World, loaded: dict[str, Loaded]) -> None:
        self._world = world
        self._loaded = loaded

    def state(self, loaded: Loaded, warnings: tuple[str, ...] = ()) -> ThreadState:
        status: Literal["idle", "active", "waiting_on_approval"] = "idle"
        if loaded.runner is not None:
            status = "waiting_on_approval" if loaded.audience.waiting else "active"
        sources = self._world.briefing.sources(loaded.settings)
        return ThreadState(loaded.meta, status, loaded.settings, [], sources, warnings)

    def read(self, op: ReadThread) -> ThreadState:
        loaded = self._loaded.get(op.thread_id)
        state = self.state(loaded) if loaded is not None else ThreadState(self._kept(op.thread_id))
        if op.include_turns:
            with sound(op.thread_id):
                items = loaded.items() if loaded is not None else self._world.store.load(op.thread_id)[1]
                state.turns = history.turns(items)
        return state

    def list(self, op: ListThreads) -> ThreadPage:
        metas, cursor = self._world.store.list(
            cursor=op.cursor,
            limit=op.limit,
            cwds=op.cwds,
            search=op.search,
            archived=op.archived,
            by_update=op.by_update,
            ascending=op.ascending,
            providers=op.providers,
            originators=self.originators(op.sources, op.originators),
            excluded=op.excluded,
        )
        before = self._world.store.place(metas[0], by_update=op.by_update) if metas else None
        return ThreadPage([self.row(meta) for meta in metas], cursor, before)

    def originators(self, sources: Sequence[str], among: Sequence[str] = ()) -> Sequence[str]:
        """Those of the kinds `sources`, and of `among`; either one that is empty passes everything."""
        if not sources:
            return among
        known = among or self._world.store.originators()
        return [name for name in known if source(name) in sources] or [_NOBODY]

    def row(self, meta: ThreadMeta) -> ThreadState:
        loaded = self._loaded.get(meta.id)
        if loaded is None:
            return ThreadState(meta)
        state = self.state(loaded)
        state.meta = meta
        return state

    def change(self, thread_id: str, **changes: Any) -> ThreadMeta:
        loaded = self._loaded.get(thread_id)
        if loaded is not None:
            loaded.change(**changes)
            return loaded.meta
        meta = dataclasses.replace(self._kept(thread_id), **changes)
        self._world.store.update(meta)
        return meta

    def _kept(self, thread_id: str) -> ThreadMeta:
        try:
            return self._world.store.meta(thread_id)
        except KeyError:
            raise RequestRefused(f"no thread with the id {thread_id}") from None
