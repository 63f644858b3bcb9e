"""The whole sidecar in one process: real configuration, HTTP, sandbox, files and store; only the model's words are scripted."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes import call, custom, error, reasoning, reply, text
from fakes.house import PATCH, House, outputs
from fakes.responses import ModelServer
from fakes.world import RecordingClient, more
from treadle.core.events import CardDelta, CardStarted, ErrorReported, PlanUpdated, TurnDiffUpdated, WarningReported
from treadle.core.items import Text
from treadle.core.ops import InterruptTurn, ResumeThread, StartTurn
from treadle.core.settings import SandboxPolicy
from treadle.runtime.agent import ThreadState


@pytest.fixture
async def house(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[House]:
    yield House(tmp_path, model_server)


async def test_a_command_a_patch_and_an_answer(house: House, model_server: ModelServer) -> None:
    model_server.script(
        [
            reply(reasoning(), call("exec_command", {"cmd": "cat hello.py; echo x > made.txt; touch ../outside; env"})),
            reply(custom("apply_patch", PATCH)),
            reply(text("Done.", deltas=3)),
        ]
    )
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    client.check_cards()
    assert client.asked == []
    assert (house.workspace / "hello.py").read_text() == "print('hello')\n"
    assert (house.workspace / "made.txt").read_text() == "x\n"
    assert not (house.workspace.parent / "outside").exists()
    first, second, third = (request.json for request in model_server.requests)
    (ran,) = outputs(second)
    assert "print('helo')" in ran
    assert "Read-only file system" in ran
    assert "sk-scripted" not in ran
    assert outputs(third)[1].startswith("Success")
    assert [entry["role"] for entry in first["input"]] == ["developer", "user", "user"]
    assert "Use spaces." in first["input"][1]["content"][0]["text"]
    assert any(entry.get("encrypted_content") for entry in second["input"])
    diffs = [event.diff for event in client.events if isinstance(event, TurnDiffUpdated)]
    assert "+print('hello')" in diffs[0]
    assert "".join(e.text for e in client.events if isinstance(e, CardDelta) and e.kind == "text") == "Done."
    await agent.close()


async def test_a_patch_that_does_not_match_goes_back_and_the_file_is_untouched(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", PATCH.replace("helo", "bye"))), reply(text("Sorry."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert outputs(model_server.requests[1].json)[0].startswith("apply_patch verification failed")
    assert (house.workspace / "hello.py").read_text() == "print('helo')\n"
    client.check_cards()
    await agent.close()


async def test_a_patch_in_a_read_only_thread_is_written_only_after_a_yes(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(custom("apply_patch", PATCH)), reply(custom("apply_patch", PATCH)), reply(text("Ok."))])
    seen: list[str] = []

    def decide(approval: object) -> str:
        seen.append((house.workspace / "hello.py").read_text())
        return "decline" if len(seen) == 1 else "accept"

    agent, client = house.agent(), RecordingClient(decide)
    _, turn_id = await house.begin(agent, client, sandbox=SandboxPolicy("read-only"))
    assert (await client.turn_end(turn_id)).status == "completed"
    assert seen == ["print('helo')\n"] * 2
    assert (house.workspace / "hello.py").read_text() == "print('hello')\n"
    await agent.close()


async def test_an_escalated_command_runs_outside_only_after_a_yes(house: House, model_server: ModelServer) -> None:
    wish = {"cmd": "touch ../outside", "sandbox_permissions": "require_escalated", "justification": "to touch"}
    model_server.script([reply(call("exec_command", wish)), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient(lambda approval: "accept")
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    assert [(approval.kind, approval.outside_sandbox) for approval in client.asked] == [("command", True)]
    assert (house.workspace.parent / "outside").exists()
    await agent.close()


async def test_an_interrupt_ends_the_processes_of_a_command(house: House, model_server: ModelServer) -> None:
    script = "echo $$; (setsid sleep 1000 &) ; sleep 1000"
    model_server.script([reply(call("exec_command", {"cmd": script})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, sandbox=SandboxPolicy("danger-full-access"))
    event = await client.until(lambda e: isinstance(e, CardDelta) and e.kind == "output")
    pid = int(event.text)  # type: ignore[union-attr]
    await agent.submit(InterruptTurn(thread_id, turn_id), client)
    assert (await client.turn_end(turn_id)).status == "interrupted"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    turn_id = await more(agent, client, thread_id, "again")
    assert (await client.turn_end(turn_id)).status == "completed"
    assert "aborted by user" in outputs(model_server.requests[1].json)[0]
    await agent.close()


async def test_a_thread_goes_on_after_a_restart(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(call("exec_command", {"cmd": "true"})), reply(text("One.")), reply(text("Two."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, "first")
    await client.turn_end(turn_id)
    await agent.close()
    agent, client = house.agent(), RecordingClient()
    state = await agent.submit(ResumeThread(thread_id), client)
    assert isinstance(state, ThreadState)
    assert [turn.status for turn in state.turns] == ["completed"]
    assert state.settings is not None
    assert state.settings.cwd == str(house.workspace)
    turn_id = await more(agent, client, thread_id, "second")
    await client.turn_end(turn_id)
    entries = model_server.requests[2].json["input"]
    assert json.dumps(model_server.requests[1].json["input"])[:-1] in json.dumps(entries)
    await agent.close()


async def test_a_dying_provider_is_retried_and_the_user_sees_it(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("half", deltas=2), fault="cut", after=4), error(500), reply(text("Whole."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    assert [e.will_retry for e in client.events if isinstance(e, ErrorReported)] == [True, True]
    client.check_cards()
    await agent.close()


async def test_without_a_key_there_is_one_sentence_and_nothing_is_sent(house: House, model_server: ModelServer) -> None:
    del house.environ["SCRIPTED_KEY"]
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    done = await client.turn_end(turn_id)
    assert done.status == "failed"
    assert done.error is not None
    assert "SCRIPTED_KEY" in done.error.message
    assert model_server.requests == []
    await agent.close()


async def test_a_broken_config_is_named_and_the_last_good_one_goes_on(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Ok.")), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    _, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    house.configure('model = "x"\nmodel_provider = = "broken"\n')
    _, turn_id = await house.begin(agent, client)
    assert (await client.turn_end(turn_id)).status == "completed"
    warnings = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert len(warnings) == 1
    assert "config.toml:2" in warnings[0]
    await agent.close()


async def test_two_threads_work_at_once(house: House, model_server: ModelServer) -> None:
    model_server.script(lambda request, n: reply(text(f"Answer {n}.")))
    agent = house.agent()
    clients = [RecordingClient() for _ in range(5)]
    turns = await asyncio.gather(*(house.begin(agent, client) for client in clients))
    ends = await asyncio.gather(*(client.turn_end(turn) for client, (_, turn) in zip(clients, turns, strict=True)))
    assert [end.status for end in ends] == ["completed"] * 5
    for client in clients:
        assert len({e.thread_id for e in client.events if isinstance(e, CardStarted)}) == 1
    await agent.close()


async def test_nothing_is_sent_anywhere_when_the_configuration_could_not_be_read(house: House, model_server: ModelServer) -> None:
    house.configure('model_provider = = "scripted"\n')
    house.environ |= {"OPENAI_API_KEY": "sk-openai", "OPENAI_BASE_URL": model_server.base_url}
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    done = await client.turn_end(turn_id)
    assert done.status == "failed"
    assert done.error is not None
    assert "config.toml:1 cannot be used" in done.error.message
    assert "-c model_provider=" in done.error.message
    warnings = [event.message for event in client.events if isinstance(event, WarningReported)]
    assert ["config.toml:1" in warning for warning in warnings] == [True]
    assert model_server.requests == []
    model_server.script([reply(text("Mended."))])
    house.configure(house.configuration)
    assert (await client.turn_end(await more(agent, client, thread_id, "again"))).status == "completed"
    assert model_server.requests[0].headers["authorization"] == "Bearer sk-scripted-123456"
    await agent.close()


async def test_the_doctor_names_the_weights_that_are_missing(house: House) -> None:
    house.configure('model_provider = "local"\n[local]\nmodel_path = "gone.gguf"\n')
    agent = house.agent()
    found = await agent.info("doctor", cwd=str(house.workspace))
    assert "gone.gguf cannot be read" in found["modelProblem"]
    house.configure(house.configuration)
    assert (await agent.info("doctor", cwd=str(house.workspace)))["modelProblem"] is None
    await agent.close()


async def test_a_plan_that_is_not_done_is_told_again_to_who_resumes(house: House, model_server: ModelServer) -> None:
    def planned(*states: str) -> bytes:
        steps = [{"step": f"step {number}", "status": state} for number, state in enumerate(states)]
        return reply(call("update_plan", {"plan": steps}), text("So far."))

    model_server.script(
        [planned("completed", "pending"), reply(text("Ok.")), planned("completed", "completed"), reply(text("Ok."))]
    )
    for told in (1, 0):
        agent, client = house.agent(), RecordingClient()
        thread_id, turn_id = await house.begin(agent, client)
        await client.turn_end(turn_id)
        await agent.close()
        agent, late = house.agent(), RecordingClient()
        await agent.submit(ResumeThread(thread_id), late)
        plans = [event for event in late.events if isinstance(event, PlanUpdated)]
        assert [plan.steps for plan in plans] == [(("step 0", "completed"), ("step 1", "pending"))] * told
        await agent.close()


async def test_an_interrupt_ends_what_its_turn_left_running_and_nothing_older(house: House, model_server: ModelServer) -> None:
    def left(name: str) -> bytes:
        return reply(call("exec_command", {"cmd": f"echo $$ > {name}; exec sleep 600", "yield_time_ms": 250}))

    model_server.script([left("older"), reply(text("Runs.")), left("newer"), reply(call("exec_command", {"cmd": "sleep 600"}))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client, sandbox=SandboxPolicy("danger-full-access"))
    await client.turn_end(turn_id)
    again = await agent.submit(StartTurn(thread_id, (Text("more"),)), client)
    await client.until(lambda e: isinstance(e, CardStarted) and getattr(e.card, "view", {}).get("command") == "sleep 600")
    async with asyncio.timeout(60):
        written = [house.workspace / "older", house.workspace / "newer"]
        while not all(path.exists() and path.read_text() for path in written):  # noqa: ASYNC110 - by commands
            await asyncio.sleep(0.01)
    await agent.submit(InterruptTurn(thread_id), client)
    assert (await client.turn_end(again.id)).status == "interrupted"  # type: ignore[union-attr]
    pids = {name: int((house.workspace / name).read_text()) for name in ("older", "newer")}
    alive = {name: await asyncio.to_thread(os.path.exists, f"/proc/{pid}") for name, pid in pids.items()}
    assert alive == {"older": True, "newer": False}
    await agent.close()
    assert not await asyncio.to_thread(os.path.exists, f"/proc/{pids['older']}")


async def test_a_rule_that_is_written_while_a_thread_is_open_binds_its_next_turn(house: House, model_server: ModelServer) -> None:
    model_server.script([reply(text("Hello.")), reply(call("exec_command", {"cmd": "echo hi"})), reply(text("Ok."))])
    agent, client = house.agent(), RecordingClient()
    thread_id, turn_id = await house.begin(agent, client)
    await client.turn_end(turn_id)
    (house.homes.codex / "rules").mkdir()
    (house.homes.codex / "rules" / "default.rules").write_text('prefix_rule(pattern=["echo"], decision="forbidden")\n')
    again = await agent.submit(StartTurn(thread_id, (Text("more"),)), client)
    await client.turn_end(again.id)  # type: ignore[union-attr]
    assert "forbids" in outputs(model_server.requests[2].json)[0]
    await agent.close()
