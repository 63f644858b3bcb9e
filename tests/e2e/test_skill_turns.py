"""Skills in the whole sidecar: real files, configuration and store; only the model's words are scripted."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, hold, reply, text
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.app import Homes, Options, Parts
from treadle.core.events import CardDelta, CardStarted, SkillsChanged, WarningReported
from treadle.core.items import Text
from treadle.core.ops import InterruptTurn, Overrides, ResumeThread, StartThread, StartTurn, SteerTurn
from treadle.core.skills import FoundSkills
from treadle.core.views import CallCard
from treadle.runtime.agent import Agent
from treadle.runtime.answers import ThreadState
from treadle.server.cards import thread_item


class House:
    """A workspace with skills, two homes, and agents on them."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.homes = Homes(folder / "codex", folder / "treadle")
        self.workspace = folder / "home" / "ws"
        for made in (self.workspace / ".git", self.homes.codex, self.homes.treadle):
            made.mkdir(parents=True)
        self.environ = {"SCRIPTED_KEY": "sk-scripted-123456", "PATH": os.environ["PATH"], "HOME": str(folder / "home")}
        self._url = server.base_url
        self.configure("")

    def configure(self, more: str) -> None:
        (self.homes.codex / "config.toml").write_text(
            f'model = "gpt-5.5"\nmodel_provider = "scripted"\n{more}\n'
            f'[model_providers.scripted]\nname = "Scripted"\nbase_url = "{self._url}"\nenv_key = "SCRIPTED_KEY"\n'
        )

    def skill(self, name: str, body: str | None = None, *, description: str = "Does it.") -> str:
        path = self.workspace / ".agents" / "skills" / name / "SKILL.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        front = f"name: {name}\ndescription: {description}\n"
        path.write_text(f"---\n{front}---\n{body or f'Steps of {name}.'}\n")
        return str(path)

    def agent(self) -> Agent:
        return Parts(Options({"sandbox_mode": "read-only"}), self.homes, self.environ).agent

    async def open(self, agent: Agent, client: RecordingClient) -> str:
        state = await agent.submit(StartThread(Overrides(cwd=str(self.workspace))), client)
        assert isinstance(state, ThreadState)
        return state.meta.id

    async def begin(self, agent: Agent, client: RecordingClient, words: str) -> tuple[str, str]:
        thread_id = await self.open(agent, client)
        return thread_id, await more(agent, client, thread_id, words)


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    yield House(tmp_path, model_server)


def words(request: dict[str, Any], start: int = 2) -> list[str]:
    """What the user's side says in a request, a text a part, from the input item `start` on."""
    messages = [entry for entry in request["input"][start:] if entry.get("role") == "user"]
    return [part["text"] for message in messages for part in message["content"]]


def section(request: dict[str, Any], number: int = 1) -> str:
    """The first part of an input item."""
    return request["input"][number]["content"][0]["text"]


def body(house: House, name: str) -> str:
    path = house.workspace / ".agents" / "skills" / name / "SKILL.md"
    return f"<skill>\n<name>{name}</name>\n<path>{path}</path>\nSteps of {name}.\n</skill>"


def warnings(client: RecordingClient) -> list[str]:
    return [event.message for event in client.events if isinstance(event, WarningReported)]


async def test_the_list_is_told_and_a_named_skill_follows_the_words_that_name_it(house: House, model_server: ModelServer) -> None:
    path = house.skill("deploy", description="Puts it live.")
    house.skill("tidy")
    model_server.script([reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client, "Please $deploy now, $PATH and $Deploy are nothing.")
    await client.turn_end(turn_id)
    request = model_server.requests[0].json
    assert [entry["role"] for entry in request["input"]] == ["developer", "user", "user", "user"]
    assert f"\n- deploy: Puts it live. (file: {path})\n- tidy: Does it. (file: " in section(request)
    assert words(request) == ["Please $deploy now, $PATH and $Deploy are nothing.", body(house, "deploy")]
    await agent.close()


async def test_a_skill_comes_once_a_turn_by_steers_too_and_again_in_the_next(house: House, model_server: ModelServer) -> None:
    house.skill("one")
    house.skill("two")
    model_server.script([reply(text("First.", deltas=2, hold={1: "half"})), reply(text("Second.")), reply(text("Third."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "$one")
    await client.until(lambda event: isinstance(event, CardDelta))
    await agent.submit(SteerTurn(thread_id, turn_id, (Text("$one and $two"),)), client)
    model_server.release("half")
    await client.turn_end(turn_id)
    await client.turn_end(await more(agent, client, thread_id, "$one again"))
    assert words(model_server.requests[2].json) == [
        "$one",
        body(house, "one"),
        "$one and $two",
        body(house, "two"),
        "$one again",
        body(house, "one"),
    ]
    client.check_cards()
    await agent.close()


async def test_a_picked_skill_is_found_by_its_path_and_shown_as_it_was_picked(house: House, model_server: ModelServer) -> None:
    path = house.skill("one")
    beside = Path(path).parent / "agents" / "openai.yaml"
    beside.parent.mkdir()
    beside.write_text("policy:\n  allow_implicit_invocation: false\n")
    model_server.script([reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    thread_id = await house.open(agent, client)
    turn = await agent.submit(StartTurn(thread_id, (Text("go"), Text("$one", skill=path))), client)
    await client.turn_end(turn.id)  # type: ignore[union-attr]
    request = model_server.requests[0].json
    assert words(request, 1)[0].startswith("<environment_context>")
    assert words(request) == ["go", "$one", body(house, "one")]
    again = house.agent()
    await agent.close()
    state = await again.submit(ResumeThread(thread_id), RecordingClient())
    assert isinstance(state, ThreadState)
    assert thread_item(state.turns[0].cards[0])["content"] == [
        {"type": "text", "text": "go", "text_elements": []},
        {"type": "skill", "name": "one", "path": path},
    ]
    await again.close()


async def test_a_disabled_skill_is_neither_listed_nor_given_and_the_user_is_told(house: House, model_server: ModelServer) -> None:
    path = house.skill("one")
    house.configure(f'[[skills.config]]\npath = "{path}"\nenabled = false')
    model_server.script([reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client, f"[$one]({path}) or $one")
    await client.turn_end(turn_id)
    assert words(model_server.requests[0].json, 1)[1:] == [f"[$one]({path}) or $one"]
    assert warnings(client) == [f"There is no skill at {path}, or it is disabled: $one is not used."]
    await agent.close()


async def test_broken_skills_are_warned_of_once_and_listed_with_their_reason(house: House, model_server: ModelServer) -> None:
    for number in range(7):
        house.skill(f"bad{number}", description="[")
    house.skill("good")
    model_server.script([reply(call("exec_command", {"cmd": "true"})), reply(text("Done.")), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "go")
    await client.turn_end(turn_id)
    await client.turn_end(await more(agent, client, thread_id, "again"))
    told = warnings(client)
    assert len(told) == 6
    assert "bad0/SKILL.md was left out: its YAML is broken" in told[0]
    assert told[-1] == "2 more files of skills were left out; the list of skills says which."
    assert "\n- good: " in section(model_server.requests[0].json)
    folder, found = await agent.info("skills", cwd=str(house.workspace))
    assert folder == str(house.workspace)
    assert isinstance(found, FoundSkills)
    assert [len(found.skills), len(found.errors)] == [1, 7]
    missing = await agent.info("skills", cwd="/no/such/folder")
    assert missing[1].errors[0].message == "no such folder: /no/such/folder"
    await agent.close()


async def test_a_change_in_mid_thread_is_appended_and_clients_hear_of_it(house: House, model_server: ModelServer) -> None:
    house.skill("one")
    model_server.script(
        [reply(call("exec_command", {"cmd": "true"}), hold("change")), reply(text("Done.")), reply(text("Done."))]
    )
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "go")
    await client.until(lambda event: isinstance(event, CardStarted) and isinstance(event.card, CallCard))
    assert not any(isinstance(event, SkillsChanged) for event in client.events)
    house.skill("one", description="Does something else altogether.")
    house.skill("two", description="[")
    model_server.release("change")
    await client.turn_end(turn_id)
    first, second = (request.json for request in model_server.requests)
    changed = second["input"][-1]["content"][0]["text"]
    assert changed.startswith("The skills changed. This list replaces the one given before.\n\n<skills_instructions>")
    assert "\n- one: Does something else altogether. (" in changed
    assert second["input"][: len(first["input"])] == first["input"]
    assert sum(isinstance(event, SkillsChanged) for event in client.events) == 1
    assert len(warnings(client)) == 1
    await client.turn_end(await more(agent, client, thread_id, "again"))
    assert len(model_server.requests[2].json["input"]) == len(second["input"]) + 2
    assert len(warnings(client)) == 1
    await agent.close()


async def test_the_body_is_the_one_on_disk_when_it_is_named(house: House, model_server: ModelServer) -> None:
    path = house.skill("one")
    model_server.script([reply(text("Done.")), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "$one")
    await client.turn_end(turn_id)
    house.skill("one", "Other steps.")
    await client.turn_end(await more(agent, client, thread_id, "$one"))
    said = words(model_server.requests[1].json)
    assert "Steps of one." in said[1]
    assert said[-1] == f"<skill>\n<name>one</name>\n<path>{path}</path>\nOther steps.\n</skill>"
    await agent.close()


async def test_words_that_an_interrupt_overtook_keep_their_skill_for_the_next_turn(
    house: House, model_server: ModelServer
) -> None:
    house.skill("one")
    model_server.script([reply(text("Half.", deltas=2, hold={1: "never"})), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "go")
    await client.until(lambda event: isinstance(event, CardDelta))
    await agent.submit(SteerTurn(thread_id, turn_id, (Text("with $one"),)), client)
    await agent.submit(InterruptTurn(thread_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    await client.turn_end(await more(agent, client, thread_id, "go on"))
    said = words(model_server.requests[1].json)
    assert said[said.index("with $one") + 1] == body(house, "one")
    client.check_cards()
    await agent.close()


async def test_the_next_request_of_a_resumed_thread_is_the_same(house: House, model_server: ModelServer) -> None:
    house.skill("one")
    model_server.script([reply(text("Done.")), reply(text("Done."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "$one")
    await client.turn_end(turn_id)
    await agent.close()
    again = house.agent()
    await again.submit(ResumeThread(thread_id), client)
    await client.turn_end(await more(again, client, thread_id, "more"))
    first, second = (json.loads(request.raw) for request in model_server.requests)
    assert second["input"][: len(first["input"])] == first["input"]
    assert words(second)[-1] == "more"
    await again.close()


async def test_a_summary_in_mid_turn_does_not_lose_the_skill_that_the_turn_follows(
    house: House, model_server: ModelServer
) -> None:
    house.skill("one")
    house.configure("model_context_window = 20000")
    full = {"input_tokens": 18_000, "output_tokens": 500}
    model_server.script(
        [reply(call("exec_command", {"cmd": "true"}), usage=full), reply(text("Steps so far.")), reply(text("Done."))]
    )
    model_server.moves_prefix("compaction")
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client, "$one")
    assert (await client.turn_end(turn_id)).status == "completed"
    last = words(model_server.requests[2].json, 0)
    assert last.count(body(house, "one")) == 1
    assert sum("<skills_instructions>" in said for said in last) == 1
    await agent.close()
