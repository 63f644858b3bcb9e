"""What is told of a command that changed many files: everything, and so that others get their turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fakes.world import FrozenClock
from treadle.adapters.versions import SqliteVersions
from treadle.core.changes import Changed
from treadle.core.settings import CheckpointRules
from treadle.runtime.changes import Changes
from treadle.runtime.ports import FileVersion
from treadle.runtime.watching import TurnWatch, Watching

MANY = 50


class ManyChanges:
    """A Watch that finds as many changed files at each look."""

    def begin(self, roots: Sequence[str], rules: CheckpointRules) -> None:
        pass

    async def ready(self, roots: Sequence[str], seconds: float, say: Callable[[str | None], None]) -> str | None:
        return None

    async def look(self, roots: Sequence[str], owner: Any, at: float) -> list[FileVersion]:
        return [FileVersion("t", "u", f"/w/{n}", None, None, at, omitted="too large") for n in range(MANY)]

    def note(self, path: str, key: str | None, mode: int | None = None) -> None:
        pass

    async def close(self) -> None:
        pass


def watch(folder: Path, told: list[str], begun: asyncio.Event) -> TurnWatch:
    changes = Changes()

    def done(changed: Sequence[Changed]) -> None:
        told.extend(change.path for change in changed)
        begun.set()

    changes.done.append(done)
    watching = Watching(ManyChanges(), SqliteVersions(folder), changes, FrozenClock())  # type: ignore[arg-type]
    return watching.turn(("t", "u"), ("/w",), CheckpointRules(), lambda _: None, hooked=False)


async def test_others_go_on_while_many_files_are_told_of(tmp_path: Path) -> None:
    told, begun = list[str](), asyncio.Event()
    seen: set[int] = set()
    looking = asyncio.ensure_future(watch(tmp_path, told, begun).look())
    while not looking.done():
        await asyncio.sleep(0)
        seen.add(len(told))
    assert told == [f"/w/{n}" for n in range(MANY)]
    assert len(seen) > 3


async def test_a_look_that_is_cancelled_has_told_of_all_that_it_found(tmp_path: Path) -> None:
    told, begun = list[str](), asyncio.Event()
    looking = asyncio.ensure_future(watch(tmp_path, told, begun).look())
    await begun.wait()
    assert len(told) < MANY
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()
    assert len(told) == MANY
