"""What files held, in memory."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

from treadle.core.checkpoints import Restored
from treadle.runtime.ports import FileVersion, HunkBase


class MemoryVersions:
    """Forgets nothing but rows."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.rows: list[FileVersion] = []
        self.hunk_bases: dict[tuple[str, str], HunkBase] = {}
        self.restores: list[Restored] = []

    def put(self, data: bytes) -> str:
        key = hashlib.sha256(data).hexdigest()
        self.contents[key] = data
        return key

    def get(self, key: str) -> bytes:
        return self.contents[key]

    def record(self, versions: Sequence[FileVersion]) -> None:
        for new in versions:
            of_file = [row for row in self.rows if (row.thread_id, row.path) == (new.thread_id, new.path)]
            last = of_file[-1] if of_file else None
            if last and last.turn_id == new.turn_id and last.after == new.before:
                self.rows[self.rows.index(last)] = dataclasses.replace(last, after=new.after, mode_after=new.mode_after)
            else:
                self.rows.append(new)

    def of(self, thread_id: str) -> list[FileVersion]:
        return [row for row in self.rows if row.thread_id == thread_id]

    def add_restored(self, restored: Restored) -> None:
        self.restores.append(restored)

    def restored(self, thread_id: str) -> list[Restored]:
        return [each for each in self.restores if each.thread_id == thread_id]

    def withdraw(self, thread_id: str, restore_id: str) -> None:
        self.rows = [row for row in self.rows if (row.thread_id, row.turn_id) != (thread_id, restore_id)]
        self.restores = [each for each in self.restores if (each.thread_id, each.id) != (thread_id, restore_id)]

    def bases(self, thread_id: str) -> list[HunkBase]:
        return [base for (thread, _), base in sorted(self.hunk_bases.items()) if thread == thread_id]

    def set_base(self, thread_id: str, path: str, base: HunkBase | None) -> None:
        self.hunk_bases.pop((thread_id, path), None)
        if base is not None:
            self.hunk_bases[thread_id, path] = base

    def copy(self, thread_id: str, other: str, turns: Sequence[str]) -> None:
        restored = [each for each in self.restored(thread_id) if each.last_turn in turns]
        ids = {*turns, *(each.id for each in restored)}
        self.rows += [dataclasses.replace(row, thread_id=other) for row in self.of(thread_id) if row.turn_id in ids]
        self.restores += [dataclasses.replace(each, thread_id=other) for each in restored]

    def forget(self, thread_id: str) -> None:
        self.rows = [row for row in self.rows if row.thread_id != thread_id]
        self.restores = [each for each in self.restores if each.thread_id != thread_id]
        self.hunk_bases = {key: base for key, base in self.hunk_bases.items() if key[0] != thread_id}

    def close(self) -> None:
        pass
