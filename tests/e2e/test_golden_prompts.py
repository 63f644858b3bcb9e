"""Prompts that were read and approved: what the model is told at first, after each change in mid-thread, and after a kill."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from fakes import call, reply, text
from fakes.place import Place
from fakes.prefix import compare
from fakes.responses import ModelServer
from fakes.snapshots import snapshot
from fakes.world import RecordingClient
from treadle.core.grants import GrantScope, Subject
from treadle.core.ops import GrantChange, ResumeThread, WriteRules
from treadle.core.settings import SandboxPolicy


async def test_a_folder_without_a_project(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text("Ok."))])
    place = Place(tmp_path, model_server, git=False)
    agent = place.agent(sandbox_mode="read-only")
    thread_id = await place.open(agent, RecordingClient())
    assert await place.say(agent, thread_id, "What is here?") == "completed"
    await agent.close()
    snapshot("no_project.txt", place.readable(model_server.requests[0].json))


async def test_what_the_user_allowed_is_told_at_the_beginning_and_no_news_of_it_later(
    tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.script([reply(text("Ok.")), reply(text("Ok."))])
    place = Place(tmp_path, model_server)
    agent = place.agent()

    async def allow(scope: GrantScope, words: str, *, outside: bool = True, folder: Path | None = None) -> None:
        workspace = str(folder) if folder else None
        add = GrantChange("add", scope=scope, subject=Subject("command", words, outside), workspace=workspace)
        await agent.submit(WriteRules((add,)), RecordingClient())

    await allow("always", "npm run build")
    await allow("workspace", "make", folder=place.workspace)
    await allow("workspace", "make elsewhere", folder=tmp_path)
    await allow("always", "cargo test", outside=False)
    thread_id = await place.open(agent, RecordingClient())
    await place.say(agent, thread_id, "Build it.")
    await allow("always", "cargo build")
    assert await place.say(agent, thread_id, "And again.") == "completed"
    await agent.close()
    snapshot("what_was_allowed.txt", place.readable(model_server.requests[1].json))


async def test_nested_instruction_files_with_an_override_and_a_fallback(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text("Ok."))])
    place = Place(tmp_path, model_server, top='project_doc_fallback_filenames = ["HINTS.md"]')
    (place.homes.codex / "AGENTS.md").write_text("Mine: answer in English.")
    root, middle, deep = place.workspace, place.workspace / "a", place.workspace / "a" / "b"
    deep.mkdir(parents=True)
    (root / "AGENTS.md").write_text("Root: not read, the override wins.")
    (root / "AGENTS.override.md").write_text("Root: the override.")
    (middle / "HINTS.md").write_text("Middle: a fallback name.")
    (deep / "AGENTS.md").write_text("Deep: the last word.")
    (deep / "HINTS.md").write_text("Deep: not read, one file a folder.")
    agent = place.agent()
    thread_id = await place.open(agent, RecordingClient(), deep)
    assert await place.say(agent, thread_id, "Go.") == "completed"
    await agent.close()
    snapshot("nested_agents.txt", place.readable(model_server.requests[0].json))


async def test_every_change_in_mid_thread_is_appended(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script([reply(text(f"Answer {n}.")) for n in range(9)])
    place = Place(tmp_path, model_server)
    notes, other = place.workspace / "AGENTS.md", place.workspace / "other"
    notes.write_text("Use spaces.")
    other.mkdir()
    agent = place.agent()
    thread_id = await place.open(agent, RecordingClient())

    async def say(words: str, **overrides: object) -> None:
        assert await place.say(agent, thread_id, words, **overrides) == "completed"

    await say("Begin.")
    await say("Approvals are off.", approval_policy="never")
    await say("Full access.", sandbox=SandboxPolicy("danger-full-access"))
    await say("Another folder.", cwd=str(other), sandbox=SandboxPolicy("read-only"), approval_policy="on-request")
    notes.write_text("Use tabs.")
    await say("AGENTS.md has changed.")
    notes.unlink()
    await say("AGENTS.md is gone.")
    await say("Another model.", model="gpt-5.1", effort="high")
    await say("Other base instructions.", base_instructions="You are somebody else.")
    await say("Developer instructions.", developer_instructions="Write haiku.")
    await agent.close()
    for before, after in itertools.pairwise(request.raw for request in model_server.requests):
        assert compare(before, after) is None
    snapshot("changes_in_mid_thread.txt", place.readable(model_server.requests[-1].json))


async def test_a_thread_that_is_resumed_after_a_kill(tmp_path: Path, model_server: ModelServer) -> None:
    waits = {"cmd": "echo begun; sleep 1000", "yield_time_ms": 30_000}
    model_server.script([reply(text("I look."), call("exec_command", waits, call_id="call_1")), reply(text("Ok."))])
    place = Place(tmp_path, model_server)
    thread_id = await asyncio.to_thread(_killed_in_a_command, place)
    agent, client = place.agent(), RecordingClient()
    await agent.submit(ResumeThread(thread_id), client)
    assert await place.say(agent, thread_id, "Go on.") == "completed"
    await agent.close()
    assert compare(model_server.requests[0].raw, model_server.requests[1].raw) is None
    snapshot("resumed_after_a_kill.txt", place.readable(model_server.requests[1].json))


def _killed_in_a_command(place: Place) -> str:
    """Begin a turn in an app-server and kill it while its command runs; the thread's id."""
    env = {**place.environ, "CODEX_HOME": str(place.homes.codex), "TREADLE_HOME": str(place.homes.treadle)}
    argv = [sys.executable, "-m", "treadle", "app-server", "-c", "sandbox_mode=workspace-write"]
    argv += ["-c", "sandbox_workspace_write.exclude_slash_tmp=true"]
    process = subprocess.Popen(argv, env=env, cwd=place.workspace, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    thread_id = ""
    try:
        opening = {"clientInfo": {"name": "test", "title": None, "version": "0"}, "capabilities": None}
        _send(process, 1, "initialize", opening)
        _send(process, 2, "thread/start", {"cwd": str(place.workspace)})
        for line in process.stdout:
            message = json.loads(line)
            if message.get("id") == 2:
                thread_id = message["result"]["thread"]["id"]
                words = [{"type": "text", "text": "Look around.", "text_elements": []}]
                _send(process, 3, "turn/start", {"threadId": thread_id, "input": words})
            if message.get("method") == "item/commandExecution/outputDelta":
                break
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
    return thread_id


def _send(process: subprocess.Popen[bytes], number: int, method: str, params: object) -> None:
    assert process.stdin
    process.stdin.write(json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n")
    process.stdin.flush()
