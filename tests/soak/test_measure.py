"""What is read of a process from outside and from inside, and what the verdict makes of it."""

from __future__ import annotations

import importlib.util
import itertools
import os
import socket
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from soak import measure, run, verdict

REST = measure.Sample(
    at=0.0,
    pss=90.0,
    rss=100.0,
    anonymous=80.0,
    descriptors=50,
    connections=4,
    threads=12,
    processes=3,
    databases=10.0,
    temporary=0,
)


@pytest.fixture
def inside() -> ModuleType:
    """As the sidecar of a soak has it."""
    spec = importlib.util.spec_from_file_location("kinds_of_memory", Path(__file__).parent / "inside" / "kinds_of_memory.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_connections_to_the_model_are_told_from_other_sockets_by_the_port_there(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with ExitStack() as opened:
        model, other = (opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        port = model.getsockname()[1]
        before = measure.sample(os.getpid(), 0.0, tmp_path, port)
        for server in (model, model, model, other):
            opened.enter_context(socket.create_connection(server.getsockname()))
        after = measure.sample(os.getpid(), 0.0, tmp_path, port)
    assert (before.connections, after.connections) == (0, 3)
    assert after.descriptors == before.descriptors + 1


def test_a_file_of_a_database_that_goes_meanwhile_takes_no_room(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    folder = tmp_path / "home" / "treadle"
    folder.mkdir(parents=True)
    (folder / "threads.sqlite3").write_bytes(b"x" * measure.MB)
    (folder / "threads.sqlite3-wal").symlink_to(folder / "gone")
    assert measure.sample(os.getpid(), 0.0, tmp_path, 0).databases == 1.0


async def test_in_the_end_what_is_slow_to_go_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SERVERS_AFTER", 0.0)
    monkeypatch.setattr(run, "STILL", 0.0)
    more, seen = replace(REST, processes=4), list[measure.Sample]()

    def now() -> measure.Sample:
        seen.append(next(coming))
        return seen[-1]

    coming = itertools.chain([more] * 4, itertools.repeat(REST))
    await run._rested(now, REST)
    assert seen == [more] * 4 + [REST]
    coming = itertools.repeat(more)
    await run._rested(now)  # what it begins with may be anything
    assert len(seen) == 6
    monkeypatch.setattr(run, "RESTS", 0.3)
    await run._rested(now, REST)  # and it is given up
    assert seen[-1] == more


def test_the_pool_may_keep_its_connections_and_nothing_else_may_be_kept_instead() -> None:
    for seconds in (120.0, 3600.0):
        assert verdict.grown(REST, replace(REST, connections=20), seconds) == []
        assert "connections" in verdict.grown(REST, replace(REST, connections=21), seconds)[0]
        assert verdict.grown(REST, replace(REST, descriptors=52), seconds) == []
        assert "descriptors" in verdict.grown(REST, replace(REST, descriptors=53, connections=0), seconds)[0]


def test_each_kind_of_memory_is_told_by_itself(inside: ModuleType) -> None:
    begun = inside.kinds()
    small = [[] for _ in range(300_000)]
    of_small = inside.kinds()
    large = bytes(b"x" * 30_000_000)
    of_large = inside.kinds()
    assert len(small) == 300_000 and len(large) == 30_000_000
    assert of_small["objects"] > begun["objects"] + 10
    assert of_large["objects"] < of_small["objects"] + 1
    pieces = [kinds["malloc, used"] + kinds["malloc, mapped alone"] for kinds in (of_small, of_large)]
    assert pieces[1] > pieces[0] + 25
    assert of_large["mapped, anonymous"] > of_small["mapped, anonymous"] + 25
