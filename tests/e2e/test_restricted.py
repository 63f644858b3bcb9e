"""A workspace that the editor's user does not trust: the agent talks, and nothing else happens. Then it is trusted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes import call, custom, reply, text
from fakes.house import PATCH, House, outputs
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.app import Options, Parts
from treadle.core.command_ops import Execute
from treadle.core.errors import RequestRefused
from treadle.core.events import CardCompleted
from treadle.core.items import Text
from treadle.core.ops import Overrides, ResumeThread, StartTurn
from treadle.core.policy import RESTRICTED
from treadle.core.settings import SandboxPolicy
from treadle.core.thread_ops import RunUserCommand
from treadle.runtime.agent import Agent


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    made = House(tmp_path, model_server)
    server = f'[mcp_servers.trap]\ncommand = "touch"\nargs = ["{made.workspace}/server-ran"]\n'
    made.configure(made.configuration.replace("            ", "") + server)
    (made.workspace / ".codex").mkdir()
    (made.workspace / ".codex" / "config.toml").write_text('developer_instructions = "Of the folder."\n')
    skill = made.workspace / ".agents" / "skills" / "trap"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: trap\ndescription: A skill of the folder.\n---\nDo it.\n")
    command = {"type": "command", "command": f"touch {made.workspace}/hook-ran"}
    hooks = {"hooks": {"UserPromptSubmit": [{"matcher": "", "hooks": [command]}]}}
    (made.homes.codex / "hooks.json").write_text(json.dumps(hooks))
    yield made


def agent_of(house: House, *, restricted: bool) -> Agent:
    trusted = () if restricted else (str(house.workspace),)
    options = Options(restricted=restricted, trusted=trusted)
    return Parts(options, house.homes, house.environ).agent


async def test_before_trust_it_talks_and_does_nothing_and_after_it_the_thread_goes_on(
    house: House, model_server: ModelServer
) -> None:
    model_server.script(
        [
            reply(call("exec_command", {"cmd": "touch ran"}), custom("apply_patch", PATCH)),
            reply(text("Trust me first.")),
            reply(call("exec_command", {"cmd": "touch ran"})),
            reply(text("Done.")),
        ]
    )
    agent, client = agent_of(house, restricted=True), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, sandbox=SandboxPolicy("danger-full-access", network=True))
    assert (await client.turn_end(turn_id)).status == "completed"
    assert outputs(model_server.requests[1].json) == [RESTRICTED, RESTRICTED]
    assert client.asked == [], "there is nothing to say yes to"
    sent = json.dumps(model_server.requests[0].json)
    assert "Use spaces." not in sent
    assert "Of the folder." not in sent
    assert "A skill of the folder." not in sent
    with pytest.raises(RequestRefused, match="not trusted"):
        await agent.submit(Execute(("touch", "ran"), None, str(house.workspace), ()), client)
    await agent.submit(RunUserCommand(thread_id, "touch ran"), client)
    await client.until(
        lambda event: isinstance(event, CardCompleted) and "touch ran" in str(event.card) and "not trusted" in str(event.card)
    )
    await agent.close()
    assert sorted(path.name for path in house.workspace.iterdir()) == [".agents", ".codex", ".git", "AGENTS.md", "hello.py"]
    assert (house.workspace / "hello.py").read_text() == "print('helo')\n"

    agent, client = agent_of(house, restricted=False), RecordingClient()
    await agent.submit(ResumeThread(thread_id, Overrides(sandbox=SandboxPolicy("workspace-write"))), client)
    turn = await agent.submit(StartTurn(thread_id, (Text("go on"),)), client)
    assert (await client.turn_end(turn.id)).status == "completed"  # type: ignore[union-attr]
    await agent.close()
    assert (house.workspace / "ran").exists()
    assert (house.workspace / "hook-ran").exists()
    sent = json.dumps(model_server.requests[2].json)
    assert "Use spaces." in sent
    assert "Of the folder." in sent
    assert "Trust me first." in sent, "the conversation goes on"
