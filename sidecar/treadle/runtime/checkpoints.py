"""Checkpoints: keeps what files held before a turn changes them. What comes of that is in restores.py, loaded when first used.

What a change takes away is kept before it happens; if that fails the change does not happen. Ephemeral threads leave nothing on
disk: they have no checkpoints of files.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.changes import Changed
from ..core.checkpoint_ops import CheckpointOp
from ..core.events import CheckpointChanged
from ..core.items import TurnStatus
from .assembly import World
from .changes import to_its_end
from .loaded import Loaded
from .threads import Threads

if TYPE_CHECKING:
    from .ports import FileVersion, Versions

_log = logging.getLogger(__name__)


class Checkpoints:
    def __init__(self, world: World, threads: Threads) -> None:
        self._world = world
        self._threads = threads
        self._told: set[tuple[str, str, str]] = set()
        "(thread, turn, path) that clients were told of."
        self._announced: dict[int, Changed] = {}
        "What was kept and has not happened yet."
        if world.versions is not None:
            world.changes.coming.append(self._keep)
            world.changes.done.append(self._tell)
            world.changes.withdrawn.append(self._take_back)

    async def _keep(self, changed: Sequence[Changed]) -> None:
        # whoever is cancelled meanwhile takes it back: it must be known then what is kept
        await to_its_end(self._keep_all(changed))

    async def _keep_all(self, changed: Sequence[Changed]) -> None:
        kept = [each for each in changed if self._kept(each.thread_id)]
        await asyncio.to_thread(self.keep, kept)
        self._announced.update((id(each), each) for each in kept)

    def keep(self, changed: Sequence[Changed]) -> None:
        """Blocks. Raises OSError when it cannot be kept."""
        versions, now = self._versions, self._world.clock.now()
        rows = [self._row(versions, each, now) for each in changed]
        if rows:
            versions.record(rows)

    async def _take_back(self, changed: Sequence[Changed]) -> None:
        back = [
            dataclasses.replace(
                each, before=each.after, after=each.before, mode_before=each.mode_after, mode_after=each.mode_before
            )
            for each in changed
            if self._announced.pop(id(each), None) is not None and each.by != "restore"
        ]
        try:
            if back:
                await asyncio.to_thread(self.keep, back)
        except OSError as error:
            # a row too many says of a file that it is as it was
            _log.warning("%s", error)

    def _row(self, versions: Versions, change: Changed, now: float) -> FileVersion:
        from .ports import FileVersion  # noqa: PLC0415

        before = None if change.before is None else versions.put(change.before)
        after = None if change.after is None else versions.put(change.after)
        mode_after = None if change.after is None else change.mode_before if change.mode_after is None else change.mode_after
        return FileVersion(
            change.thread_id, change.turn_id, change.path, before, after, now, change.mode_before, mode_after, change.omitted
        )

    def _kept(self, thread_id: str) -> bool:
        loaded = self._threads.loaded.get(thread_id)
        return loaded is not None and loaded.durable

    def _tell(self, changed: Sequence[Changed]) -> None:
        for change in changed:
            self._announced.pop(id(change), None)
            known = (change.thread_id, change.turn_id, change.path)
            loaded = self._threads.loaded.get(change.thread_id)
            if change.by != "restore" and known not in self._told and loaded is not None and loaded.durable:
                self._told.add(known)
                loaded.audience.notify(CheckpointChanged(change.thread_id, change.turn_id))

    def ended(self, loaded: Loaded, turn_id: str, status: TurnStatus) -> None:
        """A turn is over."""
        self._told = {each for each in self._told if each[:2] != (loaded.thread.id, turn_id)}

    async def answer(self, op: CheckpointOp) -> Any:
        """See core/checkpoints.py for what is answered. Raises RequestRefused."""
        from .restores import Restores  # noqa: PLC0415

        return await Restores(self._world, self._threads).answer(op)

    @property
    def _versions(self) -> Versions:
        assert self._world.versions is not None
        return self._world.versions
