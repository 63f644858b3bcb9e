"""Cases of keep and undo: measuring a large file, following what is typed into it, and listing many changed files."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from treadle.adapters.files import DiskFiles
from treadle.adapters.versions import SqliteVersions
from treadle.core import hunk_files
from treadle.core.changes import Changed
from treadle.core.hunk_ops import ListHunks, UndoHunks
from treadle.core.hunks import Review, hunks, patched
from treadle.core.ops import Overrides, StartThread
from treadle.runtime.agent import Agent, ThreadState
from treadle.runtime.reviews import Reviews

from ..fakes.world import RecordingClient, ScriptedModel, build
from .inside import Table

FILES = 100
LINES = 500


def reviewing(table: Table, rounds: int) -> None:
    rounds = max(10, rounds)
    before, after = _texts(2_000, 50)
    review = Review("f", before, before)
    table.add("hunks, 50 on 2,000 lines: measured", _times(lambda: hunks(patched(review, after, "t")), rounds), "ms", "< 10")
    table.add("hunks, 50 on 2,000 lines: one key typed", _typing(before, after, rounds), "ms", "< 2")
    asyncio.run(_listing(table, rounds))


def _texts(lines: int, changes: int) -> tuple[list[str], list[str]]:
    before = [f"    value_{n} = compute({n % 9})\n" if n % 3 else "    return None\n" for n in range(lines)]
    step = lines // changes
    return before, [f"    changed = {n}\n" if n % step == 0 else line for n, line in enumerate(before)]


def _times(case: Callable[[], object], rounds: int) -> list[float]:
    times: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        case()
        times.append((time.perf_counter() - began) * 1000)
    return times


def _typing(before: list[str], after: list[str], rounds: int) -> list[float]:
    reviews = Reviews("thread", None)
    reviews.changed(Changed("thread", "turn", "/f", "".join(before).encode(), "".join(after).encode(), "patch"))
    text = "".join(after)
    times: list[float] = []
    for n in range(rounds):
        at = len(text) * n // rounds
        typed = f"{text[:at]}x{text[at:]}"
        began = time.perf_counter()
        reviews.follow("/f", text, typed)
        times.append((time.perf_counter() - began) * 1000)
        text = typed
    tracked = reviews.get("/f")
    assert tracked is not None
    assert tracked.live is not None
    assert hunk_files.shows(tracked.live, text)
    return times


async def _listing(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as name:
        folder = Path(name)
        (folder / "ws").mkdir()
        agent, client = _agent(folder), RecordingClient()
        state = await agent.submit(StartThread(Overrides(cwd=str(folder / "ws"))), client)
        assert isinstance(state, ThreadState)
        thread_id = state.meta.id
        before, after = ("".join(lines).encode() for lines in _texts(LINES, 5))
        changes = agent._world.changes  # pyright: ignore[reportPrivateUsage]
        written: list[float] = []
        for n in range(FILES):
            path = folder / "ws" / f"f{n}.py"
            path.write_bytes(after)
            began = time.perf_counter()
            changes.tell([Changed(thread_id, "turn", str(path), before, after, "patch")])
            written.append((time.perf_counter() - began) * 1000)
        table.add("hunks, a patch to one file: followed and written down", written, "ms", "")
        table.add(f"hunks, {FILES} changed files: listed", await _asked(agent, thread_id, client, rounds), "ms", "< 50")
        began = time.perf_counter()
        await agent.submit(UndoHunks(thread_id), client)
        table.add(f"hunks, {FILES} changed files: all undone", [(time.perf_counter() - began) * 1000], "ms", "")
        assert (folder / "ws" / "f0.py").read_bytes() == before
        await agent.close()


def _agent(folder: Path) -> Agent:
    versions = SqliteVersions(folder / "versions")
    return build(ScriptedModel(), files=DiskFiles(), versions=versions, cwd=str(folder / "ws"))[0]


async def _asked(agent: Agent, thread_id: str, client: RecordingClient, rounds: int) -> list[float]:
    times: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        await agent.submit(ListHunks(thread_id), client)
        times.append((time.perf_counter() - began) * 1000)
    return times
