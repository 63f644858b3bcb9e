"""exec_command over real commands: what the model reads, what the screen shows, what is left running."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from fakes.commands import HeldClock, Shell, drawn
from treadle.adapters.outputs import DiskOutputs
from treadle.adapters.sandbox import pick
from treadle.core.errors import ToolFailure
from treadle.core.policy import RunCommand, WriteFiles
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import Call, Plan
from treadle.tools.apply_patch import ApplyPatch
from treadle.tools.exec_command import ExecCommand
from treadle.tools.sessions import BUFFER_BYTES, LIVE_PIECE_BYTES

EXEC = ExecCommand(ApplyPatch())


async def prepare(here: Shell, **arguments: Any) -> Plan:
    return await EXEC.prepare(Call("i", "c", "exec_command", json.dumps(arguments), False, "th", "tu"), here.scope())


async def test_the_answer_has_its_fields_in_order_and_the_output_last(shell: Shell):
    result = await shell.call(EXEC, cmd="echo out; echo err >&2")
    assert re.fullmatch(
        r"Chunk ID: [0-9a-f]{6}\nWall time: \d+\.\d{4} seconds\nProcess exited with code 0\n"
        r"Original token count: 2\nOutput:\nout\nerr\n",
        result.text,
    )
    assert result.status == "completed"
    assert "".join(shell.emitted) == "out\nerr\n"
    assert len(shell.sessions) == 0


async def test_the_screen_gets_command_folder_meaning_output_and_code(shell: Shell):
    (shell.cwd / "sub").mkdir()
    (shell.cwd / "sub" / "a.txt").write_text("hello\n")
    view = drawn(await shell.call(EXEC, cmd="cat a.txt", workdir="sub"))
    assert view.pop("duration_ms") is not None
    assert view == {
        "view": "command",
        "command": "cat a.txt",
        "cwd": str(shell.cwd / "sub"),
        "actions": [{"type": "read", "command": "cat a.txt", "name": "a.txt", "path": str(shell.cwd / "sub" / "a.txt")}],
        "output": "hello\n",
        "exit_code": 0,
        "process_id": None,
    }


@pytest.mark.parametrize(("cmd", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("no-such-program", 127)])
async def test_a_failing_command_is_an_ordinary_answer_with_its_code(shell: Shell, cmd: str, code: int):
    result = await shell.call(EXEC, cmd=cmd)
    assert f"\nProcess exited with code {code}\n" in result.text
    assert (result.status, drawn(result)["exit_code"]) == ("failed", code)


async def test_a_command_that_goes_on_becomes_a_session(shell: Shell):
    shell.clock = HeldClock()
    call = asyncio.create_task(shell.call(EXEC, cmd="echo ready; exec sleep 1000"))
    await shell.seen("ready")
    shell.clock.go.set()
    result = await call
    found = re.search(r"\nProcess running with session ID (\d+)\n", result.text)
    assert found
    assert 1_000 <= int(found[1]) < 100_000
    assert result.text.endswith("Output:\nready\n")
    view = drawn(result)
    assert (view["process_id"], view["exit_code"], view["output"], result.status) == (found[1], None, "ready\n", "completed")
    assert shell.sessions.get(int(found[1])) is not None


@pytest.mark.parametrize(("asked", "waited"), [(None, 10), (0, 0.25), (100, 0.25), (5_000, 5), (99_999, 30), ("1000", 1)])
async def test_the_wait_is_clamped(shell: Shell, asked: object, waited: float):
    clock = shell.clock = HeldClock()
    clock.go.set()
    await shell.call(EXEC, cmd="sleep 1000", yield_time_ms=asked)
    assert clock.asked == [waited]


async def test_a_cancelled_command_is_gone_with_its_children(shell: Shell):
    call = asyncio.create_task(shell.call(EXEC, cmd="sleep 1000 & echo $$ $! ready; wait"))
    pids = [int(word) for word in (await shell.seen("ready")).split()[:2]]
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert len(shell.sessions) == 0


async def test_what_a_command_leaves_behind_ends_with_it(shell: Shell):
    result = await shell.call(EXEC, cmd="sleep 1000 & echo $!")
    assert "Process exited with code 0" in result.text
    with pytest.raises(ProcessLookupError):
        os.kill(int(result.text.split()[-1]), 0)


async def test_long_output_loses_its_middle_for_the_model_and_is_bounded_for_the_screen(shell: Shell):
    result = await shell.call(EXEC, cmd="echo begin; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end")
    header, output = result.text.split("Output:\n")
    assert "Original token count: 750003\n" in header
    assert output.startswith("Warning: truncated output (original token count: 750003)\nTotal output lines: 3\n\nbegin\nxxx")
    assert output.endswith("xxx\nend\n")
    assert "…740003 tokens truncated…" in output
    shown = drawn(result)["output"] or ""
    assert BUFFER_BYTES <= len(shown.encode()) <= BUFFER_BYTES + 100
    assert all(len(piece.encode()) <= LIVE_PIECE_BYTES for piece in shell.emitted)
    assert len("".join(shell.emitted)) <= BUFFER_BYTES + 100


@pytest.mark.parametrize(("asked", "limit", "left"), [(5, None, 5), (None, 7, 7), (50, 7, 7), (0, None, 0)])
async def test_the_model_gets_what_it_asks_for_within_the_threads_limit(
    shell: Shell, asked: int | None, limit: int | None, left: int
):
    shell.settings = {"tool_output_tokens": limit}
    result = await shell.call(EXEC, cmd="printf %0400d 0", max_output_tokens=asked)
    assert f"{'0' * (left * 2)}…{100 - left} tokens truncated…{'0' * (left * 2)}" in result.text
    assert drawn(result)["output"] == "0" * 400


async def test_a_terminal_is_given_when_asked_for(shell: Shell):
    assert "terminal" in (await shell.call(EXEC, cmd="test -t 1 && echo terminal", tty=True)).text
    assert "pipe" in (await shell.call(EXEC, cmd="test -t 1 || echo pipe")).text


@pytest.mark.parametrize(
    ("arguments", "allowed", "said"),
    [
        ({}, True, "login"),
        ({"login": False}, True, "plain"),
        ({"login": True}, False, "plain"),
        ({"login": "false"}, True, "plain"),
    ],
)
async def test_it_is_a_login_shell_unless_somebody_objects(shell: Shell, arguments: dict[str, Any], allowed: bool, said: str):
    shell.settings = {"allow_login_shell": allowed}
    result = await shell.call(EXEC, cmd="shopt -q login_shell && echo login || echo plain", **arguments)
    assert result.text.endswith(f"Output:\n{said}\n")


async def test_the_shell_can_be_named_but_not_brought_along(shell: Shell):
    assert (await prepare(shell, cmd="true", shell="sh")).data.spec.argv[0] in ("/bin/sh", "/usr/bin/sh")
    own = shell.cwd / "python"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    for name in (str(own), "python3", "no-such-shell"):
        with pytest.raises(ToolFailure, match="there is no shell"):
            await prepare(shell, cmd="true", shell=name)


async def test_the_environment_is_plain_and_free_of_secrets(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-seen")
    result = await shell.call(EXEC, cmd="env", login=False)
    lines = result.text.split("Output:\n")[1].splitlines()
    assert {"NO_COLOR=1", "TERM=dumb", "LC_ALL=C.UTF-8", "PAGER=cat", "CODEX_CI=1", "TREADLE=1"} <= set(lines)
    assert "sk-never-seen" not in result.text
    assert "SANDBOX" not in result.text


async def test_in_the_sandbox_a_write_outside_fails_as_an_ordinary_answer(tmp_path: Path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    sandbox = pick(tmp_path / "state")
    shell = Shell(inside, sandbox, SandboxPolicy("workspace-write"))
    try:
        result = await shell.call(EXEC, cmd=f"echo a > a; echo b > {outside}/b; env | grep SANDBOX | sort", login=False)
    finally:
        await shell.sessions.close()
        await sandbox.close()
    assert (inside / "a").read_text() == "a\n"
    assert not list(outside.iterdir())
    assert result.text.endswith("CODEX_SANDBOX_NETWORK_DISABLED=1\nTREADLE_SANDBOX=workspace-write\n")


async def test_without_a_sandbox_a_confined_command_is_not_started(shell: Shell):
    shell.policy = SandboxPolicy("read-only")
    with pytest.raises(ToolFailure, match=r"^exec_command failed: The command was not started\."):
        await shell.call(EXEC, cmd="touch x")
    assert not (shell.cwd / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("{", "failed to parse function arguments"),
        ("[]", "expected a JSON object"),
        ("{}", "`cmd` must be a shell line"),
        ('{"cmd": "  "}', "`cmd` must be a shell line"),
        ('{"cmd": 1}', "`cmd` must be a string"),
        ('{"cmd": "a\\u0000b"}', "NUL"),
        ('{"cmd": "ls", "yield_time_ms": "soon"}', "`yield_time_ms` must be a number"),
        ('{"cmd": "ls", "yield_time_ms": 1e999}', "`yield_time_ms` must be a number"),
        ('{"cmd": "ls", "tty": 3}', "`tty` must be true or false"),
        ('{"cmd": "ls", "workdir": "no/such/folder"}', "is not a folder"),
        ('{"cmd": "ls", "prefix_rule": [1]}', "`prefix_rule` must be a list of strings"),
        ('{"cmd": "ls", "sandbox_permissions": "please"}', "`sandbox_permissions` cannot be 'please'"),
        (json.dumps({"cmd": "ls", "workdir": "x" * 5000}), "exec_command failed"),
        (json.dumps({"cmd": "*** Begin Patch\n*** End Patch"}), "call the tool apply_patch"),
    ],
)
async def test_the_models_mistakes_are_said_in_a_few_words(shell: Shell, arguments: str, said: str):
    with pytest.raises(ToolFailure) as failure:
        await EXEC.prepare(Call("i", "c", "exec_command", arguments, False, "th", "tu"), shell.scope())
    assert said in failure.value.message
    assert len(failure.value.message.encode()) <= 900


async def test_a_wish_to_leave_the_sandbox_carries_the_models_reason(shell: Shell):
    plan = await prepare(
        shell, cmd="npm i", sandbox_permissions="require_escalated", justification="needs the net", prefix_rule=["npm", "i"]
    )
    assert plan.wish == RunCommand("npm i", str(shell.cwd), True, "needs the net", ("npm", "i"))
    assert (await prepare(shell, cmd="npm i", prefix_rule=["npm"])).wish == RunCommand("npm i", str(shell.cwd))


async def test_a_script_that_is_a_patch_goes_to_the_patch_tool(shell: Shell):
    (shell.cwd / "sub").mkdir()
    script = "cd sub && apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: a.txt\n+hello\n*** End Patch\nEOF"
    call = Call("i", "c", "exec_command", json.dumps({"cmd": script}), False, "th", "tu")
    plan = await EXEC.prepare(call, shell.scope())
    assert plan.wish == WriteFiles((str(shell.cwd / "sub" / "a.txt"),))
    assert plan.view.get("view") == "file_change"
    result = await EXEC.run(call, plan, shell.scope())
    assert (shell.cwd / "sub" / "a.txt").read_text() == "hello\n"
    assert "A a.txt" in result.text


def test_the_entry_in_the_prompt_is_the_same_every_time():
    assert json.dumps(ExecCommand().spec(True)) == json.dumps(EXEC.spec(False))
    assert "login" in EXEC.spec(True)["parameters"]["properties"]
    assert "login" not in ExecCommand(allow_login_shell=False).spec(True)["parameters"]["properties"]


async def test_a_login_shell_is_not_started_again_when_the_environment_is_its_own(shell: Shell) -> None:
    scope = dataclasses.replace(shell.scope(), login_done=True)
    call = Call("i", "c", "exec_command", json.dumps({"cmd": "true"}), False, "t", "u")
    plan = await EXEC.prepare(call, scope)
    assert plan.data.spec.argv[1] == "-c"


async def test_known_secrets_reach_neither_model_nor_screen_nor_disk(shell: Shell, tmp_path: Path) -> None:
    secret = "sk-acme-0123456789abcdef"
    shell.secrets = (secret,)
    shell.outputs = DiskOutputs(tmp_path / "outputs")
    line = f"printf 'a {secret[:9]}'; sleep 0.1; echo {secret[9:]} b; seq 100000; echo {secret}; printf '{secret[:7]}'"
    result = await shell.call(EXEC, cmd=line, login=False)
    shown = "".join(shell.emitted)
    (kept,) = (tmp_path / "outputs" / "thread").iterdir()
    everything = [result.text, drawn(result)["output"] or "", shown, kept.read_text()]
    for text in everything:
        assert secret not in text
        assert secret[9:] not in text
        assert "a [redacted] b\n" in text
        assert text.endswith("[redacted]\nsk-acme")
