"""What is loaded ahead is loaded in moments of rest, in small parts, once, and never instead of an answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from fakes.agent import ScriptedAgent
from fakes.peer import HELLO, Peer
from treadle.runtime.agent import Agent
from treadle.server import warming
from treadle.server.warming import Warming


class Cold:
    """An agent that is warmed in parts by whichever thread comes."""

    def __init__(self, parts: int = 1, *, trouble: bool = False) -> None:
        self.threads: list[int] = []
        self.warmed = asyncio.Event()
        self.hold = threading.Event()
        "Not set: a part takes long."
        self.hold.set()
        self._parts, self._trouble = parts, trouble
        self._loop = asyncio.get_running_loop()

    def warm(self) -> Iterator[None]:
        for _ in range(self._parts):
            self.threads.append(threading.get_ident())
            self._loop.call_soon_threadsafe(self.warmed.set)
            self.hold.wait(60)
            if self._trouble:
                raise OSError("nothing can be loaded")
            yield

    async def next(self) -> None:
        """One more part was begun."""
        await asyncio.wait_for(self.warmed.wait(), 60)
        self.warmed.clear()


def made(cold: Cold) -> Warming:
    async def agent() -> Agent:
        return cast(Agent, cold)

    return Warming(agent)


def waiting() -> list[float]:
    """Seconds, by the thousand or by none, until what the loop was told to begin later."""
    loop: Any = asyncio.get_running_loop()
    return [abs(round(handle.when() - loop.time(), -3)) for handle in loop._scheduled if not handle.cancelled()]


@pytest.fixture(autouse=True)
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "REST", 0.01)


async def test_after_a_rest_everything_is_loaded_by_another_thread() -> None:
    cold = Cold(3)
    ahead = made(cold)
    ahead.begin()
    await cold.next()
    assert await cast(Any, ahead)._work is False, "there is nothing more to be loaded"
    assert len(cold.threads) == 3
    assert threading.get_ident() not in cold.threads
    module = await ahead.methods()
    assert "thread/list" in module.METHODS
    ahead.asked()
    ahead.answered()
    assert waiting() == []


async def test_what_cannot_be_loaded_ahead_stops_nothing() -> None:
    cold = Cold(2, trouble=True)
    ahead = made(cold)
    ahead.begin()
    await cold.next()
    assert "turn/interrupt" in (await ahead.methods()).METHODS
    assert len(cold.threads) == 1
    ahead.close()


async def test_no_part_is_begun_while_a_request_is_served_or_before_the_rest_after_it() -> None:
    cold = Cold(3)
    ahead = made(cold)
    cold.hold.clear()
    ahead.begin()
    await cold.next()
    # while a part is loaded two requests come; when it is loaded nothing is begun, nor when one of them is answered
    ahead.asked()
    ahead.asked()
    cold.hold.set()
    await cast(Any, ahead)._work
    await asyncio.sleep(0)
    assert waiting() == []
    ahead.answered()
    assert waiting() == []
    cast(Any, ahead)._rest = 5000.0
    ahead.answered()
    assert waiting() == [5000.0]
    assert len(cold.threads) == 1
    ahead.close()


async def test_a_request_that_came_and_went_while_a_part_was_loaded_has_its_rest_too() -> None:
    cold = Cold(2)
    ahead = made(cold)
    cold.hold.clear()
    ahead.begin()
    await cold.next()
    cast(Any, ahead)._rest = 5000.0
    ahead.asked()
    ahead.answered()
    assert waiting() == []
    cold.hold.set()
    await cast(Any, ahead)._work
    await asyncio.sleep(0)
    assert waiting() == [5000.0]
    ahead.close()


async def test_whoever_needs_the_methods_does_not_wait_for_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "REST", 3600.0)
    cold = Cold()
    ahead = made(cold)
    ahead.begin()
    ahead.asked()
    assert (await ahead.methods()).METHODS
    ahead.answered()
    assert not cold.threads
    ahead.close()


async def test_nothing_is_begun_after_the_end_nor_before_the_agent_is_there() -> None:
    cold = Cold()
    ahead = made(cold)
    ahead.asked()
    ahead.answered()
    assert waiting() == []
    ahead.begin()
    assert len(waiting()) == 1
    ahead.close()
    ahead.asked()
    ahead.answered()
    ahead.begin()
    assert waiting() == []
    assert not cold.threads


async def test_methods_that_could_not_be_loaded_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = made(Cold())

    def refuse(name: str) -> Any:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(warming.importlib, "import_module", refuse)
        with pytest.raises(RuntimeError):
            await ahead.methods()
    assert (await ahead.methods()).METHODS


async def test_where_no_thread_is_to_be_had_the_next_request_begins_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = asyncio.Event()

    async def refuse(*_: object) -> Any:
        refused.set()
        raise RuntimeError("can't start new thread")

    cold = Cold()
    ahead = made(cold)
    with monkeypatch.context() as patched:
        patched.setattr(warming.asyncio, "to_thread", refuse)
        ahead.begin()
        await asyncio.wait_for(refused.wait(), 60)
        await cast(Any, ahead)._work
        await asyncio.sleep(0)
        assert waiting() == []
    ahead.asked()
    ahead.answered()
    await cold.next()
    ahead.close()


async def test_a_turn_that_has_begun_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "BUSY", 4000.0)
    cold = Cold()
    ahead = made(cold)
    ahead.begin()
    ahead.asked()
    ahead.answered(turn=True)
    ahead.asked()
    ahead.answered()
    assert waiting() == [4000.0]
    ahead.close()


class Counted(Warming):
    """Says when a request is told of, and when none is under way any more."""

    def __init__(self) -> None:
        super().__init__(cast(Any, None))
        self.busy, self.free = asyncio.Event(), asyncio.Event()

    def asked(self) -> None:
        super().asked()
        self.free.clear()
        self.busy.set()

    def answered(self, *, turn: bool = False) -> None:
        super().answered(turn=turn)
        if self._under_way == 0:
            self.free.set()


async def test_a_connection_tells_of_each_request_and_of_its_end_whatever_becomes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "REST", 3600.0)
    peer = Peer(agent := ScriptedAgent())
    ahead = Counted()
    peer.connection._warming = ahead  # pyright: ignore[reportPrivateUsage]
    await peer.result("initialize", HELLO)
    thread_id = await peer.thread()
    await asyncio.wait_for(ahead.free.wait(), 60)
    agent.hold.clear()
    ahead.busy.clear()
    archiving = peer.send("thread/archive", {"threadId": thread_id})
    await asyncio.wait_for(ahead.busy.wait(), 60)
    peer.connection.cancel(archiving)
    await asyncio.wait_for(ahead.free.wait(), 60)
    for method, params in (("thread/resume", {"threadId": "nobody's"}), ("thread/resume", {"threadId": 3}), ("thread/no", None)):
        ahead.busy.clear()
        asked = peer.send(method, params)
        await asyncio.wait_for(ahead.busy.wait(), 60)
        await asyncio.wait_for(ahead.free.wait(), 60)
        assert "error" in await peer.until(lambda message, id=asked: message.get("id") == id)
    await peer.connection.close()


_LOOK = """
import sys, treadle.app, treadle.server.stream, treadle.server.opening
from treadle.server.warming import models
sizes, before = [], set(sys.modules)
for steps in (treadle.app._warm(), models()):
    for _ in steps:
        sizes.append(len(set(sys.modules) - before))
        before = set(sys.modules)
import treadle.server.methods
sizes.append(len(set(sys.modules) - before))
assert {"httpx", "pydantic.main", "treadle.server.wire.item"} <= before
print(*sizes)
"""


def test_no_part_is_a_large_share_of_all_that_is_loaded_ahead() -> None:
    sizes = [int(one) for one in subprocess.check_output([sys.executable, "-c", _LOOK], text=True).split()]
    assert sum(sizes) > 150
    assert max(sizes) < sum(sizes) / 5, sizes


_NAMES = """
import importlib, sys
from treadle.adapters import responses
from treadle.server import warming
names, load = [], importlib.import_module
def named(name, package=None):
    names.append(name)
    return load(name, package)
importlib.import_module = responses.import_module = named
for steps in (responses.load(), warming.models()):
    for _ in steps:
        pass
print(*names)
"""


@pytest.mark.parametrize("package", ["pydantic", "anyio"])
def test_of_a_package_that_another_thread_may_be_loading_nothing_is_loaded_before_all_of_it_is_there(package: str) -> None:
    """Of two threads, one in the package and one in a module of it, Python gives one a module that is not complete."""
    names = subprocess.check_output([sys.executable, "-c", _NAMES], text=True).split()
    assert package in names
    assert not [name for name in names[: names.index(package)] if name.startswith(f"{package}.")]
