"""Items of a reply whose end never comes, although the reply's own end does: their cards are ended, their words are kept."""

from __future__ import annotations

import json

from fakes.world import RecordingClient, ScriptedModel, begin, build, end, message, more
from treadle.core.events import CardCompleted, CardStarted
from treadle.core.replies import Delta, ItemBegun
from treadle.core.views import MessageCard


def _words(client: RecordingClient) -> list[str]:
    cards = [event.card for event in client.events if isinstance(event, CardCompleted)]
    return [card.text for card in cards if isinstance(card, MessageCard)]


async def test_a_message_whose_end_is_lost_is_ended_with_the_reply_and_the_model_is_shown_its_words() -> None:
    half = [ItemBegun("m", "message", {"type": "message"}), Delta("m", "text", "half a word")]
    model = ScriptedModel([*half, *end()], [*message("whole"), *end()])
    agent, _, _ = build(model)
    client = RecordingClient()
    thread_id, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    client.check_cards()
    await client.turn_end(await more(agent, client, thread_id))
    assert _words(client) == ["half a word", "whole"]
    assert "half a word" in json.dumps(model.requests[1].parsed()["input"])
    await agent.close()


async def test_what_began_as_one_kind_and_ends_as_another_is_two_cards() -> None:
    begun = [ItemBegun("0", "reasoning", {"type": "reasoning"}), Delta("0", "summary", "why")]
    model = ScriptedModel([*begun, message("words", "0")[-1], *end()])
    agent, _, _ = build(model)
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    client.check_cards()
    started = [event.card for event in client.events if isinstance(event, CardStarted)]
    completed = {event.card.id: type(event.card) for event in client.events if isinstance(event, CardCompleted)}
    assert all(completed[card.id] is type(card) for card in started)
    assert _words(client) == ["words"]
    await agent.close()


async def test_a_message_that_another_one_pushes_from_its_place_is_ended_first() -> None:
    first = [ItemBegun("0", "message", {"type": "message"}), Delta("0", "text", "one")]
    model = ScriptedModel([*first, *message("two", "0"), *end()])
    agent, _, _ = build(model)
    client = RecordingClient()
    _, turn_id = await begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    client.check_cards()
    assert _words(client) == ["one", "two"]
    await agent.close()
