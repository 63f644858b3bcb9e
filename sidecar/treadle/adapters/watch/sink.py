"""Where what a comparison finds goes: into the baseline, in small transactions, and to the turn that did it, in the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ...runtime.ports.versions import FileVersion
from ...runtime.ports.watch import Owner
from .baseline import LINK, UNSURE, Baseline, Entry, Put

_MOST = 100
_WEIGHT = 512 * 1024
"Bytes of contents in one transaction, about: others wait for it."
_MOST_IGNORED = 20
_UNKNOWN = ""
Told: TypeAlias = tuple[str | None, int | None]
"A content that somebody has put there and told of, and its mode if that was told, too."


class Stopped(Exception):
    """Somebody waits no more."""


class Sink:
    """`owner` None: what is found is nobody's change."""

    def __init__(self, baseline: Baseline, owner: Owner | None, at: float, stopped: Callable[[], bool]) -> None:
        self.versions: list[FileVersion] = []
        "Of the owner, as recorded."
        self._baseline = baseline
        self._owner = owner
        self._at = at
        self._stopped = stopped
        self._puts: list[Put] = []
        self._weight = 0
        self._ignored = 0

    def check(self) -> None:
        if self._stopped():
            raise Stopped

    def put(self, put: Put) -> None:
        self._puts.append(put)
        if put.version is not None:
            self.versions.append(put.version)
        if put.content is not None:
            self._weight += len(put.content[1][1])
        if len(self._puts) >= _MOST or self._weight >= _WEIGHT:
            self.flush()
            self.check()

    def flush(self) -> None:
        if self._puts:
            self._baseline.write(self._puts)
        self._puts, self._weight = [], 0

    def ignored(self, path: str) -> None:
        """The owner's command changed a file that is ignored."""
        if self._owner is not None and self._ignored < _MOST_IGNORED:
            self._ignored += 1
            thread_id, turn_id = self._owner
            reason = "it is ignored, so its content is not kept"
            version = FileVersion(thread_id, turn_id, path, None, None, self._at, omitted=reason)
            self.put(Put("", "", None, version=version))

    def change(
        self, path: str, row: Entry | None, now: Entry | None, expected: dict[str, Told], *, is_new: bool
    ) -> FileVersion | None:
        """What the owner did to a file, if anything. What was known already when it was told of says nothing of a new mode."""
        before, after = _hex(row), _hex(now)
        told, mode_told = expected.pop(path, (_UNKNOWN, None))
        as_told = told == after and (before != after or now is None or mode_told == now.mode)
        if self._owner is None or as_told or (told == _UNKNOWN and not is_new):
            return None
        omitted = (now.omitted if now else None) or (row.omitted if row and told == _UNKNOWN else None)
        if told != _UNKNOWN:
            before = told
        mode_before = row.mode if row and before is not None else None
        mode_after = now.mode if now and after is not None else None
        if omitted is None and before == after and (mode_before in (None, mode_after)):
            return None
        if omitted is not None and row is not None and now is not None and _looks_same(row, now):
            return None
        thread_id, turn_id = self._owner
        if omitted is not None:
            return FileVersion(thread_id, turn_id, path, before, None, self._at, mode_before, None, omitted)
        return FileVersion(thread_id, turn_id, path, before, after, self._at, mode_before, mode_after)


def _looks_same(row: Entry, now: Entry) -> bool:
    return UNSURE not in (row.mtime, now.mtime) and (row.size, row.mtime, row.mode) == (now.size, now.mtime, now.mode)


def _hex(entry: Entry | None) -> str | None:
    return entry.key.hex() if entry is not None and entry.key is not None and entry.kind != LINK else None
