"""The whole sidecar in one process while its threads are compacted: what the model is sent afterwards is compared with texts that
were reviewed, and nothing that the provider does wrong stops the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes import custom, error, reply, said, text
from fakes.place import Place
from fakes.replies import Reply
from fakes.responses import ModelServer
from fakes.snapshots import snapshot
from fakes.world import RecordingClient, more
from treadle.core.events import CardCompleted, ErrorReported, UsageUpdated, WarningReported
from treadle.core.ops import CompactThread, ReadSummary, ResumeThread, WriteNotes, WriteSummary
from treadle.core.views import SummaryCard
from treadle.runtime.agent import Agent

PATCH = "*** Begin Patch\n*** Update File: hello.py\n@@\n-print('helo')\n+print('hello')\n*** End Patch"
FULL: dict[str, Any] = {"input_tokens": 18_000, "output_tokens": 500}
"Over nine tenths of a window of 20,000 tokens."
SUMMARY = """# Goal
Fix the typo in hello.py (done), then run it (not begun).

# Decisions
none

# Files touched
hello.py: `helo` became `hello`.

# Commands and results
none

# Open items
Run hello.py."""


def prepared(folder: Path, server: ModelServer, provider: str = "", top: str = "model_context_window = 20000") -> Place:
    place = Place(folder, server, provider=f"{provider}\nrequest_max_retries = 0", top=top)
    (place.workspace / "hello.py").write_text("print('helo')\n")
    (place.workspace / "AGENTS.md").write_text("Use spaces.")
    return place


async def begin(place: Place, agent: Agent, client: RecordingClient, words: str, notes: tuple[str, ...] = ()) -> tuple[str, str]:
    thread_id = await place.open(agent, client)
    if notes:
        await agent.submit(WriteNotes(thread_id, notes), client)
    return thread_id, await more(agent, client, thread_id, words)


def summary_cards(client: RecordingClient) -> int:
    return sum(isinstance(event, CardCompleted) and isinstance(event.card, SummaryCard) for event in client.events)


async def test_the_prompt_after_a_summary_by_the_model(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script(
        [
            reply(custom("apply_patch", PATCH)),
            reply(text("Fixed."), usage=FULL),
            reply(text(SUMMARY)),
            reply(text("It says hello.")),
        ]
    )
    model_server.moves_prefix("compaction")
    place, client = prepared(tmp_path, model_server), RecordingClient()
    agent = place.agent()
    thread_id, turn = await begin(place, agent, client, "Fix the typo.", notes=("Never touch gen/.",))
    assert (await client.turn_end(turn)).status == "completed"
    turn = await more(agent, client, thread_id, "Now run it.")
    assert (await client.turn_end(turn)).status == "completed"
    snapshot("compaction_asked.txt", place.readable(model_server.requests[2].json))
    snapshot("compaction_local.txt", place.readable(model_server.requests[3].json))
    assert summary_cards(client) == 1
    client.check_cards()
    await agent.close()


async def test_the_prompt_after_a_compaction_by_the_provider(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text("Fixed."), usage=FULL), reply(text("It says hello."))])
    kept = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix the typo."}]}
    secret = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAAB-opaque", "created_by": "model"}
    model_server.compactions = [[kept, secret]]
    model_server.moves_prefix("compaction")
    place, client = prepared(tmp_path, model_server, "supports_compaction = true"), RecordingClient()
    agent = place.agent()
    thread_id, turn = await begin(place, agent, client, "Fix the typo.")
    assert (await client.turn_end(turn)).status == "completed"
    turn = await more(agent, client, thread_id, "Now run it.")
    assert (await client.turn_end(turn)).status == "completed"
    first, after = (request.json for request in model_server.requests)
    assert after["input"][:2] == [kept, secret]
    assert model_server.compacted[0].json["input"][: len(first["input"])] == first["input"]
    snapshot("compaction_endpoint.txt", place.readable(after))
    await agent.close()


BAD: dict[str, Reply | list[dict[str, Any]]] = {
    "404": error(404, said("nothing here")),
    "500": error(500, said("it broke")),
    "garbage": error(200, b"<html>not json"),
    "empty": [],
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
async def test_whatever_the_endpoint_answers_the_thread_works_on(
    answer: Reply | list[dict[str, Any]], tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.script([reply(text("One."), usage=FULL), reply(text(SUMMARY)), reply(text("Two.")), reply(text("Three."))])
    model_server.compactions = [answer]
    model_server.moves_prefix("compaction")
    place, client = prepared(tmp_path, model_server, "supports_compaction = true"), RecordingClient()
    agent = place.agent()
    thread_id, turn = await begin(place, agent, client, "one")
    await client.turn_end(turn)
    for words in ("two", "three"):
        turn = await more(agent, client, thread_id, words)
        assert (await client.turn_end(turn)).status == "completed"
    warned = [event.message for event in client.events if isinstance(event, WarningReported) and "compact" in event.message]
    assert len(warned) == (answer is not BAD["404"])
    assert not [event for event in client.events if isinstance(event, ErrorReported)]
    state: Any = await agent.submit(ReadSummary(thread_id), client)
    assert (state.kind, SUMMARY in state.text) == ("local", True)
    await agent.close()


async def test_an_overflow_is_compacted_and_asked_again_in_the_same_turn(tmp_path: Path, model_server: ModelServer) -> None:
    too_long = error(400, said("Your input exceeds the context window of this model.", "context_length_exceeded"))
    model_server.script([reply(text("One.")), too_long, reply(text(SUMMARY)), reply(text("Two."))])
    model_server.moves_prefix("the request for a summary leaves out what was too much")
    model_server.moves_prefix("compaction")
    place, client = prepared(tmp_path, model_server), RecordingClient()
    agent = place.agent()
    thread_id, turn = await begin(place, agent, client, "one")
    await client.turn_end(turn)
    turn = await more(agent, client, thread_id, "two")
    assert (await client.turn_end(turn)).status == "completed"
    last = str(model_server.requests[3].json["input"])
    assert "Use spaces." in last
    assert "Open items" in last
    assert last.index("'two'") < last.index("Open items")
    await agent.close()


async def test_a_killed_sidecar_goes_on_after_a_compaction_with_the_same_bytes(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text(SUMMARY)), reply(text("Two.")), reply(text("Three."))])
    model_server.moves_prefix("compaction")
    place, client = prepared(tmp_path, model_server), RecordingClient()
    agent = place.agent()
    thread_id, turn = await begin(place, agent, client, "one", notes=("Keep this.",))
    await client.turn_end(turn)
    turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
    assert (await client.turn_end(turn)).status == "completed"
    await agent.submit(WriteSummary(thread_id, "Mine."), client)
    await agent.close()
    agent, client = place.agent(), RecordingClient()
    await agent.submit(ResumeThread(thread_id), client)
    for words in ("two", "three"):
        turn = await more(agent, client, thread_id, words)
        assert (await client.turn_end(turn)).status == "completed"
    told = str(model_server.requests[2].json["input"])
    assert "Mine." in told
    assert "Keep this." in told
    assert SUMMARY not in told
    await agent.close()


async def test_a_prompt_of_the_user_s_own_asks_for_the_summary(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text("short"))])
    place, client = prepared(tmp_path, model_server, top='compact_prompt = "Just say what is left."'), RecordingClient()
    agent = place.agent()
    thread_id, turn = await begin(place, agent, client, "one")
    await client.turn_end(turn)
    turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
    await client.turn_end(turn)
    assert model_server.requests[1].json["input"][-1]["content"][0]["text"] == "Just say what is left."
    await agent.close()


async def test_a_model_with_no_known_window_works_in_an_assumed_one_and_says_so_once(
    tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.script([reply(text("One.")), reply(text("Two."))])
    place, client = prepared(tmp_path, model_server, top=""), RecordingClient()
    agent = place.agent(model="somebody/else")
    thread_id, turn = await begin(place, agent, client, "one")
    assert (await client.turn_end(turn)).status == "completed"
    turn = await more(agent, client, thread_id, "two")
    assert (await client.turn_end(turn)).status == "completed"
    (warning,) = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert "somebody/else" in warning
    assert "model_context_window" in warning
    assert {event.context_window for event in client.events if isinstance(event, UsageUpdated)} == {128_000}
    await agent.close()


async def test_what_is_in_use_is_told_after_a_compaction(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text("One."), usage={"input_tokens": 9_000, "output_tokens": 500}), reply(text(SUMMARY))])
    place, client = prepared(tmp_path, model_server), RecordingClient()
    agent = place.agent()
    thread_id, turn = await begin(place, agent, client, "one")
    await client.turn_end(turn)
    turn = (await agent.submit(CompactThread(thread_id), client)).id  # type: ignore[union-attr]
    await client.turn_end(turn)
    before, after = (event.last.total_tokens for event in client.events if isinstance(event, UsageUpdated))
    assert before == 9_500
    assert 0 < after < 500
    await agent.close()
