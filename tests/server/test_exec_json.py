"""A headless turn: what is printed, what is written, what the exit status says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes import samples, scripts
from fakes.agent import AT, ScriptedAgent, Stage
from treadle.core import events as e
from treadle.core.errors import RequestRefused, TreadleError
from treadle.core.ops import Op, ResumeThread, StartThread, StartTurn
from treadle.core.views import CallCard, MessageCard
from treadle.runtime.answers import Answer
from treadle.runtime.ports import Client
from treadle.server import exec_json, progress
from treadle.server.exec_json import ExecRequest

KINDS = {"agent_message", "reasoning", "command_execution", "file_change", "mcp_tool_call", "web_search", "error"}


def request(tmp_path: Path, **more: Any) -> ExecRequest:
    return ExecRequest(prompt="say hello", cwd=str(tmp_path), **more)


async def run(agent: ScriptedAgent, asked: ExecRequest) -> int:
    async def opened() -> Any:
        return agent

    return await exec_json.run(opened, asked)


async def test_the_answer_is_on_standard_output_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = ScriptedAgent()
    assert await run(agent, request(tmp_path)) == 0
    assert capsys.readouterr().out == "Hello, world\n"
    assert agent.closed
    start = agent.ops[0]
    assert isinstance(start, StartThread) and start.overrides.approval_policy == "never"


async def test_json_lines_are_those_that_programs_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(ScriptedAgent(), request(tmp_path, json=True)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    usage = {"input_tokens": 10, "cached_input_tokens": 4, "cache_write_input_tokens": 0, "output_tokens": 5}
    assert lines == [
        {"type": "thread.started", "thread_id": "thread-1"},
        {"type": "turn.started"},
        {"type": "item.completed", "item": {"id": "item_0", "type": "agent_message", "text": "Hello, world"}},
        {"type": "turn.completed", "usage": usage | {"reasoning_output_tokens": 2}},
    ]


async def test_every_card_has_its_line_and_every_id_is_stable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def everything(stage: Stage) -> None:
        for number, card in enumerate(samples.CARDS):
            own = card.__class__(f"{card.id}-{number}", *[getattr(card, name) for name in list(card.__slots__)[1:]])
            stage.say(
                e.CardStarted(stage.thread_id, stage.turn_id, own, AT), e.CardCompleted(stage.thread_id, stage.turn_id, own, AT)
            )

    assert await run(ScriptedAgent(everything), request(tmp_path, json=True)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    items = [line for line in lines if line["type"].startswith("item.")]
    assert {line["item"]["type"] for line in items} == KINDS - {"error"}
    started = [line["item"]["id"] for line in items if line["type"] == "item.started"]
    completed = [line["item"]["id"] for line in items if line["type"] == "item.completed"]
    assert set(started) <= set(completed) and len(set(completed)) == len(completed)
    statuses = {line["item"]["status"] for line in items if "status" in line["item"]}
    assert statuses == {"in_progress", "completed", "failed", "declined"}


async def test_a_plan_is_one_list_that_changes_until_the_turn_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def plans(stage: Stage) -> None:
        view: Any = {"view": "tool", "tool": "update_plan"}
        for states in (("in_progress", "pending"), ("completed", "in_progress")):
            card = CallCard("plan", "update_plan", "call", view, "completed")
            stage.say(e.CardStarted(stage.thread_id, stage.turn_id, card, AT))
            stage.say(e.PlanUpdated(stage.thread_id, stage.turn_id, None, tuple(zip(("look", "do"), states, strict=True))))
            stage.say(e.CardCompleted(stage.thread_id, stage.turn_id, card, AT))

    assert await run(ScriptedAgent(plans), request(tmp_path, json=True)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()][2:]
    assert [line["type"] for line in lines] == ["item.started", "item.updated", "item.completed", "turn.completed"]
    items = [{"text": "look", "completed": True}, {"text": "do", "completed": False}]
    assert lines[1]["item"] == lines[2]["item"] == {"id": "item_0", "type": "todo_list", "items": items}


async def test_a_failed_turn_is_said_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def fails(stage: Stage) -> None:
        stage.error = e.ErrorInfo("No key is set. Run treadle doctor.", "unauthorized")
        stage.status = "failed"

    assert await run(ScriptedAgent(fails), request(tmp_path)) == 1
    assert "No key is set. Run treadle doctor." in capsys.readouterr().err
    assert await run(ScriptedAgent(fails), request(tmp_path, json=True)) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == {"type": "turn.failed", "error": {"message": "No key is set. Run treadle doctor."}}


async def test_questions_are_declined_with_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(ScriptedAgent(scripts.approval), request(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert out == "decline\n" and "declined, since nobody is there to ask: May it?" in err


async def test_a_command_that_fails_shows_its_code_and_the_end_of_its_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails(stage: Stage) -> None:
        output = "".join(f"\x1b[31mline {number}\x1b[0m\r\n" for number in range(1_000)) + "y" * 500 + "\n"
        for number, status in enumerate(("failed", "completed")):
            view: Any = {"view": "command", "command": "make\n" + "x" * 500, "output": output, "exit_code": 2}
            card = CallCard(f"card-{number}", "exec_command", f"call-{number}", view, status)  # type: ignore[arg-type]
            stage.say(e.CardStarted(stage.thread_id, stage.turn_id, card, AT))
            stage.say(e.CardCompleted(stage.thread_id, stage.turn_id, card, AT))

    assert await run(ScriptedAgent(fails), request(tmp_path)) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].startswith("failed (exit 2): $ make xxx")
    assert lines[2:6] == [f"  line {number}" for number in range(996, 1_000)]
    assert lines[6].startswith("  yyy")
    assert len(lines) == 14
    assert max(map(len, lines)) == progress.WIDTH


async def test_an_interrupt_stops_the_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    working = asyncio.Event()

    async def script(stage: Stage) -> None:
        working.set()
        await scripts.endless(stage)

    agent = ScriptedAgent(script)
    running = asyncio.ensure_future(run(agent, request(tmp_path)))
    await working.wait()
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(running, 60) == 130
    assert agent.threads["thread-1"].turns[0].status == "interrupted"
    assert capsys.readouterr().err.splitlines()[-1] == "treadle: interrupted"


class Starting(ScriptedAgent):
    """Takes its time before a turn is there that could be interrupted."""

    def __init__(self) -> None:
        super().__init__(scripts.endless)
        self.starting, self.refused = asyncio.Event(), asyncio.Event()
        self.client: Client

    async def submit(self, op: Op, client: Client) -> Answer:
        if isinstance(op, StartTurn):
            self.client = client
            self.starting.set()
            await self.refused.wait()
        try:
            return await super().submit(op, client)
        except RequestRefused:
            self.refused.set()
            raise


async def test_an_interrupt_that_comes_while_the_turn_is_being_started_stops_it_when_it_is_there(tmp_path: Path) -> None:
    agent = Starting()
    running = asyncio.ensure_future(run(agent, request(tmp_path)))
    await agent.starting.wait()
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(running, 60) == 130
    assert agent.threads["thread-1"].turns[0].status == "interrupted"


async def test_a_reader_that_is_gone_before_the_turn_is_there_stops_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Starting()
    running = asyncio.ensure_future(run(agent, request(tmp_path)))
    await agent.starting.wait()

    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(progress, "write", gone)
    agent.client.notify([e.WarningReported("nobody reads this")])
    assert await asyncio.wait_for(running, 60) == 1
    assert agent.threads["thread-1"].turns[0].status == "interrupted"


async def test_the_last_message_goes_to_a_file_and_the_schema_comes_from_one(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    agent = ScriptedAgent()
    asked = request(tmp_path, output_last_message="last.txt", output_schema="schema.json", images=("a.png",))
    assert await run(agent, asked) == 0
    assert (tmp_path / "last.txt").read_text() == "Hello, world"
    turn = next(op for op in agent.ops if isinstance(op, StartTurn))
    assert turn.output_schema == {"type": "object"} and len(turn.content) == 2


@pytest.mark.parametrize("wrong", [{"images": ("none.png",)}, {"output_schema": "none.json"}])
async def test_what_cannot_be_read_is_a_wrong_command_line(
    tmp_path: Path, wrong: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(ScriptedAgent(), request(tmp_path, **wrong)) == 2
    assert "none." in capsys.readouterr().err


async def test_a_thread_is_resumed_by_id_or_as_the_newest(tmp_path: Path) -> None:
    agent = ScriptedAgent()
    assert await run(agent, request(tmp_path)) == 0
    for resume in ("thread-1", exec_json.LAST):
        assert await run(agent, request(tmp_path, resume=resume)) == 0
        assert [op.thread_id for op in agent.ops if isinstance(op, ResumeThread)][-1] == "thread-1"
    assert await run(agent, request(tmp_path, resume="unknown")) == 1
    assert await run(ScriptedAgent(), request(tmp_path, resume=exec_json.LAST)) == 1


async def test_an_agent_that_cannot_be_opened_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def opened() -> Any:
        raise TreadleError("The folder is full.", hint="Empty it.")

    assert await exec_json.run(opened, request(tmp_path, json=True)) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == {"type": "error", "message": "The folder is full. Empty it."}
    assert err == "treadle: The folder is full. Empty it.\n"


@pytest.mark.parametrize("terminal", [True, False])
async def test_the_models_words_cannot_steer_a_terminal(
    terminal: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2Jfine\u009b1m"

    async def speaks(stage: Stage) -> None:
        for card in (MessageCard("c", evil, phase="commentary"), MessageCard("a", evil)):
            stage.say(e.CardStarted(stage.thread_id, stage.turn_id, card, AT))
            stage.say(e.CardCompleted(stage.thread_id, stage.turn_id, card, AT))
        stage.say(e.WarningReported(evil))

    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert await run(ScriptedAgent(speaks), request(tmp_path, color=True)) == 0
    said = capsys.readouterr()
    assert "fine" in said.err and "\x1b[2mwarning: " in said.err
    assert {"\x07", "\x9b", "\x1b[2J"}.isdisjoint(said.err) and "\x1b]" not in said.err and "\x1b[2J" not in said.err
    assert (evil in said.out) is not terminal
    assert ("\x1b" in said.out) is not terminal
