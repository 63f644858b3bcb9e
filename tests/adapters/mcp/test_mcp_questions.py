"""What servers ask the user: in a call, without one, and for longer than the call may take."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from fakes.mcp_stand import LONG, Stand
from treadle.core.asking import ACCEPT, CANCEL, DECLINE, Decision
from treadle.core.elicitation import McpQuestion
from treadle.core.errors import ToolFailure


class User:
    """Answers what it is asked, when it is told to."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[McpQuestion] = []
        self.was_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.ended = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, question: McpQuestion) -> Decision:
        self.asked.append(question)
        self.was_asked.set()
        try:
            await self.may_answer.wait()
        finally:
            self.ended.set()
        return self.decision


def told(result: dict) -> dict:
    return json.loads(result["content"][0]["text"])


async def test_a_form_in_the_middle_of_a_call_is_put_and_its_answer_sent(stand: Stand) -> None:
    stand.ask = user = User(Decision("accept", content={"name": "Ada", "more": "x"}))
    assert told(await stand.call(stand.rogue("asks"), "run")) == {"action": "accept", "content": {"name": "Ada"}}
    (question,) = user.asked
    assert (question.server, question.message) == ("rogue", "Who are you?")
    assert question.schema["required"] == ["name"]


@pytest.mark.parametrize(("decision", "action"), [(DECLINE, "decline"), (CANCEL, "cancel"), (ACCEPT, "decline")])
async def test_a_no_and_an_answer_without_what_is_required_are_told(stand: Stand, decision: Decision, action: str) -> None:
    stand.ask = User(decision)
    assert told(await stand.call(stand.rogue("asks"), "run"))["action"] == action


async def test_where_nobody_may_be_asked_the_answer_is_no(stand: Stand) -> None:
    assert told(await stand.call(stand.rogue("asks"), "run"))["action"] == "decline"


async def test_an_address_is_put_to_the_user(stand: Stand) -> None:
    stand.ask = user = User(ACCEPT)
    assert told(await stand.call(stand.rogue("sends"), "run"))["action"] == "accept"
    assert (user.asked[0].url, user.asked[0].elicitation_id) == ("https://pay.example/1", "e1")


async def test_a_server_that_refuses_until_an_address_was_opened_sends_the_user_there(stand: Stand) -> None:
    stand.ask = user = User(ACCEPT)
    with pytest.raises(ToolFailure, match="needs the user to do something in the browser first, who was sent there"):
        await stand.call(stand.rogue("needs_url"), "run")
    assert user.asked[0].url == "https://login.example/"
    stand.ask = None
    with pytest.raises(ToolFailure, match="who declined"):
        await stand.call(stand.rogue("needs_url"), "run")


async def test_the_time_of_a_call_stands_still_while_the_user_thinks(stand: Stand, time_passes: Callable[[float], None]) -> None:
    stand.ask = user = User(Decision("accept", content={"name": "Ada"}))
    user.may_answer.clear()
    server = replace(stand.rogue("asks"), tool_timeout=LONG)
    call = asyncio.ensure_future(stand.call(server, "run"))
    await user.was_asked.wait()
    time_passes(2 * LONG)
    _, late = await asyncio.wait([call], timeout=0.1)
    assert late
    user.may_answer.set()
    assert told(await call)["action"] == "accept"


async def test_a_call_that_is_stopped_takes_its_question_back(stand: Stand) -> None:
    stand.ask = user = User(ACCEPT)
    user.may_answer.clear()
    call = asyncio.ensure_future(stand.call(stand.rogue("asks"), "run"))
    await user.was_asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await user.ended.wait()


async def test_a_server_that_keeps_asking_is_declined_at_last(stand: Stand) -> None:
    stand.ask = user = User(Decision("accept", content={"name": "Ada"}))
    assert told(await stand.call(stand.rogue("keeps_asking"), "run"))["action"] == "decline"
    assert len(user.asked) == 20


async def test_a_question_without_a_call_goes_to_who_uses_the_server(stand: Stand) -> None:
    stand.outside = user = User(Decision("accept", content={"name": "Ada"}))
    stand.pool.start(stand.settings(stand.rogue("outside")))
    assert json.loads(await stand.until("answered")) == {"action": "accept", "content": {"name": "Ada"}}
    assert user.asked[0].message == "Who?"


async def test_a_question_without_a_call_and_without_anybody_is_declined(stand: Stand) -> None:
    stand.pool.start(stand.settings(stand.rogue("outside")))
    assert json.loads(await stand.until("answered"))["action"] == "decline"
