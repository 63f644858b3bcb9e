"""The bill and the inspector over the whole sidecar: what is shown for a request is what the provider received, byte for byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes import call, error, reply, text
from fakes.responses import ModelServer
from fakes.world import RecordingClient
from treadle.app import Homes, Options, Parts
from treadle.core.errors import RequestRefused
from treadle.core.events import RequestCounted
from treadle.core.history import TurnState
from treadle.core.inspection import Inspection
from treadle.core.items import Text
from treadle.core.ledger import LedgerRow
from treadle.core.ops import (
    CompactThread,
    InterruptTurn,
    Overrides,
    ReadLedger,
    ReadPrompt,
    ResumeThread,
    StartThread,
    StartTurn,
)
from treadle.core.settings import SandboxPolicy
from treadle.runtime import reading
from treadle.runtime.agent import Agent
from treadle.runtime.answers import LedgerPage, ThreadState

KEY, HEADER, QUERY, FROM_ENV = "sk-planted-key-1", "planted-header-2", "planted-query-3", "planted-variable-4"
SECRETS = (KEY, HEADER, QUERY, FROM_ENV)


class House:
    """A workspace, two homes, and one agent after the other on them."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.homes = Homes(folder / "codex", folder / "treadle")
        self.workspace = folder / "home" / "ws"
        for made in (self.workspace, self.homes.codex, self.homes.treadle):
            made.mkdir(parents=True)
        self.environ = {
            "SCRIPTED_KEY": KEY,
            "FROM_ENV": FROM_ENV,
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "CODEX_HOME": str(self.homes.codex),
            "TREADLE_HOME": str(self.homes.treadle),
        }
        (self.homes.codex / "config.toml").write_text(f"""
            model = "gpt-5"
            model_provider = "scripted"
            [model_providers.scripted]
            name = "Scripted"
            base_url = "{server.base_url}"
            env_key = "SCRIPTED_KEY"
            http_headers = {{ "X-Secret" = "{HEADER}" }}
            env_http_headers = {{ "X-Env" = "FROM_ENV" }}
            query_params = {{ token = "{QUERY}" }}
            [treadle.prices."gpt-5"]
            input = 1.0
            cached = 0.1
            output = 10
        """)
        self.client = RecordingClient()
        self.agent = self.open()

    def parts(self) -> Parts:
        return Parts(Options({"sandbox_mode": "workspace-write"}), self.homes, self.environ)

    def open(self) -> Agent:
        return self.parts().agent

    async def begin(self) -> str:
        state = await self.agent.submit(StartThread(Overrides(cwd=str(self.workspace))), self.client)
        assert isinstance(state, ThreadState)
        return state.meta.id

    async def turn(self, thread_id: str, words: str = "go", **overrides: Any) -> str:
        op = StartTurn(thread_id, (Text(words),), Overrides(**overrides))
        begun = await self.agent.submit(op, self.client)
        assert isinstance(begun, TurnState)
        return (await self.client.turn_end(begun.id)).status

    async def shown(self, thread_id: str, number: int | None = None) -> Inspection:
        """As another process sees it, which has not loaded the thread."""
        other = self.parts()
        try:
            found = await reading.answer(other.world, ReadPrompt(thread_id, number))
        finally:
            await other.agent.close()
        assert isinstance(found, Inspection)
        return found

    def rows(self) -> list[LedgerRow]:
        """Each once: who resumes a thread is told its last one again."""
        return list(dict.fromkeys(event.row for event in self.client.events if isinstance(event, RequestCounted)))

    def treadle(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "treadle", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=self.environ, timeout=60)


@pytest.fixture
def house(tmp_path: Path, model_server: ModelServer) -> House:
    return House(tmp_path, model_server)


def used(request: Any, cached: int) -> dict[str, Any]:
    return {"input_tokens": request, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": 10}


async def eventful(house: House, server: ModelServer) -> str:
    """A thread in which everything changes once; returns its id."""
    server.moves_prefix("compaction")
    server.script(
        [
            reply(call("exec_command", {"cmd": "printf 'caf\\303\\251 \\\\u2028 \"x\"'"})),
            reply(text("One.")),
            reply(text("Two.")),
            error(500),
            reply(text("Three.")),
            reply(text("Four.", deltas=2, hold={1: "half"})),
            reply(text("Five.")),
            reply(text("A summary of it all.")),
            reply(text("Six.")),
            reply(text("Seven.")),
        ]
    )
    thread_id = await house.begin()
    await house.turn(thread_id, "é\u2028 first")
    (house.workspace / "AGENTS.md").write_text("Use spaces.")
    await house.turn(thread_id, "second", effort="high")
    await house.turn(thread_id, "third", model="gpt-5.1", sandbox=SandboxPolicy("read-only"))
    begun = await house.agent.submit(StartTurn(thread_id, (Text("fourth"),)), house.client)
    assert isinstance(begun, TurnState)
    await server.reached("half")
    await house.agent.submit(InterruptTurn(thread_id, begun.id), house.client)
    await house.client.turn_end(begun.id)
    await house.agent.close()
    house.agent = house.open()
    await house.agent.submit(ResumeThread(thread_id), house.client)
    await house.turn(thread_id, "fifth")
    compacted = await house.agent.submit(CompactThread(thread_id), house.client)
    assert isinstance(compacted, TurnState)
    await house.client.turn_end(compacted.id)
    await house.turn(thread_id, "sixth")
    await house.turn(thread_id, "seventh")
    return thread_id


async def test_every_request_of_a_thread_with_changes_in_the_middle_is_shown_as_it_was_sent(
    house: House, model_server: ModelServer
) -> None:
    thread_id = await eventful(house, model_server)
    assert len(model_server.requests) == 10
    for number, recorded in enumerate(model_server.requests, start=1):
        shown = await house.shown(thread_id, number)
        assert shown.body() == recorded.raw
        assert shown.problem is None
        live = await house.agent.submit(ReadPrompt(thread_id, number), house.client)
        assert live == shown
    await house.agent.close()


async def test_each_miss_has_its_cause(house: House, model_server: ModelServer) -> None:
    thread_id = await eventful(house, model_server)
    page = await house.agent.submit(ReadLedger(thread_id), house.client)
    assert isinstance(page, LedgerPage)
    rows = page.rows[::-1]
    assert rows == house.rows()
    assert [row.number for row in rows] == list(range(1, 11))
    causes = [row.cause for row in rows]
    assert causes[0] == "first_request"
    assert causes[3] == causes[4] == "model_changed"
    assert causes[8] == "new_epoch"
    assert causes[5] == "extended"  # it was interrupted before the provider said anything of its cache
    # the scripted provider caches nothing, and says so
    assert {causes[n] for n in (1, 2, 6, 7, 9)} == {"provider_evicted"}
    assert [row.status for row in rows].count("failed") == 1
    assert rows[3].status == "failed"
    assert rows[5].status == "interrupted"
    assert (rows[1].kept, rows[2].kept) == (rows[0].fragments, rows[1].fragments)
    assert rows[1].differs_source.startswith("model, call of exec_command")
    await house.agent.close()


async def test_what_the_cache_gave_is_priced_and_added_up(house: House, model_server: ModelServer) -> None:
    model_server.script(
        [
            reply(call("exec_command", {"cmd": "true"}), usage=used(10_000, 0)),
            reply(text("One."), usage=used(11_000, 9_984)),
            reply(text("Two."), usage={"input_tokens": 12_000, "output_tokens": 10}),
        ]
    )
    thread_id = await house.begin()
    await house.turn(thread_id)
    await house.turn(thread_id)
    first, second, third = house.rows()
    assert first.price == pytest.approx(0.01 + 0.0001)
    assert (second.cause, second.kept_tokens, second.cached_input_tokens) == ("extended", 10_000, 9_984)
    assert second.hit == pytest.approx(9_984 / 11_000)
    assert (third.cause, third.cached_input_tokens) == ("cache_not_reported", None)
    page = await house.agent.submit(ReadLedger(thread_id), house.client)
    assert isinstance(page, LedgerPage)
    assert page.turn is not None
    assert page.thread is not None
    assert (page.turn.requests, page.thread.requests, page.day.requests) == (1, 3, 3)
    assert page.thread.input_tokens == 33_000
    assert page.thread.price == pytest.approx(sum(row.price or 0 for row in (first, second, third)))
    await house.agent.close()


async def test_the_next_request_is_shown_with_what_is_new_in_it(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One.")), reply(text("Two."))])
    thread_id = await house.begin()
    before = await house.shown(thread_id)
    assert all(part.pending for part in before.parts if part.where == "input")
    await house.turn(thread_id)
    (house.workspace / "AGENTS.md").write_text("Use spaces.")
    coming = await house.shown(thread_id)
    (fresh,) = (part for part in coming.parts if part.pending)
    assert "Use spaces." in fresh.text
    assert str(house.workspace / "AGENTS.md") in fresh.source
    await house.turn(thread_id, "more")
    sent = model_server.requests[1].raw
    prefix = "".join(part.raw for part in coming.parts if part.where != "tail").encode()
    assert sent.startswith(prefix)
    await house.agent.close()


async def test_no_secret_is_shown(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "env"})), reply(text("One."))])
    thread_id = await house.begin()
    await house.turn(thread_id)
    sent = [json.dumps(request.headers) + request.path for request in model_server.requests]
    assert all(secret in sent[0] for secret in SECRETS)
    await house.agent.close()
    for words in (["ledger", "--json"], ["prompt", thread_id], ["prompt", thread_id, "--request", "2", "--json"]):
        ran = house.treadle(*words)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert thread_id in ran.stdout
        assert not any(secret in ran.stdout for secret in SECRETS)


async def test_the_command_line_shows_a_thread_that_another_process_holds(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One."))])
    thread_id = await house.begin()
    await house.turn(thread_id)
    table = house.treadle("ledger", thread_id).stdout
    assert "first request" in table
    assert "thread: 1 request," in table
    everything = json.loads(house.treadle("ledger", "--json").stdout)
    assert [row["threadId"] for row in everything["rows"]] == [thread_id]
    shown = json.loads(house.treadle("prompt", thread_id, "--request", "1", "--json").stdout)
    assert "".join(part["raw"] for part in shown["parts"]).encode() == model_server.requests[0].raw
    pages = house.treadle("prompt", thread_id).stdout
    assert "the next request of thread" in pages
    assert "instructions: base instructions" in pages
    await house.agent.close()


async def test_what_is_not_there_is_said_in_one_sentence(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One."))])
    thread_id = await house.begin()
    with pytest.raises(RequestRefused, match="no request 1 in this thread"):
        await house.agent.submit(ReadPrompt(thread_id, 1), house.client)
    for op in (ReadPrompt("nope"), ReadPrompt("nope", 1), ReadLedger("nope")):
        with pytest.raises(RequestRefused, match="no thread with the id nope"):
            await house.agent.submit(op, house.client)
    await house.agent.close()
    ran = house.treadle("prompt", "nope")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "treadle: no thread with the id nope\n"


async def test_an_ephemeral_thread_has_its_ledger_too(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("One."))])
    op = StartThread(Overrides(cwd=str(house.workspace)), ephemeral=True)
    state = await house.agent.submit(op, house.client)
    assert isinstance(state, ThreadState)
    await house.turn(state.meta.id)
    page = await house.agent.submit(ReadLedger(state.meta.id), house.client)
    shown = await house.agent.submit(ReadPrompt(state.meta.id, 1), house.client)
    assert isinstance(page, LedgerPage)
    assert isinstance(shown, Inspection)
    assert len(page.rows) == 1
    assert shown.body() == model_server.requests[0].raw
    await house.agent.close()
