"""The thread in which commands are born: what it makes is handed to somebody, whenever the caller lets go."""

from __future__ import annotations

import asyncio
import threading

import pytest

from treadle.adapters.sandbox.spawner import Spawner


async def test_a_result_that_comes_in_the_same_moment_as_the_cancel_is_seen_to() -> None:
    spawner, go, behind = Spawner(confined=False), threading.Event(), threading.Event()
    discarded: list[str] = []

    def job() -> str:
        go.wait(20)
        return "born"

    task = asyncio.create_task(spawner.run(job, discarded.append, lambda: None))
    await asyncio.sleep(0)
    spawner.tell(behind.set, lambda: None)
    go.set()
    # the loop stands still until the result is on its way; it is set, and then the task is cancelled before it wakes
    behind.wait(20)
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert discarded == ["born"]
    await asyncio.to_thread(spawner.close)


async def test_a_result_that_comes_after_the_cancel_is_seen_to() -> None:
    spawner, go = Spawner(confined=False), threading.Event()
    discarded: list[str] = []
    task = asyncio.create_task(spawner.run(lambda: "born" if go.wait(20) else "late", discarded.append, lambda: None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert discarded == []
    go.set()
    await spawner.settle()
    assert discarded == ["born"]
    await asyncio.to_thread(spawner.close)
