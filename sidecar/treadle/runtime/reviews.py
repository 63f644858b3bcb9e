"""The changes of one thread's agent, file by file, as core/hunk_files.py keeps them: in memory, and written down so that they
outlive the process.

Written down is each file as the agent, a keep or an undo left it (the anchor). What others have done since is measured when it is
looked for, or followed as an editor tells of it. A text that is again as it was written down is what was written down: so hunks
come back with the editor's undo and redo, with a file that was not loaded anew yet, and after a restart.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import field, replace
from typing import Any, TypeAlias

from ..core import hunk_files, hunk_notes, hunk_words
from ..core.changes import Changed
from ..core.hunk_files import State
from ..core.hunks import Hunk
from ..core.record import mutable
from ..core.rewind import key_of
from .hunk_rows import HunkRows
from .ports import HunkBase, Versions

_log = logging.getLogger(__name__)
_Contents: TypeAlias = tuple[bytes | None, ...]
MAX_FILES = 1_000
"That one thread's agent has changed and the user has neither kept nor undone; those beyond are not followed."
MAX_CHARS = 64 * 1024 * 1024
"Of the texts in memory; those looked at longest ago are read again when they are needed."
MAX_FOLLOWED = 1_000_000
"Characters of a document that is followed key by key; a larger one is measured when its hunks are looked at."


@mutable
class Tracked:
    anchor: State | None
    "None: nothing is to be kept or undone, but the model has yet to be told of what was."
    live: State | None
    "The anchor with what others did since. None: the file is gone, or is back, by others' doing."
    overtaken: bytes | None = None
    "What the file held before the agent's last change. An editor that still shows it has yet to load the file anew."
    untold: list[str] = field(default_factory=list[str])
    "Undone, and the model has not been told."
    size: int = 0


class Reviews:
    """`kept`: where it is written down; those of all threads share one."""

    def __init__(self, thread_id: str, versions: Versions | None, kept: HunkRows | None = None) -> None:
        self._thread_id = thread_id
        self._kept = kept or (HunkRows(versions) if versions else None)
        self._rows: dict[str, HunkBase] = {}
        try:
            self._rows = {row.path: row for row in self._kept.bases(thread_id)} if self._kept else {}
        except OSError as error:
            _log.warning("hunks of thread %s could not be read: %s", thread_id, error)
        self._tracked: dict[str, Tracked] = {}
        self._coming: dict[int, tuple[Changed, Tracked, HunkBase | None]] = {}
        "Announced changes: what they make of a file, and its row before."
        self.not_followed: set[str] = set()

    @property
    def paths(self) -> list[str]:
        return sorted({*self._rows, *self._tracked})

    def __contains__(self, path: str) -> bool:
        return path in self._tracked or path in self._rows

    def get(self, path: str) -> Tracked | None:
        found = self._tracked.pop(path, None) or self._read(path)
        if found is not None:
            self._tracked[path] = found
        return found

    def coming(self, change: Changed) -> None:
        """The thread's agent is about to change a file. Written down already, for the case that the process ends in this moment:
        while the file is not changed there is no hunk."""
        tracked = self._after(change)
        if tracked is not None:
            self._coming[id(change)] = change, tracked, self._rows.get(change.path)
            self._write_down(change.path, tracked)

    def withdrawn(self, change: Changed) -> None:
        """It did not."""
        announced = self._coming.pop(id(change), None)
        if announced is not None:
            self._set_row(change.path, announced[2])

    def changed(self, change: Changed) -> None:
        """The thread's agent has changed a file."""
        announced = self._coming.pop(id(change), None)
        if announced is not None:
            self._hold(change.path, announced[1])
        elif tracked := self._after(change):
            self._put(change.path, tracked)

    def _after(self, change: Changed) -> Tracked | None:
        """A file with this change of the agent's; None: the change is not followed."""
        path, turn = change.path, change.turn_id
        if path not in self and len(self.paths) >= MAX_FILES:
            self.not_followed.add(path)
            return None
        tracked = self.get(path) or Tracked(None, None)
        if change.omitted is None:
            state = self._before(tracked, change.before)
            state = hunk_files.changed(state, change)
        elif tracked.anchor is None or hunk_files.is_omitted(tracked.anchor):
            state = hunk_files.not_known(tracked.anchor, path, turn, change.omitted)
        else:
            # what was done before can still be undone; this change counts as somebody else's
            return None
        return Tracked(state, state, None if change.unsaved else change.before, tracked.untold)

    def found(self, path: str, now: bytes | str | None) -> bool:
        """The file holds this, whoever wrote it. Whether hunks may be other ones, or in other places."""
        tracked = self.get(path)
        if tracked is None or tracked.anchor is None:
            return False
        before = tracked.live
        tracked.live = _measured(tracked.anchor, before, now)
        return tracked.live is not before

    def follow(self, path: str, before: str, after: str) -> bool:
        """An editor's document was changed. Whether hunks may be other ones, or in other places."""
        tracked = self.get(path)
        if tracked is None or tracked.anchor is None:
            return False
        live = tracked.live
        if len(after) > MAX_FOLLOWED:
            return True
        if hunk_files.shows(tracked.anchor, after):
            tracked.live = tracked.anchor
            # it has been loaded anew: if it shows the old text again, that is the user's doing
            tracked.overtaken = None
            if live is None or not hunk_files.shows(live, before):
                return True
        elif live is not None and hunk_files.shows(live, before):
            tracked.live = hunk_files.found(live, after)
        else:
            # the document is not what was reviewed: it is measured when the hunks are looked at
            return True
        return _hunks(live) != _hunks(tracked.live)

    def settle(self, path: str, left: State | None, undone: Collection[str] = ()) -> None:
        """The user kept or undid hunks: `left` is what is neither yet; `undone` are words for the model."""
        tracked = self.get(path) or Tracked(None, None)
        untold = [*tracked.untold, *undone][-hunk_words.MOST_ENTRIES :]
        self._put(path, Tracked(left, left, None, untold))

    def untold(self) -> dict[str, list[str]]:
        """What the model has not been told, by path; it counts as told from now on."""
        out: dict[str, list[str]] = {}
        for path in self.paths:
            row = self._rows.get(path)
            if path not in self._tracked and row is not None and '"untold"' not in row.marks:
                continue
            tracked = self.get(path)
            if tracked is not None and tracked.untold:
                out[path] = tracked.untold
                self._put(path, replace(tracked, untold=[]), anew=False)
        return out

    def _before(self, tracked: Tracked, before: bytes | None) -> State | None:
        return None if tracked.anchor is None else _measured(tracked.anchor, tracked.live, before)

    def _put(self, path: str, tracked: Tracked, *, anew: bool = True) -> None:
        self._write_down(path, tracked, anew=anew)
        self._hold(path, tracked)

    def _hold(self, path: str, tracked: Tracked) -> None:
        self._tracked.pop(path, None)
        if tracked.anchor is not None or tracked.untold:
            tracked.size = hunk_files.size(tracked.anchor) + len(tracked.overtaken or b"")
            self._tracked[path] = tracked
        self._bound()

    def _write_down(self, path: str, tracked: Tracked, *, anew: bool = True) -> None:
        if self._kept is not None:
            row, contents = self._row(path, tracked, anew=anew)
            self._set_row(path, row, contents)

    def _row(self, path: str, tracked: Tracked, *, anew: bool) -> tuple[HunkBase | None, _Contents]:
        """And what is to be kept for it."""
        state, untold = tracked.anchor, tracked.untold
        if state is None and not untold:
            return None, ()
        notes = json.dumps({"hunks": hunk_notes.noted(state) if state else None} | ({"untold": untold} if untold else {}))
        old = self._rows.get(path)
        if old is not None and not anew and not any(change.path == path for change, _, _ in self._coming.values()):
            return replace(old, marks=notes), ()
        turns = hunk_files.turns_of(state) if state else ()
        contents = (hunk_files.base_bytes(state), hunk_files.current_bytes(state)) if state else (None, None)
        base, left = map(key_of, contents)
        return HunkBase(path, base, left, turns, notes), contents

    def _set_row(self, path: str, row: HunkBase | None, contents: _Contents = ()) -> None:
        if self._kept is None or (row is None and path not in self._rows):
            return
        self._kept.set(self._thread_id, path, row, contents)
        if row is None:
            self._rows.pop(path, None)
        else:
            self._rows[path] = row

    def _read(self, path: str) -> Tracked | None:
        row = self._rows.get(path)
        if row is None or self._kept is None:
            return None
        get: Callable[[str], bytes] = self._kept.get
        untold: list[str] = []
        notes: Any = None
        try:
            given: Any = json.loads(row.marks)
            notes, untold = given["hunks"], [str(one) for one in given.get("untold", ())]
        except (ValueError, LookupError, TypeError, AttributeError):
            notes = ""
        if notes is None:
            return Tracked(None, None, None, untold)
        try:
            base, left = (None if key is None else get(key) for key in (row.base, row.left))
        except (KeyError, OSError):
            _log.warning("what %s held is not kept any more", path)
            return None
        state = hunk_notes.recalled(path, base, left, row.turns, str(notes))
        return Tracked(state, state, None, untold, hunk_files.size(state))

    def _bound(self) -> None:
        size = sum(tracked.size for tracked in self._tracked.values())
        while size > MAX_CHARS and len(self._tracked) > 1:
            path = next(iter(self._tracked))
            size -= self._tracked.pop(path).size
            if self._kept is None:
                self.not_followed.add(path)


def _hunks(state: State | None) -> list[Hunk]:
    return [] if state is None else hunk_files.shown(state)


def _measured(anchor: State, live: State | None, now: bytes | str | None) -> State | None:
    if live is not None and hunk_files.shows(live, now):
        return live
    if hunk_files.shows(anchor, now):
        return anchor
    return hunk_files.found(anchor, now)


def all_ids(state: State) -> set[str]:
    return {state.id} if isinstance(state, hunk_files.Whole) else {mark.id for mark in state.marks}


def of_turn(shown: Iterable[Hunk], turn_id: str | None) -> list[Hunk]:
    return [hunk for hunk in shown if turn_id is None or turn_id in hunk.turns]
