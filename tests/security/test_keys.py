"""Keys of the user's that we know: where they must not be found, whatever the model asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.place import Place
from fakes.replies import call, custom, reply, text
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.core.items import Text
from treadle.core.ops import Overrides, StartTurn


@pytest.fixture
def place(tmp_path: Path, model_server: ModelServer) -> Place:
    return Place(tmp_path, model_server)


async def test_a_declined_patch_to_the_sign_in_leaves_no_key_in_the_thread(place: Place, model_server: ModelServer) -> None:
    key = "sk-proj-of-the-user-0123456789"
    file = place.homes.codex / "auth.json"
    file.write_text(json.dumps({"mode": "apikey", "OPENAI_API_KEY": key, "more": 1}, indent=0))
    patch = f'*** Begin Patch\n*** Update File: {file}\n@@\n-"mode": "apikey",\n+"mode": "other",\n*** End Patch'
    model_server.script([reply(custom("apply_patch", patch)), reply(text("As you like."))])
    agent, client = place.agent(), RecordingClient(decide=lambda asked: "decline")
    thread_id = await place.open(agent, client)
    turn = await agent.submit(StartTurn(thread_id, (Text("change it"),), Overrides(approval_policy="on-request")), client)
    assert (await client.turn_end(turn.id)).status == "completed"  # type: ignore[union-attr]
    [card] = client.calls_completed()
    assert card.status == "declined" and "[redacted]" in str(card.view), card
    assert key not in str(client.events) and key not in str(agent._world.store.load(thread_id)[1])
    await agent.close()
    for database in place.homes.treadle.glob("*.sqlite3*"):
        assert key.encode() not in database.read_bytes(), database.name


async def test_tokens_of_a_sign_in_reach_nothing_that_is_kept_or_sent_also_when_another_program_renews_them_in_a_turn(
    place: Place, model_server: ModelServer
) -> None:
    kinds = ("id_token", "access_token", "refresh_token")
    first, second = ({kind: f"eyJhbGciOi.{kind}.{age}" * 9 for kind in kinds} for age in ("first", "second"))
    notes = place.workspace.parent / "notes"

    def sign_in(tokens: dict[str, str], *shown: dict[str, str]) -> None:
        (place.homes.codex / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": None, "tokens": tokens}))
        notes.write_text("".join(f"{kind}: {token}\n" for each in shown for kind, token in each.items()))

    def speak(request: Any, number: int) -> Any:
        if number == 1:
            # what was told before is of use for a while
            sign_in(second, second, first)
        return reply(call("exec_command", {"cmd": "cat ../notes"})) if number < 2 else reply(text("Done."))

    sign_in(first, first)
    model_server.script(speak)
    agent = place.agent()
    thread_id = await place.open(agent, RecordingClient())
    assert await place.say(agent, thread_id, "look") == "completed"
    await agent.close()
    told = model_server.requests[-1].raw.decode()
    assert told.count("[redacted]") == 3 * len(kinds), told
    tokens = [token for each in (first, second) for token in each.values()]
    kept = [path.read_bytes() for path in place.homes.treadle.rglob("*") if path.is_file()]
    assert kept and not [token for token in tokens if token in told or any(token.encode() in content for content in kept)]
