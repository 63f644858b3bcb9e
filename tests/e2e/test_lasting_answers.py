"""A yes for longer than once, with the real sandbox, store and configuration: what it covers, where it holds, how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes import call, reply, text
from fakes.house import House
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.core.asking import Decision
from treadle.core.events import WarningReported
from treadle.core.ops import GrantChange, ListRules, ResumeThread, WriteRules
from treadle.runtime.agent import Agent
from treadle.runtime.answers import RuleList


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    made = House(tmp_path, model_server)
    (made.workspace / "Makefile").write_text("one two:\n\t@echo made-$@ >> ../$@.txt; cat ../$@.txt\n")
    yield made


def command(line: str, **more: object) -> str:
    return call("exec_command", {"cmd": line, "sandbox_permissions": "require_escalated", "justification": "To build?", **more})


def said(server: ModelServer) -> str:
    found: list[dict[str, str]] = server.requests[-1].json["input"]
    return [entry["output"] for entry in found if entry["type"].endswith("_output")][-1]


async def texts(agent: Agent) -> list[tuple[str, str, bool]]:
    found = await agent.submit(ListRules(), RecordingClient())
    assert isinstance(found, RuleList)
    return [(grant.scope, grant.subject.text, grant.subject.outside) for grant in found.grants]


async def test_a_yes_for_the_workspace_covers_other_arguments_in_other_threads_and_after_a_restart(
    house: House, model_server: ModelServer
) -> None:
    model_server.script(
        [reply(command("make one")), reply(command("make two")), reply(text("1")), reply(command("make one")), reply(text("2"))]
    )
    agent, client = house.agent(), RecordingClient(lambda asked: Decision("accept", "workspace", "make"))
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert [asked.reason for asked in client.asked] == ["The agent asks to run this outside the sandbox. It says: To build?"]
    assert (house.workspace.parent / "two.txt").read_text() == "made-two\n"
    assert await texts(agent) == [("workspace", "make", True)]
    await agent.close()

    later, other = house.agent(), RecordingClient(lambda asked: Decision("decline"))
    _, turn_id = await house.begin(later, other)
    await other.turn_end(turn_id)
    assert other.asked == []
    assert (house.workspace.parent / "one.txt").read_text() == "made-one\n" * 2
    await later.close()


async def test_a_yes_to_one_command_is_none_to_what_is_chained_to_it_and_a_decline_reaches_the_model_in_words(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(command("make one")), reply(command("make one; touch ../stolen")), reply(text("done"))])
    answers = [Decision("accept", "thread"), Decision("decline", words="only make")]
    agent, client = house.agent(), RecordingClient(lambda asked: answers.pop(0))
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert len(client.asked) == 2
    assert not (house.workspace.parent / "stolen").exists()
    assert said(model_server) == "the user declined this call and says: only make"
    await agent.close()


async def test_a_yes_for_the_thread_is_there_again_when_it_is_resumed_and_gone_when_it_is_revoked(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(command("make one")), reply(text("1")), reply(command("make one")), reply(text("2"))])
    agent, client = house.agent(), RecordingClient(lambda asked: Decision("accept", "thread"))
    thread_id, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    await agent.close()
    later, other = house.agent(), RecordingClient(lambda asked: Decision("decline"))
    await later.submit(ResumeThread(thread_id), other)
    await other.turn_end(await more(later, other, thread_id))
    assert other.asked == []
    found = await later.submit(ListRules(thread_id=thread_id), other)
    assert isinstance(found, RuleList)
    await later.submit(WriteRules(tuple(GrantChange("remove", grant.id) for grant in found.grants)), other)
    model_server.script([reply(command("make one")), reply(text("3"))])
    await other.turn_end(await more(later, other, thread_id))
    assert len(other.asked) == 1
    await later.close()


async def test_a_yes_given_in_one_process_settles_the_same_question_in_another_with_its_next_call(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(command("make one")), reply(text("1")), reply(command("make two")), reply(text("2"))])
    first, second = house.agent(), house.agent()
    client = RecordingClient(lambda asked: Decision("accept", "always", "make"))
    other = RecordingClient(lambda asked: Decision("decline"))
    _, turn_id = await house.begin(first, client)
    await client.turn_end(turn_id)
    _, turn_id = await house.begin(second, other)
    await other.turn_end(turn_id)
    assert (len(client.asked), other.asked) == (1, [])
    await first.close()
    await second.close()


async def test_a_rule_that_would_allow_any_program_is_not_kept_and_the_command_runs_this_once(
    house: House, model_server: ModelServer
) -> None:
    model_server.script([reply(command('python3 -c \'open("../x", "w")\'')), reply(text("done"))])
    agent, client = house.agent(), RecordingClient(lambda asked: Decision("accept", "always", "python3"))
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    assert [offer.subject.kind for offer in client.asked[0].offers] == ["exact_command", "exact_command"]
    assert (house.workspace.parent / "x").exists()
    assert await texts(agent) == []
    (warning,) = [
        event.message for event in client.events if isinstance(event, WarningReported) and "remembered" in event.message
    ]
    assert "`python3` would allow any program" in warning
    await agent.close()
