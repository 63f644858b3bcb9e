"""What loads while something is waited for: by another thread, once, no longer than the wait, and never in its way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.world import FakeSandbox, RecordingClient, ScriptedModel, build, end, message, more
from treadle.core.ops import StartThread
from treadle.runtime.agent import Agent
from treadle.runtime.meanwhile import Meanwhile
from treadle.runtime.ports import SandboxStatus


class Parts:
    """Counts the parts that were begun, and goes on to the next one when it is let."""

    def __init__(self, *, trouble: bool = False) -> None:
        self.threads: list[int] = []
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.left = threading.Event()
        self._trouble = trouble

    def __call__(self) -> Iterator[None]:
        try:
            while True:
                self.threads.append(threading.get_ident())
                self.begun.release()
                assert self.let.acquire(timeout=60)
                if self._trouble:
                    raise ImportError("it is not there")
                yield
        finally:
            self.left.set()


async def _wait(event: asyncio.Future[str]) -> str:
    return await asyncio.shield(event)


async def _until(signal: threading.Semaphore | threading.Event) -> None:
    wait = signal.acquire if isinstance(signal, threading.Semaphore) else signal.wait
    assert await asyncio.to_thread(wait, timeout=60)


async def test_parts_are_loaded_by_another_thread_until_the_wait_is_over() -> None:
    parts, answer = Parts(), asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(Meanwhile(parts).waited(_wait(answer)))
    await _until(parts.begun)
    parts.let.release()
    await _until(parts.begun)
    answer.set_result("there")
    assert await waiting == "there"
    assert not parts.left.is_set(), "what is waited for does not wait for a part"
    parts.let.release()
    await _until(parts.left)
    assert len(parts.threads) == 2
    assert threading.get_ident() not in parts.threads


async def test_nothing_is_begun_when_there_is_nothing_to_wait_for() -> None:
    parts, answer = Parts(), asyncio.get_running_loop().create_future()
    answer.set_result("there")
    assert await Meanwhile(parts).waited(_wait(answer)) == "there"
    assert parts.threads == []


async def test_only_the_first_wait_is_used() -> None:
    parts, answer = Parts(), asyncio.get_running_loop().create_future()
    meanwhile = Meanwhile(parts)
    first = asyncio.ensure_future(meanwhile.waited(_wait(answer)))
    await _until(parts.begun)
    second = asyncio.ensure_future(meanwhile.waited(_wait(answer)))
    answer.set_result("there")
    assert await asyncio.gather(first, second) == ["there", "there"]
    parts.let.release()
    await _until(parts.left)
    assert len(parts.threads) == 1


async def test_what_cannot_be_loaded_is_not_told_here() -> None:
    parts, answer = Parts(trouble=True), asyncio.get_running_loop().create_future()
    parts.let.release()
    waiting = asyncio.ensure_future(Meanwhile(parts).waited(_wait(answer)))
    await _until(parts.left)
    answer.set_result("there")
    assert await waiting == "there"


async def test_what_fails_that_is_waited_for_is_raised() -> None:
    parts, answer = Parts(), asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(Meanwhile(parts).waited(_wait(answer)))
    await _until(parts.begun)
    answer.set_exception(OSError("it cannot be had"))
    with pytest.raises(OSError, match="had"):
        await waiting
    parts.let.release()
    await _until(parts.left)


async def test_who_does_not_wait_any_longer_ends_the_loading() -> None:
    parts, answer = Parts(), asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(Meanwhile(parts).waited(_wait(answer)))
    await _until(parts.begun)
    waiting.cancel()
    await asyncio.wait((waiting,))
    assert waiting.cancelled()
    parts.let.release()
    await _until(parts.left)
    assert len(parts.threads) == 1


class Held(FakeSandbox):
    """Its trial takes until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()

    async def status(self) -> SandboxStatus:
        await self.let.wait()
        return await super().status()


async def test_a_first_turn_loads_while_its_sandbox_is_tried_out() -> None:
    sandbox, parts, client = Held(), Parts(), RecordingClient()
    cold, _, _ = build(ScriptedModel([*message("hello"), *end()]), sandbox=sandbox)
    world: Any = cold._world
    world.warm = parts
    agent = Agent(world)
    sandbox.let.set()
    state: Any = await agent.submit(StartThread(), client)
    sandbox.let.clear()
    starting = asyncio.ensure_future(more(agent, client, state.meta.id))
    await _until(parts.begun)
    assert not starting.done()
    sandbox.let.set()
    await client.turn_end(await starting)
    parts.let.release()
    await _until(parts.left)
    assert len(parts.threads) == 1
    await agent.close()
