"""A turn that waits for the user outlives its process: the same turn goes on in the next one, and no call is run twice."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.world import FakeTool, MemoryStore, RecordingClient, Script, ScriptedModel, begin, build, call, end, message
from treadle.core.asking import DECLINE, Decision, Question, QuestionPart
from treadle.core.errors import RequestRefused
from treadle.core.events import CardCompleted, CardDelta, TurnStarted
from treadle.core.history import TurnState, turns
from treadle.core.items import Item, Text, ToolOutput, TurnEnded, UserMessage
from treadle.core.ops import ContinueTurn, InterruptTurn, ResumeThread, SteerTurn
from treadle.core.policy import RunCommand
from treadle.core.prompt import Request
from treadle.core.replies import Delta, ItemBegun
from treadle.core.thread import Thread
from treadle.core.views import CallCard
from treadle.runtime.agent import Agent, ThreadState
from treadle.runtime.ports import Call, Scope
from treadle.runtime.repair import LOST, NOT_BEGUN

WISH = RunCommand("make", "/ws", escalated=True)


async def never(_asked: Any) -> str:
    await asyncio.Event().wait()
    return "decline"


class Disk(MemoryStore):
    """Remembers what another process would find after each write, had this one died then."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[MemoryStore] = []
        self.looks: list[Any] = []
        self.look: Any = lambda: None

    def append(self, thread_id: str, items: Any) -> None:
        super().append(thread_id, items)
        self.note()

    def draft(self, thread_id: str, item: Item) -> None:
        super().draft(thread_id, item)
        self.note()

    def note(self) -> None:
        self.moments.append(self.now())
        self.looks.append(self.look())

    def now(self) -> MemoryStore:
        left = MemoryStore()
        left.metas, left.lines, left.drafted = copy.deepcopy((self.metas, self.lines, self.drafted))
        return left


@dataclass
class Runs:
    """How often each call was run. `hang`: calls that never end."""

    hang: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    during: Any = lambda: None

    async def __call__(self, call_: Call, scope: Scope) -> str:
        self.counts[call_.call_id] = self.counts.get(call_.call_id, 0) + 1
        self.begun.set()
        self.during()
        if call_.call_id in self.hang:
            await asyncio.Event().wait()
        return f"ran {call_.call_id}"


def tools(runs: Runs) -> tuple[FakeTool, ...]:
    plain, asks = FakeTool("plain", run=runs), FakeTool("asks", run=runs, wish=WISH)
    return plain, asks, FakeTool("alone", run=runs, parallel=False), FakeTool("request_user_input", run=question(runs))


def question(runs: Runs) -> Any:
    async def run(call_: Call, scope: Scope) -> str:
        assert scope.ask is not None
        asked = Question(
            scope.clock.new_id(), call_.thread_id, call_.turn_id, call_.item_id, 0.0, (QuestionPart("a", "", "Which?"),)
        )
        said = await scope.ask(asked)
        return str(said.content)

    return run


async def resumed(store: MemoryStore, thread_id: str, model: ScriptedModel, runs: Runs, client: RecordingClient) -> Agent:
    agent, *_ = build(model, *tools(runs), store=store)
    state = await agent.submit(ResumeThread(thread_id, goes_on=True), client)
    assert isinstance(state, ThreadState)
    return agent


def outputs(store: MemoryStore, thread_id: str) -> dict[str, ToolOutput]:
    return {item.call_id: item for item in store.load(thread_id)[1] if isinstance(item, ToolOutput)}


@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "killed"])
async def test_a_question_is_asked_again_and_the_same_turn_goes_on(orderly: bool) -> None:
    disk, runs = Disk(), Runs()
    first = ScriptedModel([*message("I will."), *call("a", "asks"), *end()])
    agent, *_ = build(first, *tools(runs), store=disk)
    client = RecordingClient(never)
    thread_id, turn_id = await begin(agent, client)
    await client.until_asked()
    left = disk.now()
    await agent.close()
    second, again = ScriptedModel([*message("Done."), *end()]), RecordingClient(lambda asked: Decision("accept", "thread"))
    other = await resumed(disk.now() if orderly else left, thread_id, second, runs, again)
    done = await again.turn_end(turn_id)
    assert (done.status, runs.counts, len(again.asked)) == ("completed", {"a": 1}, 1)
    assert again.asked[0].turn_id == turn_id
    assert not any(isinstance(event, TurnStarted) for event in again.events), "it is the turn that the client knows"
    assert second.requests[0].prefix().startswith(first.requests[0].prefix())
    store: Any = other._world.store
    items = store.load(thread_id)[1]
    assert [turn.status for turn in turns(items)] == ["completed"]
    output = outputs(store, thread_id)["a"]
    assert (output.text, output.answer and output.answer["verdict"]) == ("ran a", "accept")
    card = next(e.card for e in again.events if isinstance(e, CardCompleted) and isinstance(e.card, CallCard))
    assert card.answer == output.answer == next(c for c in turns(items)[0].cards if isinstance(c, CallCard)).answer
    assert store.drafts(thread_id) == []
    await other.close()


async def test_a_client_that_cannot_go_on_finds_the_turn_interrupted_and_its_call_not_run() -> None:
    disk, runs = Disk(), Runs()
    agent, *_ = build(ScriptedModel([*call("a", "asks"), *end()]), *tools(runs), store=disk)
    client = RecordingClient(never)
    thread_id, _ = await begin(agent, client)
    await client.until_asked()
    await agent.close()
    other, *_ = build(ScriptedModel(), *tools(runs), store=disk)
    state = await other.submit(ResumeThread(thread_id), RecordingClient())
    assert isinstance(state, ThreadState)
    assert [turn.status for turn in state.turns] == ["interrupted"]
    assert (outputs(disk, thread_id)["a"].text, runs.counts) == (NOT_BEGUN, {})
    await other.close()


async def test_a_question_of_the_model_is_asked_again() -> None:
    disk, runs = Disk(), Runs()
    agent, *_ = build(ScriptedModel([*call("a", "request_user_input"), *end()]), *tools(runs), store=disk)
    client = RecordingClient(never)
    thread_id, turn_id = await begin(agent, client)
    await client.until_asked()
    await agent.close()
    again = RecordingClient(lambda asked: Decision("accept", content={"a": ["that one"]}))
    other = await resumed(disk, thread_id, ScriptedModel([*message("Good."), *end()]), runs, again)
    assert (await again.turn_end(turn_id)).status == "completed"
    assert outputs(disk, thread_id)["a"].text == "{'a': ['that one']}"
    await other.close()


@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "killed"])
async def test_a_call_that_had_begun_beside_the_question_is_not_run_again(orderly: bool) -> None:
    disk, runs = Disk(), Runs(hang=("b",))
    agent, *_ = build(ScriptedModel([*call("a", "asks"), *call("b", "plain"), *end()]), *tools(runs), store=disk)
    client = RecordingClient(never)
    thread_id, turn_id = await begin(agent, client)
    await client.until_asked()
    await runs.begun.wait()
    left = disk.now()
    await agent.close()
    again = RecordingClient()
    other = await resumed(disk.now() if orderly else left, thread_id, ScriptedModel([*message("ok"), *end()]), runs, again)
    assert (await again.turn_end(turn_id)).status == "completed"
    assert runs.counts == {"a": 1, "b": 1}
    store: Any = other._world.store
    text = outputs(store, thread_id)["b"].text
    assert text.startswith("aborted, because Treadle was closed, after") if orderly else text == LOST
    await other.close()


async def test_what_the_user_said_while_a_question_waited_is_heard_when_the_turn_goes_on() -> None:
    disk, runs = Disk(), Runs()
    agent, *_ = build(ScriptedModel([*call("a", "asks"), *end()]), *tools(runs), store=disk)
    client = RecordingClient(never)
    thread_id, turn_id = await begin(agent, client)
    await client.until_asked()
    await agent.submit(SteerTurn(thread_id, turn_id, (Text("and hurry"),)), client)
    await agent.close()
    again, model = RecordingClient(), ScriptedModel([*message("ok"), *end()])
    other = await resumed(disk, thread_id, model, runs, again)
    await again.turn_end(turn_id)
    said = [part.text for item in disk.load(thread_id)[1] if isinstance(item, UserMessage) for part in item.content]  # type: ignore[union-attr]
    assert said == ["hi", "and hurry"]
    assert model.requests[0].prefix().count(b"and hurry") == 1
    await other.close()


async def test_a_turn_that_was_taken_up_can_be_interrupted() -> None:
    disk, runs = Disk(), Runs()
    agent, *_ = build(ScriptedModel([*call("a", "asks"), *end()]), *tools(runs), store=disk)
    client = RecordingClient(never)
    thread_id, turn_id = await begin(agent, client)
    await client.until_asked()
    await agent.close()
    again = RecordingClient(never)
    other = await resumed(disk, thread_id, ScriptedModel(), runs, again)
    await again.until_asked()
    await other.submit(InterruptTurn(thread_id, turn_id), again)
    assert (await again.turn_end(turn_id)).status == "interrupted"
    assert runs.counts == {}
    await other.close()
    assert Thread(thread_id, disk.load(thread_id)[1]).open_turn is None


async def test_a_turn_in_mid_work_is_stopped_with_the_process_and_continued_when_the_user_wants() -> None:
    disk, runs = Disk(), Runs()
    first = ScriptedModel([ItemBegun("m", "message", {}), Delta("m", "text", "Half a wo"), asyncio.Event()])
    agent, *_ = build(first, *tools(runs), store=disk)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda event: isinstance(event, CardDelta))
    await agent.close()
    second, again = ScriptedModel([*message("rest"), *end()]), RecordingClient()
    other = await resumed(disk, thread_id, second, runs, again)
    last = disk.load(thread_id)[1][-1]
    assert isinstance(last, TurnEnded)
    assert (last.status, last.error and last.error["message"]) == (
        "interrupted",
        "Treadle was closed while this turn was running.",
    )
    turn = await other.submit(ContinueTurn(thread_id), again)
    assert isinstance(turn, TurnState)
    assert turn.id != turn_id
    assert (await again.turn_end(turn.id)).status == "completed"
    body = second.requests[0].prefix()
    assert body.startswith(first.requests[0].prefix())
    assert b"Half a wo" in body
    assert b"the program that runs you ended" in body
    assert b"The user asks you to go on where the last turn was cut off." in body
    with pytest.raises(RequestRefused, match="nothing to go on with"):
        await other.submit(ContinueTurn(thread_id), again)
    await other.close()


step = st.lists(st.sampled_from(["plain", "asks", "alone", "request_user_input"]), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(st.lists(step, min_size=1, max_size=2), st.lists(st.sampled_from(["accept", "decline"]), max_size=4), st.data())
def test_killed_at_any_write_or_in_any_call_no_call_is_run_twice_and_the_prompt_only_grows(
    schedule: list[list[str]], said: list[str], data: st.DataObject
) -> None:
    asyncio.run(_killed(schedule, said, data))


async def _killed(schedule: list[list[str]], said: list[str], data: st.DataObject) -> None:
    scripts: list[Script] = []
    for at, names in enumerate(schedule):
        calls = [event for n, name in enumerate(names) for event in call(f"c{at}{n}", name)]
        scripts.append([*calls, *end()])
    closing: Script = [*message("done"), *end()]
    disk, runs, answers = Disk(), Runs(), iter(said)
    first = ScriptedModel(*copy.deepcopy(scripts), list(closing))
    disk.look = lambda: (dict(runs.counts), list(first.requests))
    runs.during = disk.note
    agent, *_ = build(first, *tools(runs), store=disk)

    async def slow(asked: Any) -> str:
        for _ in range(50):  # other calls run meanwhile
            await asyncio.sleep(0)
        return next(answers, "accept")

    client = RecordingClient(slow)
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    await agent.close()
    at = data.draw(st.integers(0, len(disk.moments) - 1))
    left, (ran, requests) = disk.moments[at], disk.looks[at]
    second, more = ScriptedModel(*[list(closing) for _ in range(len(scripts) + 2)]), Runs()
    again = RecordingClient()
    other = await resumed(left, thread_id, second, more, again)
    if (turn := (await _last(other, thread_id))) is not None:
        assert (await again.turn_end(turn)).status == "completed"
    assert not set(ran) & set(more.counts), "run twice"
    assert all(count == 1 for count in (*ran.values(), *more.counts.values()))
    chain: list[Request] = [*requests, *second.requests]
    assert all(later.prefix().startswith(before.prefix()) for before, later in pairwise(chain))
    await other.close()
    thread = Thread(thread_id, left.load(thread_id)[1])
    assert (thread.unanswered, thread.open_turn) == ((), None)
    assert sum(isinstance(item, UserMessage) for item in thread.items) <= 1, "what was said is there once"


async def _last(agent: Agent, thread_id: str) -> str | None:
    loaded = agent._loaded[thread_id]
    return loaded.runner.turn_id if loaded.runner is not None else None


async def test_a_declined_question_keeps_what_was_said() -> None:
    disk, runs = Disk(), Runs()
    agent, *_ = build(ScriptedModel([*call("a", "asks"), *end()], [*message("ok"), *end()]), *tools(runs), store=disk)
    client = RecordingClient(lambda asked: Decision("decline", words="rather not") if asked else DECLINE)
    thread_id, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    assert outputs(disk, thread_id)["a"].answer == {"verdict": "decline", "words": "rather not"}
    await agent.close()
