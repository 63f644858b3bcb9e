"""What is done in the background for as long as the process lives."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from itertools import pairwise

import pytest

from fakes.world import RecordingClient, ScriptedModel, begin, build, end, message
from treadle.runtime import letting_go as module
from treadle.runtime.letting_go import let_go


class Loop:
    """Refers to itself, as what is left of a turn does."""

    def __init__(self) -> None:
        self.me = self


async def test_memory_that_only_refers_to_itself_does_not_wait_for_more_of_it() -> None:
    agent, _, _ = build(ScriptedModel([*message("one"), *end()]))
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    gc.disable()
    letting_go = asyncio.create_task(let_go(agent._world))
    try:
        left = weakref.ref(Loop())
        assert left() is not None
        async with asyncio.timeout(60):
            while left() is not None:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0)
    finally:
        gc.enable()
        letting_go.cancel()
        await asyncio.wait((letting_go,))
    await agent.close()


@pytest.mark.parametrize(("ops", "seconds"), [(100, 10), (1, 60)])
async def test_whoever_is_asked_for_much_is_looked_through_more_often(ops: int, seconds: int) -> None:
    agent, clock, _ = build(ScriptedModel())
    looks: list[float] = []
    agent._world.trim = lambda: looks.append(clock.time)
    sleep = clock.sleep

    async def working(seconds: float) -> None:
        agent._world.asked += ops
        await sleep(seconds)

    clock.sleep = working  # type: ignore[method-assign]
    letting_go = asyncio.create_task(let_go(agent._world))
    try:
        async with asyncio.timeout(60):
            while len(looks) < 4:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0)
        assert {after - before for before, after in pairwise(looks)} == {seconds}
    finally:
        letting_go.cancel()
        await asyncio.wait((letting_go,))
    await agent.close()


async def test_nobody_looks_for_memory_when_nothing_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    agent, clock, _ = build(ScriptedModel([*message("one"), *end()]))
    looks: list[int] = []
    monkeypatch.setattr(module.gc, "collect", lambda: looks.append(len(clock.slept)))
    letting_go = asyncio.create_task(let_go(agent._world))

    async def moments(count: int) -> None:
        until = len(clock.slept) + count
        async with asyncio.timeout(60):
            while len(clock.slept) < until:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0)

    try:
        await moments(8)
        assert len(looks) == 1
        client = RecordingClient()
        _, turn_id = await begin(agent, client)
        await client.turn_end(turn_id)
        await moments(8)
        assert len(looks) == 2
    finally:
        letting_go.cancel()
        await asyncio.wait((letting_go,))
    await agent.close()


async def test_what_is_free_goes_back_to_the_system_after_each_look_and_off_the_event_loop() -> None:
    agent, clock, _ = build(ScriptedModel())
    trims: list[tuple[int, bool]] = []
    agent._world.trim = lambda: trims.append((len(clock.slept), threading.current_thread() is threading.main_thread()))
    letting_go = asyncio.create_task(let_go(agent._world))

    async def moments(count: int) -> None:
        until = len(clock.slept) + count
        async with asyncio.timeout(60):
            while len(clock.slept) < until:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0)

    try:
        await moments(8)
        assert [on_loop for _, on_loop in trims] == [False]
        agent._world.asked += 1
        await moments(8)
        assert [on_loop for _, on_loop in trims] == [False, False]
    finally:
        letting_go.cancel()
        await asyncio.wait((letting_go,))
    await agent.close()


async def test_a_thread_that_was_open_when_all_was_loaded_is_let_go_of_within_hours() -> None:
    agent, clock, _ = build(ScriptedModel())
    gc.disable()
    left = weakref.ref(Loop())
    gc.freeze()
    letting_go = asyncio.create_task(let_go(agent._world))
    try:
        async with asyncio.timeout(60):
            while left() is not None:
                agent._world.asked += 1
                await asyncio.sleep(0)
        assert len(clock.slept) > 10, "it is too dear for each minute"
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()
        letting_go.cancel()
        await asyncio.wait((letting_go,))
    await agent.close()
