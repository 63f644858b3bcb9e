"""What hunks are measured against is written down late: what that means for threads that are deleted, and for the end."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.editing import Desk
from treadle.core.changes import Changed
from treadle.core.hunk_ops import UndoHunks
from treadle.core.keeping import DeleteThread
from treadle.runtime import agent as agents
from treadle.runtime.ports import FileVersion, HunkBase

ENOUGH = 0.2
"Seconds in which a deletion that waits for nobody is over."


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    await desk.close()


class Gate:
    """Nothing is written of hunks while it is shut."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self._open = asyncio.Event(), threading.Event()
        self._loop, self._set_base = asyncio.get_running_loop(), desk.versions.set_base
        monkeypatch.setattr(desk.versions, "set_base", self._late)

    def open(self) -> None:
        self._open.set()

    def _late(self, thread_id: str, path: str, row: HunkBase | None) -> None:
        self._loop.call_soon_threadsafe(self.begun.set)
        self._open.wait(30)
        self._set_base(thread_id, path, row)


async def written(desk: Desk) -> None:
    agent: Any = desk.agent
    await agent._hunks.written()


async def test_rows_that_wait_while_their_thread_is_deleted_are_not_written_any_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        desk.write(name, b"one\n")
    await desk.patches(a=b"two\n", b=b"two\n")
    changes: Any = desk.agent._world.changes  # pyright: ignore[reportPrivateUsage]
    coming = [Changed(desk.thread_id, "t", desk.path(name), b"two\n", b"secret\n", "patch") for name in ("a", "b")]
    await changes.announce(coming)
    keys = {key for base in desk.versions.bases(desk.thread_id) for key in (base.base, base.left) if key}
    gate = Gate(desk, monkeypatch)
    await changes.withdraw(coming)
    await gate.begun.wait()
    deleting = asyncio.create_task(desk.agent.submit(DeleteThread(desk.thread_id), desk.client))
    await asyncio.wait((deleting,), timeout=ENOUGH)
    gate.open()
    await deleting
    await written(desk)
    assert desk.versions.bases(desk.thread_id) == []
    for key in keys:
        with pytest.raises(KeyError):
            desk.versions.get(key)


async def test_an_undo_in_a_thread_that_is_deleted_meanwhile_writes_nothing_after_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a", b"one\n")
    await desk.patches(a=b"two\n")
    commit, begun, go_on = desk.files.commit, asyncio.Event(), asyncio.Event()

    async def late(*args: Any) -> None:
        begun.set()
        await go_on.wait()
        await commit(*args)

    monkeypatch.setattr(desk.files, "commit", late)
    undoing = asyncio.create_task(desk.agent.submit(UndoHunks(desk.thread_id), desk.client))
    await begun.wait()
    deleting = asyncio.create_task(desk.agent.submit(DeleteThread(desk.thread_id), desk.client))
    await asyncio.wait((deleting,), timeout=ENOUGH)
    go_on.set()
    await asyncio.gather(undoing, deleting)
    await written(desk)
    assert (desk.read("a"), desk.versions.bases(desk.thread_id)) == (b"one\n", [])


async def test_the_end_does_not_wait_for_rows_one_after_the_other_and_says_what_was_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"f{number}" for number in range(5)]
    for name in names:
        desk.write(name, b"one\n")
    await desk.patches(**dict.fromkeys(names, b"two\n"))
    changes: Any = desk.agent._world.changes  # pyright: ignore[reportPrivateUsage]
    coming = [Changed(desk.thread_id, "t", desk.path(name), b"two\n", b"three\n", "patch") for name in names]
    await changes.announce(coming)
    before = {base.path: base for base in desk.versions.bases(desk.thread_id)}
    gate = Gate(desk, monkeypatch)
    monkeypatch.setattr(desk.versions, "close", lambda: None)
    monkeypatch.setattr(agents, "_LONGEST_WRITING", 0.1, raising=False)
    await changes.withdraw(coming)
    await gate.begun.wait()
    closing = asyncio.create_task(desk.agent.close())
    done, _ = await asyncio.wait((closing,), timeout=60)
    gate.open()
    await closing
    await written(desk)
    assert done, "the end waited for the rows"
    (message,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert message.startswith("hunks could not be written down in time: ") and all(desk.path(name) in message for name in names)
    # what was being written is; the rest is given up
    after = {base.path: base for base in desk.versions.bases(desk.thread_id)}
    assert len([path for path in after if after[path] != before[path]]) == 1


async def test_hunks_are_written_down_while_the_contents_are_kept_and_both_before_the_file_changes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a", b"one\n")
    set_base, record, commit = desk.versions.set_base, desk.versions.record, desk.files.commit
    set_already, recorded, done = threading.Event(), threading.Event(), list[str]()

    def setting(thread_id: str, path: str, row: HunkBase | None) -> None:
        set_already.set()
        assert recorded.wait(60)
        set_base(thread_id, path, row)
        done.append("hunks")

    def recording(rows: Sequence[FileVersion]) -> None:
        assert set_already.wait(60)
        record(rows)
        done.append("contents")
        recorded.set()

    async def committing(*given: Any) -> None:
        assert done == ["contents", "hunks"]
        await commit(*given)

    for of, name, instead in (
        (desk.versions, "set_base", setting),
        (desk.versions, "record", recording),
        (desk.files, "commit", committing),
    ):
        monkeypatch.setattr(of, name, instead)
    await desk.patches(a=b"two\n")
    assert desk.read("a") == b"two\n"
