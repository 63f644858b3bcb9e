"""Patches that were kept and do not happen: what is kept of them is taken back, whatever comes between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from fakes.editing import ANYWHERE, Desk
from treadle.runtime.changes import TurnFiles
from treadle.runtime.ports import FileState
from treadle.runtime.ports.versions import FileVersion

A, B = b"one\n", b"two\n"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    await desk.close()


async def commit(desk: Desk, **files: bytes) -> None:
    """As a tool of a turn does."""
    turn_files = TurnFiles(desk.files, desk.agent._world.changes, desk.thread_id, "turn")  # pyright: ignore[reportPrivateUsage]
    before = [await turn_files.read(desk.path(name)) for name in files]
    after = [FileState(desk.path(name), data) for name, data in files.items()]
    await turn_files.commit(before, after, ANYWHERE)


async def test_a_patch_that_is_cancelled_while_it_is_kept_changes_nothing_in_the_checkpoint(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a", A)
    await desk.turn()
    record, begun, go_on = desk.versions.record, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def late(rows: Sequence[FileVersion]) -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(30)
        record(rows)

    monkeypatch.setattr(desk.versions, "record", late)
    committing = asyncio.ensure_future(commit(desk, a=B))
    await begun.wait()
    for _ in range(2):
        committing.cancel()
        await asyncio.sleep(0)
    loop.call_soon(go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await committing
    assert desk.read("a") == A
    assert [row.before == row.after for row in desk.versions.of(desk.thread_id)] == [True]


async def test_a_patch_that_fails_is_taken_back_without_holding_up_the_event_loop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a", A)
    await desk.turn()
    record, threads = desk.versions.record, list[threading.Thread]()

    def noted(rows: Sequence[FileVersion]) -> None:
        threads.append(threading.current_thread())
        record(rows)

    async def full(*args: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(desk.versions, "record", noted)
    monkeypatch.setattr(desk.files, "commit", full)
    with pytest.raises(OSError, match="full"):
        await commit(desk, a=B)
    assert len(threads) == 2 and threading.current_thread() not in threads
    assert [row.before == row.after for row in desk.versions.of(desk.thread_id)] == [True]
