"""A client that is gone altogether while something of its is under way: what is open is ended in good order all the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from fakes.agent import ScriptedAgent
from fakes.peer import HELLO
from treadle.core.ops import Op
from treadle.runtime.agent import Agent
from treadle.runtime.answers import Answer
from treadle.runtime.ports import Client
from treadle.server import acp, app_server

Run = Callable[..., Awaitable[None]]


class SlowAgent(ScriptedAgent):
    """Answers when the test says so, and takes a moment to close."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer, self.stopped = asyncio.Event(), asyncio.Event(), False

    async def submit(self, op: Op, client: Client) -> Answer:
        self.asked.set()
        await self.may_answer.wait()
        return await super().submit(op, client)

    async def stop(self) -> None:
        await asyncio.sleep(0)
        self.stopped = True

    async def close(self) -> None:
        await asyncio.sleep(0)
        await super().close()


class Ends:
    """The client's ends of both pipes, and ours."""

    def __init__(self) -> None:
        self.stdin_fd, self._write = os.pipe()
        self._read, self.stdout_fd = os.pipe()

    def write(self, *messages: dict[str, Any]) -> None:
        os.write(self._write, b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    async def until_answered(self, id: int) -> None:
        said = b""
        while not any(json.loads(line).get("id") == id for line in said.split(b"\n")[:-1]):
            said += await asyncio.to_thread(os.read, self._read, 65536)

    def answered(self) -> set[int]:
        """Which requests were, of those since it was last looked; one at least."""
        return {json.loads(line).get("id") for line in os.read(self._read, 65536).splitlines()}

    def close_input(self) -> None:
        os.close(self._write)

    def close_output(self) -> None:
        os.close(self._read)


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    for fd in (made.stdin_fd, made.stdout_fd):
        try:
            os.close(fd)
        except OSError:
            continue  # the door has closed it


APP_SERVER = (
    {"id": 1, "method": "initialize", "params": HELLO},
    {"id": 2, "method": "thread/start", "params": {"cwd": "/"}},
)
ACP = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}},
    {"jsonrpc": "2.0", "id": 2, "method": "session/new", "params": {"cwd": "/", "mcpServers": []}},
)


@pytest.mark.parametrize("run_and_words", [(app_server.run, APP_SERVER), (acp.run, ACP)], ids=["app-server", "acp"])
async def test_an_answer_that_nobody_takes_any_more_does_not_stop_the_agent_from_being_closed(
    run_and_words: tuple[Run, tuple[dict[str, Any], ...]], ends: Ends
) -> None:
    run, words = run_and_words
    agent = SlowAgent()

    async def opened() -> Agent:
        return agent  # type: ignore[return-value]

    served = asyncio.ensure_future(run(opened, stdin_fd=ends.stdin_fd, stdout_fd=ends.stdout_fd))
    ends.write(*words)
    async with asyncio.timeout(60):
        await agent.asked.wait()
        ends.close_output()
        ends.close_input()
        # the door has seen the end of its input when what it began to wait for is the answer
        while not _is_closing(served):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
        agent.may_answer.set()
        await served
    assert agent.closed


@pytest.mark.parametrize("run_and_words", [(app_server.run, APP_SERVER), (acp.run, ACP)], ids=["app-server", "acp"])
async def test_a_signal_that_comes_together_with_the_end_of_the_input_does_not_cut_the_closing_short(
    run_and_words: tuple[Run, tuple[dict[str, Any], ...]], ends: Ends
) -> None:
    run, words = run_and_words
    agent = SlowAgent()
    agent.may_answer.set()

    async def opened() -> Agent:
        return agent  # type: ignore[return-value]

    served = asyncio.ensure_future(run(opened, stdin_fd=ends.stdin_fd, stdout_fd=ends.stdout_fd))
    ends.write(*words)
    async with asyncio.timeout(60):
        # by now the signals have their handlers
        await ends.until_answered(words[-1]["id"])
        # in one turn of the loop, in this order
        ends.close_input()
        os.kill(os.getpid(), signal.SIGTERM)
        await served
    ends.close_output()
    assert (agent.stopped, agent.closed) == (True, True)


async def test_what_an_editor_asked_just_before_it_went_is_answered_however_long_the_agent_loads(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acp, "_GRACE", 0.01)
    monkeypatch.setattr(acp, "_PATIENCE", 0.01)
    there, loading = asyncio.Event(), asyncio.Event()

    class Thorough(ScriptedAgent):
        async def submit(self, op: Op, client: Client) -> Answer:
            await asyncio.sleep(0.1)
            return await super().submit(op, client)

    async def opened() -> Agent:
        loading.set()
        await there.wait()
        return Thorough()  # type: ignore[return-value]

    served = asyncio.ensure_future(acp.run(opened, stdin_fd=ends.stdin_fd, stdout_fd=ends.stdout_fd))
    ends.write(*ACP)
    async with asyncio.timeout(60):
        await loading.wait()
        ends.close_input()
        while not _is_closing(served):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
        # longer than all requests have, a turn's among them
        await asyncio.wait([served], timeout=0.1)
        monkeypatch.setattr(acp, "_PATIENCE", 60.0)
        there.set()
        await served
    assert ends.answered() >= {1, 2}
    ends.close_output()


def _is_closing(task: asyncio.Future[None]) -> bool:
    """Whether it waits in a `close`, or what comes after reading."""
    assert isinstance(task, asyncio.Task)
    names: list[str] = []
    inner: Any = task.get_coro()
    while inner is not None:
        names.append(getattr(inner, "__qualname__", ""))
        inner = getattr(inner, "cr_await", None)
    return any(name.endswith((".close", ".settled")) for name in names)
