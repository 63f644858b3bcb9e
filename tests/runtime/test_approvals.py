"""The user decides: what is asked, what an answer does, and what happens when nobody can answer."""

from __future__ import annotations

import asyncio

import pytest

from fakes.world import FakeSandbox, FakeTool, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.core.events import ApprovalSettled, CardStarted, WarningReported
from treadle.core.items import ToolOutput
from treadle.core.ops import InterruptTurn, Overrides, ResumeThread, StartThread
from treadle.core.policy import RunCommand
from treadle.core.settings import SandboxPolicy
from treadle.runtime.answers import ThreadState
from treadle.runtime.ports import SandboxStatus

ESCALATED = RunCommand("make", "/ws", escalated=True, justification="to build")


@pytest.mark.parametrize(
    ("answer", "status", "ran", "modes"),
    [
        ("accept", "completed", "ok", ["danger-full-access"]),
        ("decline", "completed", "declined", []),
        ("cancel", "interrupted", "declined", []),
    ],
)
async def test_the_user_decides_about_an_escalated_command(answer: str, status: str, ran: str, modes: list[str]) -> None:
    tool = FakeTool(wish=ESCALATED)
    model = ScriptedModel([*call("a"), *end()], [*message("done"), *end()])
    agent, _, store = build(model, tool)
    client = RecordingClient(lambda approval: answer)
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == status
    assert [approval.outside_sandbox for approval in client.asked] == [True]
    assert [policy.mode for policy in tool.policies] == modes
    (output,) = [item for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)]
    assert ran in output.text
    assert any(isinstance(event, ApprovalSettled) for event in client.events)
    client.check_cards()


async def test_accept_for_session_is_remembered_for_the_same_command() -> None:
    model = ScriptedModel([*call("a"), *end()], [*call("b"), *end()], [*message("done"), *end()])
    agent, *_ = build(model, FakeTool(wish=ESCALATED))
    client = RecordingClient(lambda approval: "accept_for_session")
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    assert len(client.asked) == 1


async def test_a_client_that_is_lost_declines() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return "accept"

    model = ScriptedModel([*call("a"), *end()], [*message("done"), *end()])
    tool = FakeTool(wish=ESCALATED)
    agent, _, store = build(model, tool)
    client, watcher = RecordingClient(lambda approval: never()), RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardStarted) and getattr(e.card, "call_id", "") == "a")
    await client.until_asked()
    await agent.submit(ResumeThread(thread_id), watcher)
    agent.drop(client)
    await watcher.turn_end(turn_id)
    assert tool.policies == []
    assert [item.status for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)] == ["declined"]


async def test_an_interrupt_settles_an_open_question() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return "accept"

    model = ScriptedModel([*call("a"), *end()])
    agent, *_ = build(model, FakeTool(wish=ESCALATED))
    client = RecordingClient(lambda approval: never())
    thread_id, turn_id = await begin(agent, client)
    await client.until_asked()
    await agent.submit(InterruptTurn(thread_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    assert any(isinstance(event, ApprovalSettled) for event in client.events)
    client.check_cards()


async def test_without_a_sandbox_the_user_is_told_once_and_asked_each_time() -> None:
    sandbox = FakeSandbox(SandboxStatus("none", available=False, reason="bubblewrap is missing: apt install bubblewrap"))
    tool = FakeTool(wish=RunCommand("ls", "/ws"))
    model = ScriptedModel([*call("a"), *call("b"), *end()], [*message("done"), *end()])
    agent, *_ = build(model, tool, sandbox=sandbox)
    client = RecordingClient(lambda approval: "accept")
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    warnings = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert warnings == ["bubblewrap is missing: apt install bubblewrap"]
    assert len(client.asked) == 2
    assert [policy.mode for policy in tool.policies] == ["danger-full-access"] * 2


@pytest.mark.parametrize("answer", ["accept", "accept_for_session"])
async def test_a_sandbox_that_holds_in_part_is_told_and_asked_about_once_in_a_thread(answer: str) -> None:
    sandbox = FakeSandbox(SandboxStatus("landlock", available=True, reason="namespaces are off", degraded=True))
    tool = FakeTool(wish=RunCommand("ls", "/ws"))
    model = ScriptedModel([*call("a"), *end()], [*call("b"), *end()], [*message("done"), *end()])
    agent, *_ = build(model, tool, sandbox=sandbox)
    client = RecordingClient(lambda approval: answer)
    started = await agent.submit(StartThread(Overrides(sandbox=SandboxPolicy("workspace-write"))), client)
    assert isinstance(started, ThreadState)
    await client.turn_end(await more(agent, client, started.meta.id))
    assert [event.message for event in client.events if isinstance(event, WarningReported)] == ["namespaces are off"]
    (asked,) = client.asked
    assert "holds in part only" in asked.reason
    assert not asked.outside_sandbox
    assert [policy.mode for policy in tool.policies] == ["workspace-write"] * 2
