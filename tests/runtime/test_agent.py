"""The agent on fakes: what is announced, what is kept, and what the model is asked, in which order."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from fakes.world import (
    FakeTool,
    RecordingClient,
    ScriptedModel,
    begin,
    build,
    call,
    end,
    message,
    more,
)
from treadle.core.errors import ModelError, RequestRefused
from treadle.core.events import (
    CardCompleted,
    CardDelta,
    CardStarted,
    ErrorReported,
    ThreadStatusChanged,
    TurnStarted,
)
from treadle.core.history import TurnState, turns
from treadle.core.items import ModelItem, Text, ToolOutput, TurnEnded
from treadle.core.ops import InterruptTurn, ListThreads, Overrides, ReadThread, StartTurn, SteerTurn
from treadle.core.replies import Delta, ItemBegun, ItemDone
from treadle.core.settings import McpServer
from treadle.core.views import MessageCard
from treadle.runtime.agent import ThreadPage, ThreadState
from treadle.runtime.ports import Call, Scope


def extends(model: ScriptedModel) -> None:
    bodies = [request.head + b",".join(request.fragments) for request in model.requests]
    for before, after in itertools.pairwise(bodies):
        assert after.startswith(before)


async def test_a_turn_streams_and_ends() -> None:
    model = ScriptedModel([*message("hello"), *end()])
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    done = await client.turn_end(turn_id)
    assert done.status == "completed"
    kinds = [type(event).__name__ for event in client.events if not isinstance(event, ThreadStatusChanged)]
    assert kinds == [
        "ThreadStarted",
        "ThreadNamed",
        "TurnStarted",
        "CardStarted",
        "CardCompleted",
        "CardStarted",
        "CardDelta",
        "CardCompleted",
        "RequestCounted",
        "UsageUpdated",
        "TurnCompleted",
    ]
    client.check_cards()
    _, items = store.load(thread_id)
    assert [item.type for item in items] == [
        "turn_began",
        "opening",
        "context",
        "user_message",
        "model_item",
        "usage_reported",
        "turn_ended",
    ]


async def test_an_item_is_on_disk_before_it_is_announced() -> None:
    model = ScriptedModel([*message("one"), *call("a"), *end()], [*message("two"), *end()])
    agent, _, store = build(model)
    seen: list[bool] = []

    class Watcher(RecordingClient):
        def notify(self, events):  # type: ignore[no-untyped-def]
            for event in events:
                if isinstance(event, CardCompleted):
                    kept = "\n".join("\n".join(lines) for lines in store.lines.values())
                    seen.append(event.card.id in kept)
            super().notify(events)

    client = Watcher()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    assert seen == [True] * 4


async def test_calls_run_together_and_the_next_request_has_their_outputs() -> None:
    gates = {name: asyncio.Event() for name in ("a", "b")}

    async def run(call_: Call, scope: Scope) -> str:
        gates[call_.call_id].set()
        await gates["b" if call_.call_id == "a" else "a"].wait()  # each waits for the other: only together can they end
        return f"out {call_.call_id}"

    model = ScriptedModel([*call("a"), *call("b"), *end()], [*message("done"), *end()])
    agent, *_ = build(model, FakeTool(run=run))
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    body = model.requests[1].body().decode()
    assert "out a" in body
    assert "out b" in body
    extends(model)
    client.check_cards()


async def test_a_tool_that_wants_to_be_alone_is() -> None:
    running = 0
    most = 0

    async def run(call_: Call, scope: Scope) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return "ok"

    model = ScriptedModel([*call("a"), *call("b"), *call("c"), *end()], [*message("done"), *end()])
    agent, *_ = build(model, FakeTool(run=run, parallel=False))
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    assert most == 1


async def test_a_call_begins_while_the_reply_still_streams() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def run(call_: Call, scope: Scope) -> str:
        started.set()
        return "ok"

    model = ScriptedModel([*call("a"), go_on, *message("meanwhile"), *end()], [*message("done"), *end()])
    agent, *_ = build(model, FakeTool(run=run))
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await asyncio.wait_for(started.wait(), 60)
    go_on.set()
    assert (await client.turn_end(turn_id)).status == "completed"


async def test_a_steer_reaches_the_model_in_the_same_turn() -> None:
    go_on = asyncio.Event()
    model = ScriptedModel([go_on, *message("one"), *end()], [*message("two"), *end()])
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardCompleted))
    assert await agent.submit(SteerTurn(thread_id, turn_id, (Text("and this"),)), client) == turn_id
    go_on.set()
    await client.turn_end(turn_id)
    assert "and this" in model.requests[1].body().decode()
    extends(model)
    with pytest.raises(RequestRefused):
        await agent.submit(SteerTurn(thread_id, turn_id, (Text("late"),)), client)


async def test_a_steer_for_another_turn_is_refused() -> None:
    go_on = asyncio.Event()
    agent, *_ = build(ScriptedModel([go_on, *message("one"), *end()]))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    with pytest.raises(RequestRefused, match="not other"):
        await agent.submit(SteerTurn(thread_id, "other", (Text("x"),)), client)
    go_on.set()
    await client.turn_end(turn_id)


async def test_an_interrupt_keeps_the_words_that_were_shown() -> None:
    begun = [ItemBegun("m", "message", {}), Delta("m", "text", "half a sent")]
    model = ScriptedModel([*begun, asyncio.Event()], [*message("go on"), *end()])
    agent, _, store = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardDelta))
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    client.check_cards()
    cards = [card for turn in turns(store.load(thread_id)[1]) for card in turn.cards]
    assert cards[-1] == MessageCard(cards[-1].id, "half a sent", None, complete=False)
    turn_id = await more(agent, client, thread_id)
    await client.turn_end(turn_id)
    body = model.requests[1].body().decode()
    assert "half a sent" in body
    assert "turn_aborted" in body
    extends(model)


async def test_an_interrupt_ends_running_calls_and_keeps_finished_ones() -> None:
    running = asyncio.Event()
    ended: list[str] = []

    async def run(call_: Call, scope: Scope) -> str:
        if call_.call_id == "quick":
            return "quick is done"
        scope.emit("so far")
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(call_.call_id)
        return "never"

    model = ScriptedModel([*call("quick"), *call("slow"), *end()])
    agent, _, store = build(model, FakeTool(run=run))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await running.wait()
    await client.until(lambda e: isinstance(e, CardCompleted) and getattr(e.card, "call_id", "") == "quick")
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    assert ended == ["slow"]
    outputs = {item.call_id: item for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)}
    assert outputs["quick"].text == "quick is done"
    assert outputs["slow"].status == "aborted"
    assert "so far" in outputs["slow"].text
    client.check_cards()


async def test_an_interrupt_in_the_middle_of_a_streaming_step_answers_the_calls_that_ran() -> None:
    async def run(call_: Call, scope: Scope) -> str:
        if call_.call_id == "a":
            return "a is done"
        await asyncio.Event().wait()
        return ""

    model = ScriptedModel([*call("a"), *call("b"), asyncio.Event()])
    agent, _, store = build(model, FakeTool(run=run))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardStarted) and getattr(e.card, "call_id", "") == "b")
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await client.turn_end(turn_id)
    outputs = {item.call_id: item.text for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)}
    assert outputs["a"] == "a is done"
    assert outputs["b"].startswith("aborted by user")
    client.check_cards()


async def test_a_dead_stream_is_asked_again_and_the_user_sees_it() -> None:
    cut = ModelError("The stream ended early.", kind="stream_cut", retryable=True)
    half = [ItemBegun("m", "message", {}), Delta("m", "text", "half"), cut]
    model = ScriptedModel(half, [*message("whole"), *end()])
    agent, clock, store = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    errors = [event for event in client.events if isinstance(event, ErrorReported)]
    assert [event.will_retry for event in errors] == [True]
    assert "Reconnecting... 1/2" in errors[0].error.message
    assert len(clock.slept) == 1
    client.check_cards()
    assert "half" not in model.requests[1].body().decode()
    assert [item.kind for item in store.load(thread_id)[1] if isinstance(item, ModelItem)] == ["discarded", "message"]


async def test_a_call_that_was_complete_when_the_stream_died_runs_once() -> None:
    ran: list[str] = []

    async def run(call_: Call, scope: Scope) -> str:
        ran.append(call_.call_id)
        return "ran"

    cut = ModelError("The stream ended early.", kind="stream_cut", retryable=True)
    model = ScriptedModel([*call("a"), cut], [*message("done"), *end()])
    agent, *_ = build(model, FakeTool(run=run))
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert ran == ["a"]
    assert "ran" in model.requests[1].body().decode()
    extends(model)


async def test_an_error_that_waiting_does_not_cure_fails_the_turn_with_one_sentence() -> None:
    wrong = ModelError("The key was refused.", kind="unauthorized", hint="Set OPENAI_API_KEY.", status=401)
    model = ScriptedModel([wrong], [*message("better"), *end()])
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    done = await client.turn_end(turn_id)
    assert done.status == "failed"
    assert done.error is not None
    assert done.error.message == "The key was refused. Set OPENAI_API_KEY."
    assert len(model.requests) == 1
    turn_id = await more(agent, client, thread_id)
    assert (await client.turn_end(turn_id)).status == "completed"
    extends(model)


async def test_a_bug_ends_the_turn_loudly_and_leaves_a_valid_thread() -> None:
    model = ScriptedModel([*call("a"), RuntimeError("boom")], [*message("better"), *end()])
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    done = await client.turn_end(turn_id)
    assert (done.status, done.error and done.error.code) == ("failed", "internal")
    client.check_cards()
    turn_id = await more(agent, client, thread_id)
    assert (await client.turn_end(turn_id)).status == "completed"


async def test_an_unknown_tool_and_a_failing_tool_are_outputs() -> None:
    async def run(call_: Call, scope: Scope) -> str:
        raise ZeroDivisionError

    model = ScriptedModel([*call("a", "nothing"), *call("b"), *end()], [*message("done"), *end()])
    agent, _, store = build(model, FakeTool(run=run))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    outputs = {item.call_id: item for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)}
    assert outputs["a"].text == "unsupported call: nothing"
    assert outputs["b"].status == "failed"
    client.check_cards()


async def test_a_call_to_a_server_that_was_not_ready_says_so() -> None:
    model = ScriptedModel([*call("a", "mcp__my_notes__find"), *end()], [*message("done"), *end()])
    servers = (McpServer("my"), McpServer("my-notes"), McpServer("off", enabled=False))
    agent, _, store = build(model, mcp_servers=servers)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    (output,) = (item for item in store.load(thread_id)[1] if isinstance(item, ToolOutput))
    assert "MCP server my-notes was not ready" in output.text
    assert output.status == "failed"


async def test_a_change_in_mid_thread_is_appended() -> None:
    model = ScriptedModel([*message("one"), *end()], [*message("two"), *end()])
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    turn = await agent.submit(StartTurn(thread_id, (Text("x"),), Overrides(cwd="/elsewhere")), client)
    assert isinstance(turn, TurnState)
    await client.turn_end(turn.id)
    assert "/elsewhere" in model.requests[1].body().decode()
    extends(model)


async def test_one_turn_at_a_time_and_lists_and_reads() -> None:
    go_on = asyncio.Event()
    agent, *_ = build(ScriptedModel([go_on, *message("one"), *end()]))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "  what   is this ")
    with pytest.raises(RequestRefused, match="running"):
        await more(agent, client, thread_id)
    page = await agent.submit(ListThreads(), client)
    assert isinstance(page, ThreadPage)
    assert [(row.meta.preview, row.status) for row in page.threads] == [("what is this", "active")]
    go_on.set()
    await client.turn_end(turn_id)
    state = await agent.submit(ReadThread(thread_id, include_turns=True), client)
    assert isinstance(state, ThreadState)
    assert [type(card).__name__ for card in state.turns[0].cards] == ["UserCard", "MessageCard"]
    with pytest.raises(RequestRefused, match="no thread"):
        await agent.submit(ReadThread("nope"), client)


async def test_closing_ends_a_running_turn() -> None:
    agent, _, store = build(ScriptedModel([asyncio.Event()]))
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, TurnStarted))
    await agent.close()
    assert (await client.turn_end(turn_id)).status == "interrupted"
    assert isinstance(store.load(thread_id)[1][-1], TurnEnded)


async def test_a_call_without_an_id_gets_one() -> None:
    payload = {"type": "function_call", "name": "echo", "arguments": "{}"}
    done = ItemDone("k", "function_call", payload)
    model = ScriptedModel([done, *end()], [*message("done"), *end()])
    agent, *_ = build(model)
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert client.calls_completed()[0].call_id.startswith("call_")
