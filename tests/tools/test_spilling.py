"""What the model is told of an output that was cut, and that the file which it is pointed to holds the whole."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from fakes.commands import HeldClock, Shell, drawn
from treadle.adapters.outputs import DiskOutputs
from treadle.runtime.ports import Call, ToolResult
from treadle.tools.exec_command import ExecCommand
from treadle.tools.sessions import BUFFER_BYTES
from treadle.tools.spilling import whole
from treadle.tools.write_stdin import WriteStdin

COUNT = "for i in $(seq 1 %d); do echo line-$i; done"


@pytest.fixture
def spilling(shell: Shell, tmp_path: Path) -> Shell:
    shell.outputs = DiskOutputs(tmp_path / "outputs")
    return shell


def pointed_to(result: ToolResult) -> Path:
    found = re.search(r"^Full output: (\S+) ", result.text, re.MULTILINE)
    assert found is not None, result.text[:500]
    return Path(found.group(1))


async def test_a_short_output_touches_no_disk(spilling: Shell, tmp_path: Path) -> None:
    result = await spilling.call(ExecCommand(), cmd=COUNT % 10)
    assert "Full output" not in result.text
    assert "spill" not in drawn(result)
    assert not (tmp_path / "outputs").exists()


async def test_an_output_that_is_cut_for_the_model_is_whole_on_disk(spilling: Shell) -> None:
    result = await spilling.call(ExecCommand(), cmd=COUNT % 3_000, max_output_tokens=200)
    assert "tokens truncated" in result.text
    path = pointed_to(result)
    assert path.name == drawn(result).get("spill") == "item.txt"
    assert path.read_text().split() == [f"line-{number}" for number in range(1, 3_001)]


async def test_an_output_that_memory_does_not_hold_is_whole_on_disk(spilling: Shell) -> None:
    lines = BUFFER_BYTES // 8
    result = await spilling.call(ExecCommand(), cmd=f"seq 10000001 {10_000_000 + lines * 3}", yield_time_ms=30_000)
    assert pointed_to(result).read_text().split() == [str(10_000_000 + n) for n in range(1, lines * 3 + 1)]


async def test_a_range_of_it_can_be_read_by_a_command(spilling: Shell) -> None:
    result = await spilling.call(ExecCommand(), cmd=COUNT % 3_000, max_output_tokens=200)
    again = await spilling.call(ExecCommand(), cmd=f"sed -n '1500,1501p' {pointed_to(result)}")
    assert again.text.endswith("line-1500\nline-1501\n")


async def test_a_command_that_goes_on_has_a_file_for_each_answer_that_was_cut(spilling: Shell) -> None:
    clock = spilling.clock = HeldClock()
    script = f"{COUNT % 2_000}; read; {COUNT % 1_000}"
    begun = asyncio.create_task(spilling.call(ExecCommand(), cmd=script, tty=True, max_output_tokens=100))
    await spilling.seen("line-2000")
    clock.go.set()
    first = await begun
    clock.go.clear()
    session = int(drawn(first)["process_id"] or 0)
    second = await spilling.call(WriteStdin(), session_id=session, chars="\n", max_output_tokens=100)
    one, two = pointed_to(first), pointed_to(second)
    assert [one.name, two.name] == ["item.txt", "item.1.txt"]
    assert "line-2000" in one.read_text()
    assert "line-1000" in two.read_text()
    assert "line-2000" not in two.read_text()


async def test_without_a_place_for_it_an_output_is_cut_as_before(shell: Shell) -> None:
    result = await shell.call(ExecCommand(), cmd=COUNT % 3_000, max_output_tokens=200)
    assert "tokens truncated" in result.text
    assert "Full output" not in result.text


def test_a_text_in_memory_is_kept_whole_too(tmp_path: Path) -> None:
    outputs, asked = DiskOutputs(tmp_path), Call("item", "call", "tool", "{}", False, "thread", "turn")
    assert whole("short", 100, outputs, asked) == ("short", None)
    text, name = whole("x" * 5_000, 100, outputs, asked)
    assert "tokens truncated" in text
    assert name == "item.txt"
    assert Path(text.split()[2]).read_text() == "x" * 5_000
    assert whole("x" * 5_000, 100, None, asked)[1] is None
