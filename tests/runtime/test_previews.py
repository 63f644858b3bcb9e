"""The card of a patch while it is being written: begun once, shown anew twice a second, completed once, whatever happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.world import FakeTool, RecordingClient, ScriptedModel, begin, build, end, message
from treadle.core.errors import ModelError, ToolFailure
from treadle.core.events import CardCompleted, CardStarted, PatchPreviewed
from treadle.core.items import dumps
from treadle.core.ops import InterruptTurn, ReadThread
from treadle.core.replies import Delta, ItemBegun, ItemDone
from treadle.core.views import CallCard
from treadle.runtime.answers import ThreadState
from treadle.runtime.ports import Call, Plan, Scope

PIECES = ["*** Begin Patch\n*** Add Fi", "le: a.py\n", "+one\n", "+two\n", "*** Delete File: b.py\n", "*** End Patch"]


class PatchTool(FakeTool):
    """A patch tool that understands what it is told to."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__("apply_patch")
        self.fails = fails

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        if self.fails:
            raise ToolFailure("it does not fit")
        return Plan({"view": "file_change", "changes": [{"path": "/ws/a.py", "kind": "add", "diff": "whole\n"}]}, self.wish)


class Stepping:
    """The monotonic clock of a test: `step` seconds later at each piece."""

    def __init__(self, step: float) -> None:
        self.step, self.time = step, 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


def arriving(*, custom: bool = True, whole: bool = True) -> list[Any]:
    kind, key = ("custom_tool_call", "input") if custom else ("function_call", "arguments")
    text = "".join(PIECES)
    sent = PIECES if custom else [dumps({"input": text})[at : at + 10] for at in range(0, len(dumps({"input": text})), 10)]
    payload = {"type": kind, "call_id": "c1", "name": "apply_patch", key: text if custom else dumps({"input": text})}
    begun = {"type": kind, "call_id": "c1", "name": "apply_patch"}
    done = [ItemDone("k", kind, payload)] if whole else []
    return [ItemBegun("k", kind, begun), *(Delta("k", "input", piece) for piece in sent), *done]


def of_call(client: RecordingClient) -> list[Any]:
    kinds = (CardStarted, PatchPreviewed, CardCompleted)
    return [e for e in client.events if isinstance(e, kinds) and (isinstance(e, PatchPreviewed) or isinstance(e.card, CallCard))]


def paths(event: PatchPreviewed) -> list[str]:
    return [change["path"] for change in event.changes]


@pytest.mark.parametrize("custom", [True, False])
async def test_a_patch_is_shown_as_it_arrives_and_its_card_has_one_start_and_one_end(custom: bool) -> None:
    model = ScriptedModel([*arriving(custom=custom), *end()], [*message("done"), *end()])
    agent, clock, _ = build(model, PatchTool())
    clock.monotonic = Stepping(1.0)  # type: ignore[method-assign]
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    client.check_cards()
    events = of_call(client)
    assert isinstance(events[0], CardStarted) and isinstance(events[-1], CardCompleted)
    previews = events[1:-1]
    assert all(isinstance(event, PatchPreviewed) and event.card_id == events[0].card.id for event in previews)
    assert [paths(event) for event in previews[-2:]] == [["/ws/a.py", "/ws/b.py"], ["/ws/a.py"]]
    assert previews[0].changes[0]["diff"] == ""
    assert events[-1].card.view["changes"][0]["diff"] == "whole\n"
    await agent.close()


async def test_no_more_than_two_previews_a_second() -> None:
    model = ScriptedModel([*arriving(), *end()], [*message("done"), *end()])
    agent, clock, _ = build(model, PatchTool())
    clock.monotonic = Stepping(0.2)  # type: ignore[method-assign]
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    previews = [event for event in of_call(client) if isinstance(event, PatchPreviewed)]
    assert len(previews) == 3
    await agent.close()


async def test_a_patch_that_does_not_fit_ends_the_card_that_was_begun() -> None:
    model = ScriptedModel([*arriving(), *end()], [*message("sorry"), *end()])
    agent, _, _ = build(model, PatchTool(fails=True))
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    client.check_cards()
    card = client.calls_completed()[0]
    assert (card.status, card.view.get("view")) == ("failed", "file_change")
    assert [change["path"] for change in card.view.get("changes", [])] == ["/ws/a.py", "/ws/b.py"]
    await agent.close()


async def test_a_stream_that_dies_ends_the_card_and_the_next_attempt_has_its_own() -> None:
    cut = ModelError("cut", kind="stream_cut", retryable=True)
    model = ScriptedModel([*arriving(whole=False), cut], [*arriving(), *end()], [*message("done"), *end()])
    agent, _, _ = build(model, PatchTool())
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    await client.turn_end(turn_id)
    client.check_cards()
    assert [card.status for card in client.calls_completed()] == ["aborted", "completed"]
    await agent.close()


async def test_an_interrupt_while_a_patch_arrives_ends_its_card() -> None:
    model = ScriptedModel([*arriving(whole=False), asyncio.Event()])
    agent, _, _ = build(model, PatchTool())
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    await client.until(lambda event: isinstance(event, PatchPreviewed))
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    client.check_cards()
    (announced,) = client.calls_completed()
    state = await agent.submit(ReadThread(thread_id, include_turns=True), client)
    assert isinstance(state, ThreadState) and announced in state.turns[0].cards
    await agent.close()
