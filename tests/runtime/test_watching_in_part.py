"""What is told when not all that commands do to files can be known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from fakes.world import FrozenClock
from treadle.adapters.versions import SqliteVersions
from treadle.core.events import Event, WarningReported
from treadle.core.policy import RunCommand
from treadle.core.settings import CheckpointRules, SandboxPolicy
from treadle.runtime.changes import Changes
from treadle.runtime.ports import FileVersion, Plan
from treadle.runtime.watching import Watching

WHY = "No space left on device"


class Blind:
    """A Watch that could not read the folder."""

    def begin(self, roots: Sequence[str], rules: CheckpointRules) -> None:
        pass

    async def ready(self, roots: Sequence[str], seconds: float, say: Callable[[str | None], None]) -> str | None:
        return WHY

    async def look(self, roots: Sequence[str], owner: Any, at: float) -> list[FileVersion]:
        return []

    def note(self, path: str, key: str | None, mode: int | None = None) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_a_thread_is_warned_once_and_each_checkpoint_says_why_it_is_not_whole(tmp_path: Path) -> None:
    told: list[Event] = []
    with closing(SqliteVersions(tmp_path)) as versions:
        watching = Watching(Blind(), versions, Changes(), FrozenClock())  # type: ignore[arg-type]
        for turn_id in ("first", "second"):
            turn = watching.turn(("t", turn_id), ("/w",), CheckpointRules(), told.append, hooked=False)
            for _ in range(2):
                assert await turn.before(
                    "exec_command", Plan({}, RunCommand("make", "/w")), SandboxPolicy(mode="workspace-write")
                )
                turn.left()
            await turn.end()
        assert [(row.turn_id, row.omitted) for row in versions.of("t")] == [("first", WHY), ("second", WHY)]
    assert [event.message for event in told if isinstance(event, WarningReported)] == [
        f"What commands do to files cannot be undone here: {WHY}."
    ]
