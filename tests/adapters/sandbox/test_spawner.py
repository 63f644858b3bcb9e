"""The thread in which commands are born: what it makes is handed to somebody, whenever the caller lets go."""

from __future__ import annotations

import asyncio
import errno
import threading

import pytest
from sandbox_bench import Bench

from treadle.adapters.sandbox import linux
from treadle.adapters.sandbox.channel import Channel
from treadle.adapters.sandbox.spawner import Spawner
from treadle.runtime.ports import CommandSpec


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


async def test_a_thread_that_could_not_be_had_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    spawner, failed = Spawner(confined=False), list[str]()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        with pytest.raises(RuntimeError, match="new thread"):
            await spawner.run(lambda: "born", failed.append, lambda: failed.append("failed"))
    assert failed == ["failed"]
    async with asyncio.timeout(60):
        assert await spawner.run(lambda: "born", failed.append, lambda: failed.append("again")) == "born"
    await asyncio.to_thread(spawner.close)


async def test_a_trial_of_the_sandbox_that_broke_is_made_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: CommandSpec) -> Channel:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(linux, "open_channel", refuses)
        with pytest.raises(OSError, match="Too many"):
            await bench.sandbox.status()
    assert (await bench.sandbox.status()).available
