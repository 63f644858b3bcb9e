"""The user's *.rules files in whole turns, with the real sandbox and configuration: allowed, asked about, forbidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import call, reply, text
from fakes.house import House, outputs
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.core.asking import Decision
from treadle.core.events import WarningReported

RULES = """
prefix_rule(pattern=["touch"])
prefix_rule(pattern=["mkdir"], decision="prompt", justification="Folders are my business.")
prefix_rule(pattern=["rmdir"], decision="forbidden", justification="Leave folders alone.")
"""


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> House:
    made = House(tmp_path, model_server)
    return made


def write(house: House, rules: str) -> None:
    folder = house.homes.codex / "rules"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.rules").write_text(rules)


async def turn(house: House, server: ModelServer, client: RecordingClient, *lines: str) -> list[str]:
    server.script([*(reply(call("exec_command", {"cmd": line})) for line in lines), reply(text("done"))])
    agent = house.agent()
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    await agent.close()
    return outputs(server.requests[-1].json)


async def test_what_a_rule_allows_runs_outside_the_sandbox_without_a_question(house: House, model_server: ModelServer) -> None:
    write(house, RULES)
    client = RecordingClient(lambda asked: Decision("decline"))
    outside, never = house.workspace.parent / "outside", house.workspace.parent / "never"
    found = await turn(house, model_server, client, f"touch {outside}", f"touch {never} > log")
    assert client.asked == []
    assert outside.exists()
    assert "exited with code 0" in found[0]
    assert not never.exists(), "a line that the rule does not cover stays in the sandbox"


async def test_what_a_rule_asks_about_is_asked_with_the_reason(house: House, model_server: ModelServer) -> None:
    write(house, RULES)
    client = RecordingClient(lambda asked: Decision("decline"))
    await turn(house, model_server, client, "mkdir a", "sh -c 'mkdir b'")
    assert [asked.reason for asked in client.asked] == ["A rule asks before `mkdir`. Folders are my business."] * 2
    assert not (house.workspace / "a").exists()


async def test_what_a_rule_forbids_is_not_run_and_the_model_reads_why(house: House, model_server: ModelServer) -> None:
    write(house, RULES)
    (house.workspace / "a").mkdir()
    client = RecordingClient(lambda asked: Decision("accept"))
    found = await turn(house, model_server, client, "rmdir a", "true; echo a | xargs r''mdir")
    assert client.asked == []
    assert all("A rule forbids `rmdir`. Leave folders alone." in said for said in found)
    assert (house.workspace / "a").exists()


async def test_a_file_with_a_mistake_is_a_warning_and_the_turn_goes_on(house: House, model_server: ModelServer) -> None:
    write(house, RULES + "nonsense()\n")
    client = RecordingClient(lambda asked: Decision("decline"))
    found = await turn(house, model_server, client, "touch x", "rmdir a")
    warnings = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert any("mine.rules:5: nonsense is not known here" in message for message in warnings)
    assert "A rule forbids" in found[1]
