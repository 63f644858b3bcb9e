"""Another process that holds the database of earlier contents keeps nobody waiting but who needs it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fakes.place import Place
from fakes.replies import call, custom, reply, text
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.adapters.versions import database
from treadle.core.checkpoint_ops import ListCheckpoints
from treadle.core.hunk_ops import KeepHunks, ListHunks
from treadle.core.items import ModelItem, TurnBegan, dumps
from treadle.core.ops import ForkThread, ResumeThread
from treadle.runtime.repair import UNKNOWN

PATCH = "*** Begin Patch\n*** Update File: a\n@@\n-one\n+two\n*** End Patch"
PLAN = {"plan": [{"step": "look", "status": "completed"}]}
PATIENCE, LONGEST = 100.0, 50.0
"""Seconds that is waited for the lock here, and that the event loop may stand still on a machine that is busy: were it to wait,
too, it would be the whole hundred."""


class Held:
    """The lock of all writers."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / database.FILE, isolation_level=None)
        self._db.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        self._db.close()


@pytest.fixture
def place(tmp_path: Path, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(database, "PATIENCE", PATIENCE)
    place = Place(tmp_path, model_server)
    (place.workspace / "a").write_text("one\n")
    yield place


async def _stillness(longest: list[float]) -> None:
    """The longest time for which the event loop ran nothing."""
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.01)
        now = time.monotonic()
        longest[0] = max(longest[0], now - last)
        last = now


async def test_turns_go_on_while_another_process_holds_the_database(place: Place, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Changed."))])
    agent, client = place.agent(sandbox_mode="danger-full-access"), RecordingClient()
    one, other = await place.open(agent, client), await place.open(agent, client)
    assert await place.say(agent, one, "change it") == "completed"
    longest = [0.0]
    watch = asyncio.create_task(_stillness(longest))
    with closing(Held(place.homes.treadle)):
        kept = asyncio.create_task(agent.submit(KeepHunks(one), client))
        forked = asyncio.create_task(agent.submit(ForkThread(one), client))
        model_server.script([reply(call("update_plan", PLAN)), reply(text("Still here."))])
        assert await place.say(agent, other, "and you?") == "completed"
        assert not kept.done() and not forked.done()
    await kept
    copy: Any = await forked
    assert longest[0] < LONGEST, f"the event loop stood still for {longest[0]:.2f} s"
    assert (await agent.submit(ListHunks(one), client)).files == []  # type: ignore[union-attr]
    assert copy.meta.forked_from == one
    watch.cancel()
    await agent.close()
    # what was kept is on disk
    agent = place.agent()
    assert (await agent.submit(ListHunks(one), client)).files == []  # type: ignore[union-attr]
    await agent.close()


async def test_a_thread_that_was_cut_off_is_mended_without_holding_up_others(place: Place, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", PATCH)), reply(text("Changed."))])
    agent, client = place.agent(sandbox_mode="danger-full-access"), RecordingClient()
    other, cut_off = await place.open(agent, client), await place.open(agent, client)
    assert await place.say(agent, other, "change it") == "completed"
    store = agent._world.store
    begun = ModelItem("m", 2.0, "t", "function_call", dumps({"call_id": "c"}), call_id="c", name="exec_command")
    store.append(cut_off, [TurnBegan("b", 1.0, "t", {"cwd": str(place.workspace)}), begun])
    agent._loaded.pop(cut_off)
    store.release(cut_off)
    longest = [0.0]
    watch = asyncio.create_task(_stillness(longest))
    with closing(Held(place.homes.treadle)):
        mended = asyncio.create_task(agent.submit(ResumeThread(cut_off), client))
        model_server.script([reply(text("Still here."))])
        assert await place.say(agent, other, "and you?") == "completed"
        assert not mended.done()
    await mended
    assert longest[0] < LONGEST, f"the event loop stood still for {longest[0]:.2f} s"
    [checkpoint] = (await agent.submit(ListCheckpoints(cut_off), client)).checkpoints  # type: ignore[union-attr]
    assert [left_out.reason for left_out in checkpoint.omitted] == [UNKNOWN]
    watch.cancel()
    await agent.close()
