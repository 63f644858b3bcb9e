"""A whole sidecar whose commands reach hosts by the proxy only: what is allowed goes through, what is not is put to the user."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes import call, reply, text
from fakes.house import House, outputs
from fakes.network import Internet
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.adapters.proxy.server import AllowListProxy
from treadle.app import Options, Parts
from treadle.core.asking import Decision
from treadle.core.command_ops import Execute
from treadle.core.events import ApprovalSettled, ThreadStatusChanged, WarningReported
from treadle.core.items import Text
from treadle.core.ops import StartTurn
from treadle.core.settings import SandboxPolicy
from treadle.runtime import network
from treadle.runtime.agent import Agent
from treadle.runtime.answers import Executed
from treadle.runtime.ports import SandboxStatus

LISTS = '[treadle.network]\nallow = ["good.com"]\ndeny = ["bad.com"]\nallow_private = true\n'


class Town(House):
    """A house with a street: a made-up internet that the proxy resolves names in."""

    def __init__(self, folder: Path, server: ModelServer, internet: Internet) -> None:
        super().__init__(folder, server)
        self.internet = internet
        self.agents: list[Agent] = []
        self.configure(self.configuration + LISTS)

    def agent(self, **overrides: Any) -> Agent:
        base = {"sandbox_mode": "workspace-write", "sandbox_workspace_write.exclude_slash_tmp": True}
        parts = Parts(Options({**base, **overrides}), self.homes, self.environ)
        parts.world.proxy = AllowListProxy(self.internet.resolve)
        self.agents.append(parts.agent)
        return parts.agent

    async def close(self) -> None:
        await asyncio.gather(*(agent.close() for agent in self.agents))

    def curl(self, *hosts: str) -> dict[str, str]:
        return {"cmd": "; ".join(f"curl -sS http://{host}:{self.internet.port}/" for host in hosts)}


@pytest.fixture
async def town(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Town]:
    internet = Internet()
    async with await asyncio.start_server(internet.answer, "127.0.0.1", 0) as server:
        internet.port = server.sockets[0].getsockname()[1]
        made = Town(tmp_path, model_server, internet)
        yield made
        await made.close()


async def test_an_allowed_host_is_reached_and_a_denied_one_refused_without_a_question(
    town: Town, model_server: ModelServer
) -> None:
    model_server.script([reply(call("exec_command", town.curl("good.com", "bad.com"))), reply(text("Done."))])
    agent, client = town.agent(), RecordingClient()
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert client.asked == []
    (told,) = outputs(model_server.requests[1].json)
    assert f"GET / HTTP/1.1 for good.com:{town.internet.port}" in told
    assert "\n[network] bad.com is on the deny-list of the network settings." in told
    assert len(town.internet.seen) == 1


async def test_an_unlisted_host_is_put_to_the_user_once_and_goes_through_after_a_yes(
    town: Town, model_server: ModelServer
) -> None:
    model_server.script([reply(call("exec_command", town.curl("new.com", "new.com"))), reply(text("Done."))])
    agent, client = town.agent(), RecordingClient()
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    (asked,) = client.asked
    assert (asked.kind, asked.host, asked.protocol) == ("network", "new.com", "http")
    assert "new.com" in asked.reason
    assert [(offer.scope, offer.subject.text) for offer in asked.offers] == [
        (scope, "new.com") for scope in ("thread", "workspace", "always")
    ]
    assert len(town.internet.seen) == 2
    assert any(isinstance(event, ApprovalSettled) and event.approval_id == asked.id for event in client.events)
    client.check_cards()


@pytest.mark.parametrize(
    ("decision", "again", "elsewhere"),
    [
        (Decision("accept"), 1, 1),
        (Decision("accept", "thread"), 0, 1),
        (Decision("accept", "always", "*.new.com"), 0, 0),
        (Decision("decline", "always"), 0, 0),
    ],
)
async def test_an_answer_lasts_as_long_as_the_user_says(
    town: Town, model_server: ModelServer, decision: Decision, again: int, elsewhere: int
) -> None:
    ask = call("exec_command", town.curl("www.new.com"))
    model_server.script([reply(ask), reply(text("1")), reply(ask), reply(text("2")), reply(ask), reply(text("3"))])
    agent, client = town.agent(), RecordingClient(lambda asked: decision)
    thread_id, turn_id = await town.begin(agent, client)
    await client.turn_end(turn_id)
    assert len(client.asked) == 1
    second = await agent.submit(StartTurn(thread_id, (Text("again"),)), client)
    await client.turn_end(second.id)  # type: ignore[union-attr]
    assert len(client.asked) == 1 + again
    await agent.close()
    agent, other = town.agent(), RecordingClient(lambda asked: decision)
    _, turn_id = await town.begin(agent, other)
    await other.turn_end(turn_id)
    assert len(other.asked) == elsewhere
    assert len(town.internet.seen) == (3 if decision.verdict == "accept" else 0)


async def test_a_no_is_told_to_the_model_in_the_users_words(town: Town, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", town.curl("new.com", "new.com"))), reply(text("Ok."))])
    agent, client = town.agent(), RecordingClient(lambda asked: Decision("decline", words="use the mirror"))
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert len(client.asked) == 1
    assert (
        "[network] The user does not let commands reach new.com and says: use the mirror"
        in outputs(model_server.requests[1].json)[0]
    )
    assert town.internet.seen == town.internet.looked_up == []


async def test_cancel_ends_the_turn_and_the_command(town: Town, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", town.curl("new.com") | {"yield_time_ms": 30_000}))])
    agent, client = town.agent(), RecordingClient(lambda asked: Decision("cancel"))
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    assert town.internet.seen == []


async def test_nobody_is_asked_where_nobody_may_be(town: Town, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", town.curl("new.com"))), reply(text("Ok."))])
    agent, client = town.agent(approval_policy="never"), RecordingClient()
    _, turn_id = await town.begin(agent, client)
    await client.turn_end(turn_id)
    assert client.asked == []
    assert "[network] new.com is not on the allow-list" in outputs(model_server.requests[1].json)[0]


async def test_a_question_that_nobody_answers_is_a_no_after_a_while(
    town: Town, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "PATIENCE", 0.1)
    model_server.script([reply(call("exec_command", town.curl("new.com") | {"yield_time_ms": 30_000})), reply(text("Ok."))])

    async def silence() -> str:
        await asyncio.Event().wait()
        return "accept"

    agent, client = town.agent(), RecordingClient(lambda asked: silence())
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert "[network] Nobody answered in time whether new.com may be reached." in outputs(model_server.requests[1].json)[0]
    assert any(isinstance(event, ApprovalSettled) for event in client.events)


async def test_a_question_ends_with_its_command(town: Town, model_server: ModelServer) -> None:
    asked, ends = town.workspace / "asked", "while [ ! -e asked ]; do sleep 0.01; done; kill $!; wait; echo over"
    script = {"cmd": f"{town.curl('new.com')['cmd']} & {ends}", "yield_time_ms": 30_000}
    model_server.script([reply(call("exec_command", script)), reply(text("Ok."))])

    async def silence() -> str:
        asked.touch()
        await asyncio.Event().wait()
        return "accept"

    agent, client = town.agent(), RecordingClient(lambda asked: silence())
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    question = await client.until_asked()
    await client.until(lambda event: isinstance(event, ApprovalSettled) and event.approval_id == question.id)


async def test_a_command_that_outlives_its_turn_may_still_ask(town: Town, model_server: ModelServer) -> None:
    waiting = "while [ ! -e go ]; do sleep 0.01; done; "
    model_server.script(
        [reply(call("exec_command", {"cmd": waiting + town.curl("new.com")["cmd"], "yield_time_ms": 250})), reply(text("Ok."))]
    )
    agent, client = town.agent(), RecordingClient()
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    before = len(client.events)
    (town.workspace / "go").touch()
    assert (await client.until_asked()).host == "new.com"
    await town.internet.reached.wait()

    def idle_again() -> bool:
        statuses = [event.status for event in client.events[before:] if isinstance(event, ThreadStatusChanged)]
        return statuses[-1:] == ["idle"]

    await client.until(lambda event: idle_again())


async def test_where_the_list_cannot_be_enforced_there_is_no_network_and_it_is_said_once(
    town: Town, model_server: ModelServer
) -> None:
    ask = call("exec_command", town.curl("good.com"))
    model_server.script([reply(ask), reply(ask), reply(text("Ok."))])
    agent, client = town.agent(), RecordingClient()

    async def without_broker() -> SandboxStatus:
        return SandboxStatus("bubblewrap", True, broker_reason="Linux 5.19 or later is needed")

    agent._world.sandbox.status = without_broker  # type: ignore[method-assign]
    _, turn_id = await town.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    said = [event.message for event in client.events if isinstance(event, WarningReported) and "allow-list" in event.message]
    assert said == ["The network allow-list cannot be enforced here, so commands have no network: Linux 5.19 or later is needed."]
    assert town.internet.seen == []


async def test_a_clients_own_command_reaches_what_is_listed_and_nobody_is_asked(town: Town) -> None:
    agent, client = town.agent(), RecordingClient()
    script = "; ".join((town.curl("good.com")["cmd"], town.curl("new.com")["cmd"]))
    policy = SandboxPolicy("workspace-write", (str(town.workspace),))
    done = await agent.submit(Execute(("/bin/sh", "-c", script), str(town.workspace), policy=policy), client)
    assert isinstance(done, Executed)
    assert "for good.com" in done.stdout
    assert "new.com is not on the allow-list" in done.stdout
    assert client.asked == []
    assert len(town.internet.seen) == 1


async def test_the_command_line_reaches_what_is_listed(town: Town) -> None:
    allow = '["localhost"]'
    environ = {**town.environ, "CODEX_HOME": str(town.homes.codex), "TREADLE_HOME": str(town.homes.treadle)}
    line = (sys.executable, "-m", "treadle", "sandbox", "-c", f"treadle.network.allow={allow}", "--", "/bin/sh", "-c")
    script = f"curl -sS --noproxy '' http://localhost:{town.internet.port}/; curl -sS {town.curl('good.com')['cmd'].split()[-1]}"
    process = await asyncio.create_subprocess_exec(*line, script, env=environ, cwd=town.workspace, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(60):
        told, _ = await process.communicate()
    assert f"for localhost:{town.internet.port}" in told.decode()
    assert "good.com is not on the allow-list" in told.decode()
    assert len(town.internet.seen) == 1


async def test_without_the_configuration_nothing_of_it_is_there(town: Town, model_server: ModelServer) -> None:
    town.configure(town.configuration)
    model_server.script([reply(call("exec_command", {"cmd": "env; " + town.curl("good.com")["cmd"]})), reply(text("Ok."))])
    agent, client = town.agent(), RecordingClient()
    _, turn_id = await town.begin(agent, client)
    await client.turn_end(turn_id)
    (told,) = outputs(model_server.requests[1].json)
    assert "_PROXY=" not in told.upper()
    assert town.internet.seen == []
