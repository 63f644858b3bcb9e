"""The projection says exactly what the contract declares."""

from __future__ import annotations

import json

import pytest

from fakes.samples import APPROVALS, CARDS, EVENTS, ROW, STATES, T, U
from treadle.core import asking
from treadle.core import events as e
from treadle.server import project, questions
from treadle.server.wire.methods import SERVER_NOTIFICATIONS, SERVER_REQUESTS
from treadle.server.wire.thread import Thread, ThreadResumeResponse, ThreadStartResponse


def messages(*events: e.Event, projector: project.Projector | None = None) -> list[dict]:
    return [json.loads(text) for text in (projector or project.Projector()).texts(events, 5)]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_is_said_as_the_contract_declares(event: e.Event) -> None:
    for message in messages(event):
        assert set(message) == {"method", "params", "emittedAtMs"}
        SERVER_NOTIFICATIONS[message["method"]].model_validate(message["params"])


def test_every_notification_of_the_contract_but_those_of_answers_is_said_for_some_event() -> None:
    said = {message["method"] for message in messages(*EVENTS)}
    not_of_events = {
        "thread/started",
        "thread/archived",
        "thread/deleted",
        "thread/unarchived",
        "serverRequest/resolved",
    }
    assert said == set(SERVER_NOTIFICATIONS) - not_of_events


def test_a_delta_keeps_every_character_of_its_text() -> None:
    text = 'quotes " and \\ \n\t, é, 漢, \U0001f9f5 and half a pair \ud83e'
    for kind in ("text", "reasoning", "summary", "output", "input"):
        [message] = messages(e.CardDelta(T, U, "m1", kind, text))
        assert message["params"]["delta"] == text


def test_deltas_of_one_item_keep_their_indexes_apart() -> None:
    said = messages(*(e.CardDelta(T, U, "r1", "summary", str(index), index) for index in (0, 1, 0)))
    assert [(m["params"]["summaryIndex"], m["params"]["delta"]) for m in said] == [(0, "0"), (1, "1"), (0, "0")]


def test_live_output_of_a_tool_is_not_said_to_be_of_a_command() -> None:
    tool = next(card for card in CARDS if card.id == "t1")
    delta = e.CardDelta(T, U, "t1", "output", "x")
    assert messages(e.CardStarted(T, U, tool, 0.0), delta)[-1]["method"] == "treadle/item/outputDelta"
    assert messages(delta)[-1]["method"] == "item/commandExecution/outputDelta"


def test_what_the_client_opted_out_of_is_not_said() -> None:
    projector = project.Projector(silenced=["item/agentMessage/delta", "turn/started"])
    events = [e.TurnStarted(T, U, 0.0), e.CardDelta(T, U, "m", "text", "x"), e.CardDelta(T, U, "m", "reasoning", "y")]
    assert [m["method"] for m in messages(*events, projector=projector)] == ["item/reasoning/textDelta"]


def test_a_projector_forgets_items_that_are_complete() -> None:
    projector = project.Projector()
    for index in range(100):
        card = CARDS[1].__class__(f"m{index}", "x")
        events = [e.CardStarted(T, U, card, 0.0), e.CardDelta(T, U, card.id, "text", "x"), e.CardCompleted(T, U, card, 0.0)]
        projector.texts(events, 0)
    assert not projector._prefixes


@pytest.mark.parametrize("approval", APPROVALS, ids=lambda approval: approval.id)
def test_a_question_is_put_as_the_contract_declares(approval: asking.Asked) -> None:
    method, params = questions.request(approval)
    SERVER_REQUESTS[method][0].model_validate(params)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.settings.sandbox.mode)
def test_a_thread_is_said_as_the_contract_declares(state) -> None:
    ThreadStartResponse.model_validate(project.settings_in_force(state, with_turns=False))
    pages = dict.fromkeys(("collaborationMode", "initialTurnsPage", "turnsBackwardsCursor", "itemsBackwardsCursor"))
    ThreadResumeResponse.model_validate(project.settings_in_force(state, with_turns=True) | pages)
    Thread.model_validate(project.thread(ROW))


def test_a_command_that_ended_badly_is_said_to_have_failed() -> None:
    command = next(card for card in CARDS if card.id == "c1")
    view = command.view | {"exit_code": 2}
    item = project.thread_item(type(command)("c1", "x", "k", view, "completed"))
    assert (item["status"], item["exitCode"]) == ("failed", 2)
