"""What was under way when the process died: written beside the thread as it streams, and part of it when it is loaded again."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path

import pytest

from fakes.world import FakeTool, FrozenClock, MemoryStore, RecordingClient, ScriptedModel, begin, build, call, end, message, more
from treadle.adapters.outputs import DiskOutputs
from treadle.core.events import CardDelta
from treadle.core.items import Item, ModelItem, Text, ToolOutput, TurnBegan, TurnEnded, UserMessage, dumps
from treadle.core.ops import InterruptTurn, ReadThread, ResumeThread, SteerTurn
from treadle.core.replies import Delta, ItemBegun
from treadle.core.thread import Thread
from treadle.core.views import MessageCard, ReasoningCard, UserCard
from treadle.runtime import drafts
from treadle.runtime.agent import ThreadState
from treadle.runtime.ports import Call, Scope
from treadle.runtime.repair import LOST, repaired


class Watched(MemoryStore):
    """Says when a draft was written."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote = asyncio.Event()
        self.writes = 0

    def draft(self, thread_id: str, item: Item) -> None:
        super().draft(thread_id, item)
        if not isinstance(item, UserMessage):  # what streams
            self.writes += 1
            self.wrote.set()

    def at_this_moment(self) -> MemoryStore:
        """What another process would find if this one died now."""
        left = MemoryStore()
        left.metas, left.lines, left.drafted = copy.deepcopy((self.metas, self.lines, self.drafted))
        return left


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(drafts, "SECONDS", 0.0)
    return Watched()


async def test_the_words_of_a_message_outlive_the_process_that_heard_them(store: Watched) -> None:
    never = asyncio.Event()
    model = ScriptedModel([ItemBegun("m", "message", {}), Delta("m", "text", "Half "), Delta("m", "text", "a wo"), never])
    agent, *_ = build(model, store=store)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardDelta) and e.text == "a wo")
    while "Half a wo" not in dumps([item.raw for item in store.drafts(thread_id) if isinstance(item, ModelItem)]):
        store.wrote.clear()
        await asyncio.wait_for(store.wrote.wait(), 60)
    left = store.at_this_moment()
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await client.turn_end(turn_id)
    assert store.drafts(thread_id) == []

    second = ScriptedModel([*message("whole"), *end()])
    other, *_ = build(second, store=left)
    state = await other.submit(ResumeThread(thread_id), RecordingClient())
    assert isinstance(state, ThreadState)
    (turn,) = state.turns
    shown = [card for card in turn.cards if isinstance(card, MessageCard)]
    assert [(card.text, card.complete) for card in shown] == [("Half a wo", False)]
    assert turn.status == "interrupted" and left.drafts(thread_id) == []
    again = RecordingClient()
    await again.turn_end(await more(other, again, thread_id, "go on"))
    said = [entry for entry in second.requests[0].parsed()["input"] if entry.get("role") == "assistant"]
    assert said == [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Half a wo"}]}]


async def test_a_message_that_is_complete_leaves_no_draft(store: Watched) -> None:
    gate = asyncio.Event()
    script = message("Hello.")
    agent, *_ = build(ScriptedModel([*script[:2], gate, *script[2:], *end()]), store=store)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await asyncio.wait_for(store.wrote.wait(), 60)
    gate.set()
    await client.turn_end(turn_id)
    writes = store.writes
    await asyncio.sleep(0)
    assert store.drafts(thread_id) == [] and store.writes == writes


async def test_the_last_output_of_a_command_outlives_the_process_too(store: Watched) -> None:
    async def forever(asked: Call, scope: Scope) -> str:
        scope.emit("building…\n" * 2_000 + "linking\n")
        await asyncio.Event().wait()
        return ""

    agent, *_ = build(ScriptedModel([*call("a"), *end()]), FakeTool(run=forever), store=store)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await asyncio.wait_for(store.wrote.wait(), 60)
    left = store.at_this_moment()
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await client.turn_end(turn_id)
    assert store.drafts(thread_id) == []

    other, *_ = build(ScriptedModel(), store=left)
    await other.submit(ResumeThread(thread_id), RecordingClient())
    (output,) = [item for item in left.load(thread_id)[1] if isinstance(item, ToolOutput)]
    assert output.text.startswith(f"{LOST}\nOutput so far (its end):\n") and output.text.endswith("building…\nlinking\n")
    assert (output.status, len(output.text) < 3_000) == ("aborted", True)


async def test_a_store_that_takes_no_draft_stops_no_stream(store: Watched) -> None:
    def refuse(thread_id: str, item: Item) -> None:
        if not isinstance(item, UserMessage):
            store.wrote.set()
            raise OSError("disk full")

    store.draft = refuse  # type: ignore[method-assign]
    gate = asyncio.Event()
    script = message("Hello.")
    agent, *_ = build(ScriptedModel([*script[:2], gate, *script[2:], *end()]), store=store)
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await asyncio.wait_for(store.wrote.wait(), 60)
    gate.set()
    assert (await client.turn_end(turn_id)).status == "completed"


def test_a_long_output_is_said_to_lie_where_it_is(tmp_path: Path) -> None:
    asked = ModelItem("call-item", 1.0, "turn", "function_call", "{}", "a", "exec_command")
    thread = Thread("thread", [TurnBegan("1", 1.0, "turn"), asked])
    outputs = DiskOutputs(tmp_path)
    outputs.open("thread", "call-item").write("much")
    text = f"{LOST}\nOutput so far (its end):\nuch"
    shown = ToolOutput("o", 1.0, "turn", "a", text, status="aborted", detail={"view": "command"})
    output, ended = repaired(thread, FrozenClock(), [shown], outputs)
    assert isinstance(output, ToolOutput) and isinstance(ended, TurnEnded)
    first, second, *rest = output.text.splitlines()
    assert (first, rest) == (LOST, ["Output so far (its end):", "uch"])
    assert second.startswith(f"Beginning of the full output: {tmp_path}/thread/call-item.txt ")
    assert output.detail["spill"] == "call-item.txt"
    (bare, _) = repaired(thread, FrozenClock(), (), outputs)
    assert isinstance(bare, ToolOutput) and bare.text.splitlines()[0] == LOST


async def test_thoughts_that_were_cut_stay_on_the_screen_and_out_of_the_prompt() -> None:
    never = asyncio.Event()
    thinking = [ItemBegun("r", "reasoning", {}), Delta("r", "summary", "Let me"), never]
    model = ScriptedModel(thinking, [*message("done"), *end()])
    agent, *_ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda e: isinstance(e, CardDelta) and e.text == "Let me")
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    await client.turn_end(turn_id)
    client.check_cards()
    state = await agent.submit(ReadThread(thread_id, include_turns=True), client)
    assert isinstance(state, ThreadState)
    assert [card.summary for card in state.turns[0].cards if isinstance(card, ReasoningCard)] == [("Let me",)]
    await client.turn_end(await more(agent, client, thread_id, "go on"))
    assert b"Let me" not in model.requests[1].body()


async def test_what_the_user_said_before_anyone_heard_it_outlives_the_process(store: Watched) -> None:
    gate = asyncio.Event()
    agent, *_ = build(ScriptedModel([*message("one"), gate, *end()], [*message("two"), *end()]), store=store)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client, "first words")
    at_once = store.at_this_moment()
    await client.until(lambda e: isinstance(e, CardDelta))
    await agent.submit(SteerTurn(thread_id, turn_id, (Text("and faster"),)), client)
    steered = store.at_this_moment()
    gate.set()
    await client.turn_end(turn_id)
    assert store.drafts(thread_id) == []

    for left, words in ((at_once, ["first words"]), (steered, ["first words", "and faster"])):
        second = ScriptedModel([*message("three"), *end()])
        other, *_ = build(second, store=left)
        state = await other.submit(ResumeThread(thread_id), RecordingClient())
        assert isinstance(state, ThreadState)
        said = [card.content[0] for card in state.turns[0].cards if isinstance(card, UserCard)]
        assert said == [Text(text) for text in words] and left.drafts(thread_id) == []
        again = RecordingClient()
        assert (await again.turn_end(await more(other, again, thread_id, "go on"))).status == "completed"
        assert all(text.encode() in second.requests[0].body() for text in words)
