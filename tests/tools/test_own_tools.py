"""The tools that touch little: what the model is told by them, and what it is told when it asks them for nonsense."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.commands import Shell
from treadle.adapters.outputs import DiskOutputs
from treadle.core.asking import DECLINE, Decision, Question
from treadle.core.errors import ToolFailure
from treadle.core.events import Event, PlanUpdated
from treadle.core.items import ToolOutput, decode, encode
from treadle.core.prompt import fragment
from treadle.core.settings import Provider, Settings
from treadle.runtime.ports import Call, Scope, Tool, ToolResult
from treadle.tools import builtin
from treadle.tools.read_output import ReadOutput
from treadle.tools.request_user_input import NO_ANSWER, NOBODY, RequestUserInput
from treadle.tools.update_plan import UpdatePlan
from treadle.tools.view_image import MAX_BYTES, ViewImage, media_type

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


async def called(tool: Tool, scope: Scope, **arguments: Any) -> ToolResult:
    call = Call("item", "call", tool.name, json.dumps(arguments), False, "thread", "turn")
    return await tool.run(call, await tool.prepare(call, scope), scope)


def sighted(shell: Shell) -> Scope:
    return replace(shell.scope(), settings=replace(shell.scope().settings, model="gpt-5.5"))


async def test_a_plan_is_announced_whole(shell: Shell) -> None:
    said: list[Event] = []
    scope = replace(shell.scope(), announce=said.append)
    steps = [{"step": " look ", "status": "completed"}, {"step": "do", "status": "in_progress"}]
    result = await called(UpdatePlan(), scope, plan=steps, explanation="because")
    assert result.text == "Plan updated"
    assert said == [PlanUpdated("thread", "turn", "because", (("look", "completed"), ("do", "in_progress")))]


@pytest.mark.parametrize(
    "plan",
    [
        None,
        [],
        "x",
        [3],
        [{"step": "", "status": "pending"}],
        [{"step": "a", "status": "done"}],
        [{"step": "a", "status": "pending"}] * 101,
    ],
)
async def test_a_plan_that_is_none_is_refused_in_words(shell: Shell, plan: object) -> None:
    with pytest.raises(ToolFailure, match=r"plan|step"):
        await called(UpdatePlan(), shell.scope(), plan=plan)


ASKED = {"questions": [{"id": "db", "header": "Database", "question": "Which?", "options": [{"label": "SQLite"}, "Postgres"]}]}


async def test_the_user_is_asked_and_the_model_reads_the_answer(shell: Shell) -> None:
    asked: list[Question] = []

    async def ask(question: Any) -> Decision:
        asked.append(question)
        return Decision("accept", content={"db": ["SQLite", "but in memory"]})

    result = await called(RequestUserInput(), replace(shell.scope(), ask=ask), **ASKED)
    assert json.loads(result.text) == {"answers": {"db": {"answers": ["SQLite", "but in memory"]}}}
    assert [choice.label for choice in asked[0].parts[0].choices] == ["SQLite", "Postgres"]
    assert asked[0].card_id == "item"


async def test_no_answer_and_nobody_there_are_words_for_the_model(shell: Shell) -> None:
    async def ask(question: Any) -> Decision:
        return DECLINE

    assert (await called(RequestUserInput(), replace(shell.scope(), ask=ask), **ASKED)).text == NO_ANSWER
    assert (await called(RequestUserInput(), shell.scope(), **ASKED)).text == NOBODY
    never = replace(shell.scope(), ask=ask, settings=replace(shell.scope().settings, approval_policy="never"))
    assert (await called(RequestUserInput(), never, **ASKED)).text == NOBODY


@pytest.mark.parametrize(
    "questions",
    [
        None,
        [],
        [{"id": "a", "question": "?"}] * 4,
        [{"id": "a", "question": "?"}] * 2,
        [{"id": "a", "question": " "}],
        [{"id": "a", "question": "?", "options": "b"}],
        [{"id": "a", "question": "?", "options": [{"description": "b"}]}],
        [{"id": "a", "question": 3}],
    ],
)
async def test_questions_that_are_none_are_refused_in_words(shell: Shell, questions: object) -> None:
    with pytest.raises(ToolFailure, match="failed to parse"):
        await called(RequestUserInput(), shell.scope(), questions=questions)


async def test_a_picture_goes_to_the_model_after_its_name(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "shot.txt").write_bytes(PNG)
    result = await called(ViewImage(), sighted(shell), path="shot.txt", detail="original")
    assert result.view == {"view": "image", "path": str(tmp_path / "shot.txt")}
    output = ToolOutput("o", 1.0, "turn", "call", result.text, images=result.images)
    assert decode(encode(output)) == output
    parts = json.loads(fragment(output) or "")["output"]
    assert [part["type"] for part in parts] == ["input_text", "input_image"]
    assert parts[1]["image_url"].startswith("data:image/png;base64,iVBOR")
    assert parts[1]["detail"] == "high"


async def test_what_is_no_picture_is_refused_in_words(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not a picture")
    (tmp_path / "big.png").write_bytes(PNG + b"\0" * MAX_BYTES)
    (tmp_path / "folder.png").mkdir()
    for name, words in (("a.png", "is not a PNG"), ("big.png", "bytes"), ("folder.png", "failed"), ("none.png", "No such file")):
        with pytest.raises(ToolFailure, match=words):
            await called(ViewImage(), sighted(shell), path=name)
    with pytest.raises(ToolFailure, match="does not take pictures"):
        await called(ViewImage(), shell.scope(), path="a.png")


@given(st.binary(max_size=40))
def test_any_bytes_have_a_media_type_or_none(data: bytes) -> None:
    assert media_type(data) in (None, "image/png", "image/jpeg", "image/gif", "image/webp")


@pytest.fixture
def kept(shell: Shell, tmp_path: Path) -> Scope:
    outputs = DiskOutputs(tmp_path / "outputs")
    spill = outputs.open("thread", "item")
    spill.write("".join(f"line-{number}\n" for number in range(1, 200_001)))
    spill.close()
    shell.outputs = outputs
    return shell.scope()


async def test_a_range_of_a_kept_output_is_read(kept: Scope) -> None:
    read = await called(ReadOutput(), kept, output="/anywhere/thread/item.txt", start_line=150_000, max_lines=2)
    assert read.text == "Lines 150,000 to 150,001 of 200,000:\nline-150000\nline-150001\n"
    end = await called(ReadOutput(), kept, output="item.txt", start_line=-2)
    assert end.text == "Lines 199,999 to 200,000 of 200,000:\nline-199999\nline-200000\n"


async def test_a_kept_output_is_searched(kept: Scope) -> None:
    found = await called(ReadOutput(), kept, output="item.txt", contains="line-19999", max_lines=3)
    assert found.text == "19999: line-19999\n199990: line-199990\n199991: line-199991\n"


async def test_what_is_not_there_is_said(kept: Scope) -> None:
    assert "200,000 lines" in (await called(ReadOutput(), kept, output="item.txt", start_line=300_000)).text
    for name in ("other.txt", "../../etc/passwd", "/etc/passwd"):
        with pytest.raises(ToolFailure, match="no kept output"):
            await called(ReadOutput(), kept, output=name)


async def test_a_long_answer_is_cut_and_a_long_line_too(kept: Scope, tmp_path: Path) -> None:
    text = (await called(ReadOutput(), kept, output="item.txt", max_lines=5000, max_output_tokens=100)).text
    assert len(text) < 1_000
    spill = DiskOutputs(tmp_path / "outputs").open("thread", "wide")
    spill.write("x" * 3_000_000)
    spill.close()
    assert len((await called(ReadOutput(), kept, output="wide.txt", max_output_tokens=100_000)).text) < 25_000


def test_what_is_listed_follows_model_and_settings() -> None:
    def names(**changes: Any) -> list[str]:
        return [tool.name for tool in builtin(replace(Settings("/w", "gpt-5.5", Provider("p", "P", "")), **changes))]

    everything = ["exec_command", "write_stdin", "apply_patch", "read_output", "update_plan", "request_user_input", "view_image"]
    assert names() == everything
    assert names(model="some-model") == everything[:-1]
    assert names(plan_tool=False, question_tool=False) == [*everything[:4], "view_image"]
