"""A message that waits with settings that nobody can read: it is shown, kept, never run, and in nobody's way."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.world import RecordingClient, ScriptedModel, build, end, message, more
from treadle.core.errors import RequestRefused
from treadle.core.events import CardCompleted, TurnCompleted, WarningReported
from treadle.core.items import Text
from treadle.core.ops import ArchiveThread, ResumeThread, StartThread
from treadle.core.queue import DeleteQueued, ListQueued, Queued, StartQueued
from treadle.core.views import UserCard
from treadle.runtime.agent import ThreadState
from treadle.runtime.answers import QueuePage

SAID = [*message("ok"), *end()]


def said(client: RecordingClient) -> list[str]:
    """What the user said, as it was shown."""
    cards = [event.card for event in client.events if isinstance(event, CardCompleted)]
    return [part.text for card in cards if isinstance(card, UserCard) for part in card.content if isinstance(part, Text)]


@pytest.mark.parametrize(
    "settings",
    [
        {"sandbox": "danger-full-access"},
        {"sandbox": {"mode": "read-only", "writable_roots": "/"}},
        {"sandbox": {"mode": "free"}},
        {"roots": 5},
        {"roots": [5]},
        {"base_instructions": ["x"]},
        {"approval_policy": {"never": True}},
        {"ask_before_edits": "no"},
        {"config": []},
        {"of_a_later_version": 1},
    ],
)
async def test_a_message_with_damaged_settings_is_shown_and_not_run_and_holds_up_nobody(settings: dict[str, Any]) -> None:
    agent, _, store = build(ScriptedModel(SAID, SAID))
    client = RecordingClient()
    state = await agent.submit(StartThread(), client)
    assert isinstance(state, ThreadState)
    thread_id = state.meta.id
    await agent.submit(ArchiveThread(thread_id, True), client)
    store.queue.put(thread_id, Queued("bad", 1.0, (Text("damaged"),), None, settings))
    store.queue.put(thread_id, Queued("good", 2.0, (Text("whole"),), None, {}))
    await agent.submit(ResumeThread(thread_id), client)
    with pytest.raises(RequestRefused, match=r"bad are damaged.*: delete it"):
        await agent.submit(StartQueued(thread_id), client)
    await more(agent, client, thread_id, "one")
    await client.until(lambda _: sum(isinstance(event, TurnCompleted) for event in client.events) == 2)
    assert said(client) == ["one", "whole"]
    page = await agent.submit(ListQueued(thread_id), client)
    assert isinstance(page, QueuePage)
    assert [queued.content for queued in page.queued] == [(Text("damaged"),)]
    assert [queued.content for queued in store.queue.of(thread_id)] == [(Text("damaged"),)]
    told = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert told and all("damaged" in words and words.endswith(".") for words in told)
    assert await agent.submit(DeleteQueued(thread_id, "bad"), client) is True
