"""Keep and undo, hunk by hunk: knows what the agent of each thread did to files, and what became of it since.

Fed by what is told of the agent's changes, and by what an editor tells of its documents; files that are in no editor are looked
at when hunks are listed, kept or undone. An undo writes all files or none, and never over text that it has not seen. To one
thread what another one's agent does is like what the user does: keep and undo of the one leave the other's hunks alone, and what
both wrote into the same lines goes with either's undo.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from ..core import hunk_files, hunk_words
from ..core.changes import Changed
from ..core.errors import RequestRefused
from ..core.events import HunksChanged
from ..core.hunk_files import HunkRefused, State, Whole
from ..core.hunk_ops import HunkOp, KeepHunks, ListHunks, UndoHunks
from ..core.items import Section
from ..core.record import frozen
from ..core.settings import SandboxPolicy
from .answers import HunkFile, HunkList
from .assembly import World, confinement
from .audience import Audience
from .hunk_rows import HunkRows
from .loaded import Loaded
from .ports import Buffers, FileState
from .reviews import Reviews, all_ids, of_turn

_log = logging.getLogger(__name__)
DEBOUNCE = 0.1
"Seconds in which changes are gathered before clients are told."
_AT_ONCE = 32
"Files that are read at the same time."


@frozen
class _Looked:
    """A file as it is now, and its hunks."""

    path: str
    state: State
    file: FileState


@frozen
class _Undone:
    """What an undo makes of a file."""

    before: FileState
    after: FileState
    left: State | None
    words: list[str]

    def told(self, thread_id: str) -> Changed:
        old, new = self.before, self.after
        return Changed(thread_id, "", new.path, old.data, new.data, "restore", old.mode, new.mode, unsaved=old.unsaved)


class Hunks:
    def __init__(self, world: World, threads: dict[str, Loaded]) -> None:
        self._world = world
        self._threads = threads
        self._rows = HunkRows(world.versions) if world.versions is not None else None
        self._reviews: dict[str, tuple[Audience, Reviews]] = {}
        "Of threads in memory, each told from one that is read again later by its audience: the thread itself is not kept here."
        self._writing: Counter[str] = Counter()
        "Files that somebody is about to change."
        self._announced: dict[int, Changed] = {}
        "What is counted there of the agents' changes."
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._watched: Buffers | None = None
        self._to_tell: dict[str, set[str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        world.changes.coming.insert(0, self._coming)  # first: rows are written down while others keep what they need
        world.changes.coming.append(lambda _: self.written())
        world.changes.done.append(self._done)
        world.changes.withdrawn.append(self._withdrawn)
        world.asides.append(self._aside)
        world.forgetting.append(self._forget)

    async def answer(self, op: HunkOp) -> HunkList:
        """Raises RequestRefused."""
        self._known(op.thread_id)
        lock = self._locks.setdefault(op.thread_id, asyncio.Lock())
        async with lock:
            if isinstance(op, ListHunks):
                return await self._list(op.thread_id, op.path, op.turn_id)
            problems = await self._settle(op)
            await self.written()
            return replace(await self._list(op.thread_id, op.path, None), problems=problems)

    def watch(self, buffers: Buffers) -> None:
        """Follow the documents of this editor."""
        if buffers is not self._watched:
            self._watched = buffers
            buffers.listen(self._typed)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    # what is told

    async def _coming(self, changed: Sequence[Changed]) -> None:
        for change in changed:
            self._announced[id(change)] = change
            self._writing[change.path] += 1
            if change.by != "restore":
                try:
                    self._of(change.thread_id).coming(change)
                except Exception:
                    # a patch does not depend on whether it can be reviewed
                    _log.exception("hunks of %s", change.path)

    async def written(self, longest: float | None = None) -> None:
        """All that was kept or undone, and all that is announced, is on disk; or is given up after so many seconds."""
        if self._rows is not None:
            await self._rows.written(longest)

    async def _forget(self, thread_id: str) -> None:
        async with self._locks.setdefault(thread_id, asyncio.Lock()):
            self._reviews.pop(thread_id, None)
            if self._rows is not None:
                await self._rows.forget(thread_id)

    async def _withdrawn(self, changed: Sequence[Changed]) -> None:
        for change in changed:
            self._of(change.thread_id).withdrawn(change)
        self._over(changed)

    def _over(self, changed: Sequence[Changed]) -> None:
        """They happened, or did not; commands announce nothing."""
        self._written([change.path for change in changed if self._announced.pop(id(change), None) is not None])

    def _written(self, paths: Sequence[str]) -> None:
        self._writing.subtract(paths)
        for path in paths:
            if self._writing[path] <= 0:
                del self._writing[path]

    def _done(self, changed: Sequence[Changed]) -> None:
        self._over(changed)
        for change in changed:
            try:
                self._follow(change)
            except Exception:
                _log.exception("hunks of %s", change.path)

    def _follow(self, change: Changed) -> None:
        self._of(change.thread_id)
        for thread_id, (_, reviews) in self._reviews.items():
            own = thread_id == change.thread_id and change.by != "restore"
            if own and (change.by != "command" or change.path not in self._writing):
                if (change.before, change.after) != (None, None) or change.omitted is not None:
                    reviews.changed(change)
                    self._tell(thread_id, change.path)
            elif change.path in reviews and change.omitted is None:
                reviews.found(change.path, change.after)
                self._tell(thread_id, change.path)

    def _typed(self, path: str, before: str, after: str) -> None:
        if path in self._writing:
            # whether it is the agent's own edit is known when it is done
            return
        for thread_id, (_, reviews) in self._reviews.items():
            if path in reviews and reviews.follow(path, before, after):
                self._tell(thread_id, path)

    def _aside(self, thread_id: str) -> Sequence[Section]:
        undone = self._of(thread_id).untold()
        return [hunk_words.section(undone)] if undone else []

    def _tell(self, thread_id: str, path: str) -> None:
        self._to_tell.setdefault(thread_id, set()).add(path)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DEBOUNCE, self._tell_now)

    def _tell_now(self) -> None:
        self._timer = None
        to_tell, self._to_tell = self._to_tell, {}
        for thread_id, paths in to_tell.items():
            if loaded := self._threads.get(thread_id):
                loaded.audience.notify(HunksChanged(thread_id, tuple(sorted(paths))))

    # list, keep, undo

    async def _list(self, thread_id: str, path: str | None, turn_id: str | None) -> HunkList:
        reviews = self._of(thread_id)
        files: list[HunkFile] = []
        for looked in await self._look(reviews, self._paths(reviews, path)):
            shown = of_turn(hunk_files.shown(looked.state), turn_id)
            if shown:
                version = self._version(looked)
                whole = looked.state if isinstance(looked.state, Whole) else None
                more = (whole.omitted, whole.moved) if whole else ()
                kind = hunk_files.kind(looked.state)
                files.append(HunkFile(looked.path, kind, shown, looked.file.unsaved, version, *more))
        return HunkList(files, len(reviews.not_followed))

    def _version(self, looked: _Looked) -> int | None:
        """Of the open document that the hunks are about; none as long as the editor has to load the file anew."""
        buffers = self._world.files.buffers
        text = buffers.text(looked.path) if buffers else None
        return buffers.version(looked.path) if buffers and text is not None and hunk_files.is_about(looked.state, text) else None

    async def _settle(self, op: KeepHunks | UndoHunks) -> tuple[str, ...]:
        """As the thread's one writer. What could not be undone, in words."""
        store, thread_id = self._world.store, op.thread_id
        borrowed = thread_id not in self._threads
        if borrowed and store.claimed(thread_id):
            raise RequestRefused(f"thread {thread_id} is being deleted")
        if borrowed and not store.claim(thread_id):
            raise RequestRefused(f"thread {thread_id} is open in another process: keep or undo its hunks there")
        try:
            return await (self._keep(op) if isinstance(op, KeepHunks) else self._undo(op))
        finally:
            if borrowed:
                # what was read of it meanwhile is not as it is now
                self._reviews.pop(thread_id, None)
                if thread_id not in self._threads:
                    store.release(thread_id)

    async def _keep(self, op: KeepHunks) -> tuple[str, ...]:
        reviews = self._of(op.thread_id)
        found = await self._chosen(reviews, op)
        self._refuse_writing(found)
        for looked, ids in found:
            reviews.settle(looked.path, hunk_files.after_keep(looked.state, ids))
            self._tell(op.thread_id, looked.path)
        return ()

    async def _undo(self, op: UndoHunks) -> tuple[str, ...]:
        reviews = self._of(op.thread_id)
        found = await self._chosen(reviews, op)
        self._refuse_writing(found)
        undone: list[_Undone] = []
        refused: list[HunkRefused] = []
        held: set[str | None] = set()
        for looked, ids in found:
            try:
                undone.append(_undone(looked, ids))
            except HunkRefused as problem:
                refused.append(problem)
                held.add(_moved(looked.state))
        undone = [one for one in undone if one.after.path not in held]
        if refused and (op.ids is not None or not undone):
            # what was named is done whole or not at all; of all others, what can be
            raise RequestRefused(f"Nothing was undone: {refused[0].sentence()}")
        if undone:
            await self._write(op.thread_id, [one.before for one in undone], [one.after for one in undone])
        for one in undone:
            reviews.settle(one.after.path, one.left, one.words)
            self._tell(op.thread_id, one.after.path)
        # other threads, and who would take it for what a command did
        self._world.changes.tell([one.told(op.thread_id) for one in undone])
        return tuple(problem.sentence() for problem in refused)

    def _refuse_writing(self, found: list[tuple[_Looked, set[str]]]) -> None:
        for looked, _ in found:
            if looked.path in self._writing:
                raise RequestRefused(f"{looked.path} is just being changed: try again in a moment")

    async def _write(self, thread_id: str, before: list[FileState], after: list[FileState]) -> None:
        paths = [state.path for state in after]
        self._writing.update(paths)
        try:
            await self._world.files.commit(before, after, self._policy(thread_id, paths))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise RequestRefused(f"Nothing was undone: {where}{error.strerror or error}") from error
        finally:
            self._written(paths)

    def _policy(self, thread_id: str, paths: Sequence[str]) -> SandboxPolicy:
        """The user asks for the write, and it may go wherever the agent's did. Where commands can write, the thread's own bounds
        hold: a folder that a command makes a link of leads nowhere."""
        files, loaded = self._world.files, self._threads.get(thread_id)
        if loaded is not None:
            policy = replace(confinement(loaded.settings), mode="workspace-write")
        else:
            policy = SandboxPolicy("workspace-write", (self._world.store.meta(thread_id).cwd,))
        if moved := next((path for path in paths if files.resolve(path) != path), None):
            raise RequestRefused(f"Nothing was undone: {moved} leads somewhere else by now.")
        inside = all(files.refusal(path, policy) is None for path in paths)
        return policy if inside else SandboxPolicy("danger-full-access")

    async def _chosen(self, reviews: Reviews, op: KeepHunks | UndoHunks) -> list[tuple[_Looked, set[str]]]:
        """Files with the ids that are meant. Raises RequestRefused for ids that are not there."""
        found = await self._look(reviews, self._paths(reviews, op.path))
        out: list[tuple[_Looked, set[str]]] = []
        wanted = None if op.ids is None else set(op.ids)
        for looked in found:
            shown = {hunk.id for hunk in of_turn(hunk_files.shown(looked.state), op.turn_id)}
            if wanted is not None:
                shown &= wanted
                wanted -= shown
            elif op.turn_id is None:
                shown |= all_ids(looked.state)
            if shown:
                out.append((looked, shown))
        out += await self._other_sides(reviews, [looked for looked, _ in out])
        if wanted:
            missing = sorted(wanted)
            text = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
            raise RequestRefused(f"There is no such hunk (any more): {text}. List the hunks again.", data={"ids": missing})
        return out

    async def _other_sides(self, reviews: Reviews, chosen: Sequence[_Looked]) -> list[tuple[_Looked, set[str]]]:
        """Of files that were moved, those that were not chosen themselves."""
        known = {looked.path for looked in chosen}
        moved = {_moved(looked.state): looked.path for looked in chosen if _moved(looked.state) not in (None, *known)}
        others = await self._look(reviews, [path for path in moved if path is not None])
        return [(other, all_ids(other.state)) for other in others if _moved(other.state) == moved.get(other.path)]

    async def _look(self, reviews: Reviews, paths: Sequence[str]) -> list[_Looked]:
        """Those that have hunks, as they are now."""
        out: list[_Looked] = []
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            files = await asyncio.gather(*(self._read(reviews, path) for path in some))
            out += [looked for path, file in zip(some, files, strict=True) if (looked := self._measured(reviews, path, file))]
        return out

    def _measured(self, reviews: Reviews, path: str, file: FileState | None) -> _Looked | None:
        if file is None:
            return None
        # of a file that is being written what was known before is right, until it is told
        if path not in self._writing:
            buffers = self._world.files.buffers
            text = buffers.text(path) if buffers is not None and file.unsaved else None
            reviews.found(path, file.data if text is None else text)
        tracked = reviews.get(path)
        return _Looked(path, tracked.live, file) if tracked is not None and tracked.live is not None else None

    async def _read(self, reviews: Reviews, path: str) -> FileState | None:
        try:
            file = await self._world.files.read(path)
            tracked = reviews.get(path)
            if file.unsaved and tracked is not None and tracked.overtaken is not None and file.data is not None:
                shown = file.data.decode("utf-8", "replace")
                if hunk_files.same_text(shown, tracked.overtaken):
                    # the editor has not noticed yet that the agent has written the file
                    return await self._world.files.read(path, on_disk=True)
        except OSError:
            return None
        return file

    def _paths(self, reviews: Reviews, path: str | None) -> Sequence[str]:
        if path is None:
            return reviews.paths
        if "\0" in path:
            return ()
        real = self._world.files.resolve(path)
        return [one for one in dict.fromkeys((path, real)) if one in reviews]

    def _of(self, thread_id: str) -> Reviews:
        """Those of threads that are not loaded are read anew each time: another process may be at work on them."""
        loaded = self._threads.get(thread_id)
        if loaded is None:
            return Reviews(thread_id, self._world.versions, self._rows)
        known = self._reviews.get(thread_id)
        if known is not None and known[0] is loaded.audience:
            return known[1]
        for gone in [one for one, (of, _) in self._reviews.items() if not self._in_memory(one, of)]:
            del self._reviews[gone]
        reviews = Reviews(thread_id, *((self._world.versions, self._rows) if loaded.durable else (None, None)))
        self._reviews[thread_id] = loaded.audience, reviews
        return reviews

    def _in_memory(self, thread_id: str, audience: Audience) -> bool:
        loaded = self._threads.get(thread_id)
        return loaded is not None and loaded.audience is audience

    def _known(self, thread_id: str) -> None:
        if thread_id in self._threads:
            return
        try:
            self._world.store.meta(thread_id)
        except KeyError:
            raise RequestRefused(f"no thread with the id {thread_id}") from None


def _moved(state: State) -> str | None:
    return state.moved if isinstance(state, Whole) else None


def _undone(looked: _Looked, ids: set[str]) -> _Undone:
    """Raises HunkRefused."""
    left, data = hunk_files.after_undo(looked.state, ids, looked.file.data)
    mode = looked.file.mode
    if looked.file.data is None and isinstance(looked.state, Whole):
        mode = looked.state.mode
    words = [hunk_words.entry(looked.state, hunk) for hunk in hunk_files.shown(looked.state) if hunk.id in ids]
    return _Undone(looked.file, FileState(looked.path, data, None if data is None else mode), left, words)
