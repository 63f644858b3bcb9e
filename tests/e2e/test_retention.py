"""The limits of history on a real store: what is deleted, what is left alone, and that nothing is without a limit."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.house import House
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.core.errors import RequestRefused, TreadleError
from treadle.core.items import Item, Text, ToolOutput, UserMessage
from treadle.core.keeping import DeleteThread
from treadle.core.ops import ResumeThread
from treadle.runtime import retention
from treadle.runtime.ports import ThreadMeta

DAY = 24 * 3600.0
NOW = 1_000 * DAY


class Enough(Exception):
    pass


class Clock:
    """Stands still; the third sleep is the last."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return NOW

    def monotonic(self) -> float:
        return NOW

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise Enough


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> House:
    return House(tmp_path, model_server)


@pytest.fixture
def world(house: House) -> Iterator[Any]:
    agent: Any = house.agent()
    agent._world.clock = Clock()
    yield agent._world
    agent._world.store.close()


def limit(house: House, **limits: int) -> None:
    house.configure(
        house.configuration + "\n[treadle.history]\n" + "".join(f"{name} = {value}\n" for name, value in limits.items())
    )


def keep(world: Any, thread_id: str, days: float, size: int = 10, **more: Any) -> None:
    at = NOW - days * DAY
    world.store.create(ThreadMeta(thread_id, at, at, "/ws", "m", "p", **more))
    items: list[Item] = [UserMessage("1", at, "t", (Text("hello"),)), ToolOutput("2", at, "t", "c", "x y " * (size // 4))]
    world.store.append(thread_id, items)


def left(world: Any) -> set[str]:
    every: dict[str, Any] = {"cursor": None, "limit": 1000, "cwds": (), "search": None, "by_update": True, "ascending": True}
    return {meta.id for archived in (False, True) for meta in world.store.list(archived=archived, **every)[0]}


async def test_without_a_limit_nothing_is_deleted(world: Any) -> None:
    keep(world, "ancient", 900)
    assert await retention.prune(world) == []
    assert left(world) == {"ancient"}


async def test_what_was_not_used_for_long_goes(house: House, world: Any, caplog: pytest.LogCaptureFixture) -> None:
    limit(house, max_age_days=30)
    for thread_id, days in (("old", 31), ("older", 40), ("new", 29)):
        keep(world, thread_id, days)
    keep(world, "named", 50, name="Important")
    keep(world, "away", 45, archived=True)
    would = await retention.prune(world, dry_run=True)
    assert [meta.id for meta in would] == ["named", "away", "older", "old"]
    assert left(world) == {"old", "older", "new", "named", "away"}
    with caplog.at_level(logging.WARNING):
        assert await retention.prune(world) == would
    assert left(world) == {"new"}
    assert [record.getMessage() for record in caplog.records] == [
        "threads deleted that [treadle.history] of config.toml no longer keeps: 4, the oldest first"
    ]
    caplog.clear()
    assert await retention.prune(world) == []
    assert caplog.records == []


async def test_a_clock_that_is_years_ahead_deletes_nothing_by_itself(
    house: House, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(house, max_age_days=30)
    for thread_id, days in (("old", 40), ("yesterday", 1.5), ("today", 0.1)):
        keep(world, thread_id, days)
    monkeypatch.setattr(world.clock, "now", lambda: NOW + 74 * 365 * DAY)
    gone = await retention.prune(world, by_itself=True)
    assert [meta.id for meta in gone] == ["old"]
    assert left(world) == {"yesterday", "today"}


async def test_beyond_the_size_the_oldest_go_and_those_of_today_stay(house: House, world: Any) -> None:
    limit(house, max_mb=10)
    for n in range(8):
        keep(world, f"t{n}", 8 - n if n < 7 else 0.5, size=3_000_000)
    would = [meta.id for meta in await retention.prune(world, dry_run=True)]
    assert would == sorted(would)
    assert 3 <= len(would) < 8
    await retention.prune(world)
    assert world.store.used() <= 10 * 1024 * 1024
    assert "t7" in left(world)
    assert left(world) <= {f"t{n}" for n in range(len(would), 8)}


async def test_a_size_that_today_s_threads_exceed_spares_them(house: House, world: Any) -> None:
    limit(house, max_mb=10)
    keep(world, "huge", 0.5, size=12_000_000)
    keep(world, "old", 5)
    await retention.prune(world)
    assert left(world) == {"huge"}


async def test_open_threads_are_left_alone_whoever_has_them_open(house: House, world: Any) -> None:
    limit(house, max_age_days=30)
    for thread_id in ("here", "there", "nowhere"):
        keep(world, thread_id, 100)
    assert world.store.claim("here")
    code = """
import sys
from pathlib import Path
from treadle.adapters.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
print(store.claim("there"), flush=True)
sys.stdin.read()
"""
    arguments = [sys.executable, "-c", code, str(house.homes.treadle)]
    other = await asyncio.create_subprocess_exec(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout
    assert await other.stdout.readline() == b"True\n"
    assert [meta.id for meta in await retention.prune(world, dry_run=True)] == ["nowhere"]
    assert [meta.id for meta in await retention.prune(world)] == ["nowhere"]
    await other.communicate(b"")
    assert left(world) == {"here", "there"}


async def test_in_the_background_old_histories_are_indexed_and_limits_kept(house: House, world: Any) -> None:
    limit(house, max_age_days=30)
    keep(world, "old", 100)
    keep(world, "new", 1.5)
    with pytest.raises(Enough):
        await retention.tend(world)
    assert left(world) == {"new"}
    assert world.clock.slept[1] == world.clock.slept[2] < 300
    assert world.clock.slept[0] > 5


async def test_tending_goes_on_after_a_database_that_was_busy(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(seconds: float) -> bool:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(world.store.index, "catch_up", busy)
    with pytest.raises(Enough):
        await retention.tend(world)


async def test_a_deletion_keeps_nobody_waiting_and_says_what_is_wrong(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(world, "a", 1)
    threads = list[threading.Thread]()

    def forget(thread_id: str) -> None:
        threads.append(threading.current_thread())
        raise OSError(errno.EIO, "earlier contents of files cannot be kept or read (disk image is malformed)")

    monkeypatch.setattr(world.versions, "forget", forget)
    with pytest.raises(TreadleError, match="malformed"):
        await retention.delete(world, ["a"])
    assert threads[0] is not threading.main_thread()
    assert left(world) == {"a"}
    assert world.store.claim("a")


async def test_what_is_being_deleted_is_neither_opened_nor_deleted_again(house: House) -> None:
    agent: Any = house.agent()
    client = RecordingClient()
    keep(agent._world, "a", 1)
    assert agent._world.store.claim("a")  # as a deletion that is under way does
    with pytest.raises(RequestRefused, match="being deleted"):
        await agent.submit(ResumeThread("a"), client)
    with pytest.raises(RequestRefused, match="open in another process"):
        await agent.submit(DeleteThread("a"), client)
    assert left(agent._world) == {"a"}
    agent._world.store.release("a")
    await agent.submit(DeleteThread("a"), client)
    assert left(agent._world) == set()
    await agent.close()
