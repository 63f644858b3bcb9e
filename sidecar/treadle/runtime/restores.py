"""Lists, previews and restores checkpoints, with or without the conversation, and takes that back.

A restore is all or nothing, is itself kept like a turn's changes, and can be taken back, and that again, also after a restart. It
writes only files that the checkpoint names, and nothing over what somebody else has changed since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from ..core.changes import Changed
from ..core.checkpoint_ops import (
    CheckpointOp,
    ListCheckpoints,
    OnConflict,
    PreviewCheckpoint,
    RedoCheckpoint,
    RestoreCheckpoint,
    What,
)
from ..core.checkpoints import Checkpoint, CheckpointList, CheckpointPlan, Omitted, Restored, RestoreDone, told_words
from ..core.effective import effective, place, turn_ids, undoable
from ..core.errors import RequestRefused
from ..core.events import CheckpointChanged
from ..core.items import Context, Item, Reverted, Section, Text, TurnBegan, UserMessage
from ..core.ops import RevertThread, UndoRevert
from ..core.settings import SandboxPolicy
from . import restoring, reverting
from .assembly import World
from .changes import to_its_end
from .loaded import Loaded
from .ports import FileVersion, Versions
from .restoring import Planned
from .threads import Threads

_WORDS = 120
_ANYWHERE = SandboxPolicy(mode="danger-full-access")
"The user asked for it, and only for files that a turn changed."


class Restores:
    def __init__(self, world: World, threads: Threads) -> None:
        self._world = world
        self._threads = threads

    async def answer(self, op: CheckpointOp) -> CheckpointList | CheckpointPlan | RestoreDone:
        loaded = self._threads.get(op.thread_id)
        try:
            return await self._answer(loaded, op)
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            raise RequestRefused(f"{error.strerror or error}{where}") from error

    async def _answer(self, loaded: Loaded, op: CheckpointOp) -> CheckpointList | CheckpointPlan | RestoreDone:
        match op:
            case ListCheckpoints():
                return self._list(loaded)
            case PreviewCheckpoint():
                planned, turns = await self._plan(loaded, op.turn_id, op.restore_id, op.what)
                return CheckpointPlan(tuple(each.plan for each in planned), turns)
            case RestoreCheckpoint():
                return await self._restore(loaded, op.turn_id, None, op.what, op.on_conflict)
            case RedoCheckpoint():
                before = self._restored(loaded, op.restore_id)
                return await self._restore(loaded, before.turn_id, before, before.what, op.on_conflict)

    @property
    def _versions(self) -> Versions:
        if self._world.versions is None:
            raise RequestRefused("checkpoints are not kept here")
        return self._world.versions

    def _list(self, loaded: Loaded) -> CheckpointList:
        rows = self._versions.of(loaded.thread.id) if loaded.durable else []
        changed: dict[str, list[FileVersion]] = {}
        for row in rows:
            changed.setdefault(row.turn_id, []).append(row)
        words: dict[str, str] = {}
        found: list[Checkpoint] = []
        for item in effective(_all(loaded)):
            if isinstance(item, UserMessage):
                words.setdefault(item.turn_id, _words(item))
        for item in effective(_all(loaded)):
            if isinstance(item, TurnBegan):
                of_turn = changed.get(item.turn_id, [])
                omitted = {row.path: row.omitted for row in of_turn if row.omitted}
                paths = {row.path for row in of_turn if _is_change(row)}
                left_out = tuple(Omitted(path, why) for path, why in omitted.items())
                found.append(Checkpoint(item.turn_id, item.at, words.get(item.turn_id, ""), len(paths), left_out))
        return CheckpointList(tuple(found), tuple(self._versions.restored(loaded.thread.id)) if loaded.durable else ())

    def _restored(self, loaded: Loaded, restore_id: str) -> Restored:
        found = next((each for each in self._versions.restored(loaded.thread.id) if each.id == restore_id), None)
        if found is None:
            raise RequestRefused(f"nothing was restored in this thread with the id {restore_id}")
        return found

    async def _plan(self, loaded: Loaded, turn_id: str | None, restore_id: str | None, what: What) -> tuple[list[Planned], int]:
        """For each file what is to be done; and how many turns go, or come back."""
        items = _all(loaded)
        before = self._restored(loaded, restore_id) if restore_id is not None else None
        what = before.what if before is not None else what
        turns = 0
        if what != "files" and before is not None and not _gives_back(self._versions.restored(loaded.thread.id), before):
            turns = _coming_back(items)
        elif what != "files":
            turns = _going(items, before.turn_id if before else turn_id or "")
        if what == "conversation" or not loaded.durable:
            return [], turns
        versions, thread_id = self._versions, loaded.thread.id
        rows = versions.of(thread_id)
        if restore_id is not None:
            found = restoring.by_path(row for row in rows if row.turn_id == restore_id)
        else:
            order = turn_ids(items)
            if turn_id not in order:
                raise RequestRefused(f"no turn with the id {turn_id} in this thread")
            found = restoring.since(rows, order, versions.restored(thread_id), turn_id)
        return await restoring.plans(self._world.files, versions, found), turns

    async def _restore(
        self, loaded: Loaded, turn_id: str, redo_of: Restored | None, what: What, on_conflict: OnConflict
    ) -> RestoreDone:
        if loaded.runner is not None:
            raise RequestRefused("a turn is running in this thread: wait for its end or interrupt it")
        if loaded.by_hand and what != "files":
            # said before any file is written: the conversation cannot go back while it has something to add
            raise RequestRefused("a command is running in this thread: wait for its end or interrupt it")
        if loaded.restoring:
            raise RequestRefused("files are being restored in this thread: wait for its end")
        loaded.restoring = True
        try:
            planned, turns = await self._plan(loaded, turn_id, redo_of.id if redo_of else None, what)
            plans = tuple(each.plan for each in planned)
            if on_conflict == "abort" and any(plan.kind == "conflict" for plan in plans):
                return RestoreDone(None, plans, turns)
            restore = self._new(loaded, turn_id, what, redo_of)
            await self._write(restore, [each for each in planned if each.after is not None])
        finally:
            loaded.restoring = False
        if what != "files" and turns:
            await self._turn_back(loaded, restore)
        words = told_words(plans, what, redone=redo_of is not None)
        if words is not None:
            _tell_model(self._world, loaded, words)
        loaded.audience.notify(CheckpointChanged(loaded.thread.id, turn_id))
        return RestoreDone(restore.id, plans, turns)

    def _new(self, loaded: Loaded, turn_id: str, what: What, redo_of: Restored | None) -> Restored:
        clock = self._world.clock
        last = turn_ids(_all(loaded))[-1]
        of = redo_of.id if redo_of else None
        return Restored(loaded.thread.id, clock.new_id(), turn_id, what, clock.now(), last, of)

    async def _write(self, restore: Restored, planned: Sequence[Planned]) -> None:
        """Kept first, so that what a restore takes away can be brought back whatever happens then."""
        versions, files, changes = self._world.versions, self._world.files, self._world.changes
        if versions is None:
            return
        before = [each.before for each in planned if each.before and each.after]
        after = [each.after for each in planned if each.after]
        changed = [
            Changed(restore.thread_id, restore.id, new.path, old.data, new.data, "restore", old.mode, new.mode, old.unsaved)
            for old, new in zip(before, after, strict=True)
        ]
        adding = asyncio.ensure_future(asyncio.to_thread(versions.add_restored, restore))
        try:
            await asyncio.shield(adding)
            await changes.announce(changed)
            if after:
                await files.commit(before, after, _ANYWHERE)
        except BaseException as error:
            await to_its_end(_withdrawn(versions, restore, adding, changes.withdraw(changed)))
            if isinstance(error, OSError):
                why = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
                raise RequestRefused(f"nothing was restored: {why}") from error
            raise
        changes.tell(changed)

    async def _turn_back(self, loaded: Loaded, restore: Restored) -> None:
        thread_id = loaded.thread.id
        gives_back = _gives_back(self._versions.restored(thread_id), restore)
        op = UndoRevert(thread_id) if gives_back else RevertThread(thread_id, restore.turn_id)
        await reverting.answer(self._world, self._threads, op)


async def _withdrawn(
    versions: Versions, restore: Restored, adding: asyncio.Future[None], changes: Coroutine[Any, Any, None]
) -> None:
    """Whoever waits for `adding` may be cancelled; the thread that writes it down goes on."""
    await changes
    await asyncio.wait((adding,))
    if adding.exception() is None:
        await asyncio.to_thread(versions.withdraw, restore.thread_id, restore.id)


def _is_change(row: FileVersion) -> bool:
    return bool(row.omitted) or (row.before, row.mode_before) != (row.after, row.mode_after)


def _gives_back(restored: Sequence[Restored], restore: Restored) -> bool:
    """A restore takes turns back, taking it back gives them back, and taking back that takes them again."""
    known = {each.id: each for each in restored}
    redos = 0
    while restore.redo_of is not None and redos <= len(known):
        redos += 1
        restore = known[restore.redo_of]
    return redos % 2 == 1


def _all(loaded: Loaded) -> Sequence[Item]:
    """Those that were taken back among them."""
    return loaded.store.load(loaded.thread.id)[1] if loaded.durable else loaded.thread.items


def _words(message: UserMessage) -> str:
    text = " ".join(part.text for part in message.content if isinstance(part, Text))
    return " ".join(text.split())[:_WORDS]


def _going(items: Sequence[Item], turn_id: str) -> int:
    at = place(items, turn_id)
    if at is None:
        raise RequestRefused(f"no turn with the id {turn_id} in this thread: it may have been taken back already")
    return len(turn_ids(effective(items)[at:]))


def _coming_back(items: Sequence[Item]) -> int:
    last = undoable(items)
    if last is None:
        raise RequestRefused("the conversation cannot be given back: something new was said since")
    then = [*items, Reverted("", last.at, last.before, undoes=last.id)]
    return len(turn_ids(effective(then))) - len(turn_ids(effective(items)))


def _tell_model(world: World, loaded: Loaded, words: str) -> None:
    clock = world.clock
    section = Section("restored_files", words, "treadle/checkpoint/restore")
    item = Context(clock.new_id(), clock.now(), "developer", (section,))
    loaded.store.append(loaded.thread.id, (item,))
    loaded.thread.append(item)
