"""Turns that wait for the user, in a real sidecar that is killed or closed: they go on, and no command is run twice."""

from __future__ import annotations

import os
import queue
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fakes import call, reply, text
from fakes.crash import Sidecar
from fakes.peer import HELLO
from fakes.preloaded import Preloaded
from fakes.responses import ModelServer

pytestmark = pytest.mark.e2e
WAIT = 60
STEPS = 3
KILLS = range(1, 31, 2)
"Messages that a client hears in one life until the process is killed."
OUTSIDE = {"sandbox_permissions": "require_escalated", "justification": "May I?"}
APPROVAL = "item/commandExecution/requestApproval"


@pytest.fixture(scope="module")
def program() -> Iterator[Preloaded]:
    with closing(Preloaded()) as made:
        yield made


class Life:
    """One life of the process, and a client that can be asked again. It says yes unless `silent`."""

    def __init__(self, program: Preloaded, folder: Path, model: ModelServer, *, silent: bool = False) -> None:
        for name in ("codex", "ws"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "codex" / "config.toml").write_text(
            f'model = "gpt-5.5"\nmodel_provider = "s"\n[model_providers.s]\nname = "S"\nbase_url = "{model.base_url}"\n'
        )
        env = {**os.environ, "CODEX_HOME": str(folder / "codex"), "TREADLE_HOME": str(folder / "treadle")}
        self.heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.silent = silent
        errors = folder / "stderr.txt"
        with errors.open("wb") as stderr:
            process = program.start(["app-server"], env, folder, stderr)
        self.sidecar = Sidecar(process, errors, self._heard)
        self.call("initialize", **HELLO)

    def _heard(self, sidecar: Sidecar, message: dict[str, Any]) -> None:
        if "id" in message and not self.silent:
            sidecar.say({"id": message["id"], "result": {"decision": "accept"}})
        self.heard.put(message)

    def ask(self, method: str, **params: Any) -> dict[str, Any] | None:
        """None: it was killed first."""
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.sidecar.ask(method, params, answers.put)
        while True:
            try:
                return answers.get(timeout=0.2)
            except queue.Empty:
                if self.sidecar.process.poll() is not None:
                    return None

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        answer = self.ask(method, **params)
        assert answer is not None, "it is gone"
        assert "result" in answer, answer
        return answer["result"]

    def until(self, method: str) -> dict[str, Any] | None:
        """What is told or asked by this name; None: it was killed first."""
        end = time.monotonic() + WAIT
        while True:
            assert time.monotonic() < end, f"no {method} in time"
            try:
                message = self.heard.get(timeout=0.2)
            except queue.Empty:
                if self.sidecar.process.poll() is not None:
                    return None
                continue
            if message["method"] == method:
                return message["params"]

    def begin(self, folder: Path) -> tuple[str, str]:
        options = {"cwd": str(folder / "ws"), "sandbox": "workspace-write", "approvalPolicy": "on-request"}
        thread_id = self.call("thread/start", **options)["thread"]["id"]
        return thread_id, self.call("turn/start", threadId=thread_id, input=[{"type": "text", "text": "go"}])["turn"]["id"]

    def resume(self, thread_id: str) -> list[dict[str, Any]]:
        return self.call("thread/resume", threadId=thread_id, goesOn=True)["thread"]["turns"]

    def hang_up(self) -> int:
        self.sidecar.process.stdin.close()
        return self.sidecar.process.wait(WAIT)


def steps(request: dict[str, Any], number: int) -> Any:
    """A command in each step, until there were enough."""
    done = sum(entry["type"] == "function_call" for entry in request["input"])
    if done == STEPS:
        return reply(text("All done.", deltas=2))
    return reply(text("Next.", deltas=2), call("exec_command", {"cmd": f"echo step-{done} >> ran.txt", **OUTSIDE}))


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_question_is_asked_again_after_the_process_ended_and_its_command_runs_once(
    tmp_path: Path, model_server: ModelServer, program: Preloaded, how: str
) -> None:
    model_server.script(steps)
    life = Life(program, tmp_path, model_server, silent=True)
    thread_id, turn_id = life.begin(tmp_path)
    asked = life.until(APPROVAL)
    assert asked is not None
    if how == "closed":
        assert life.hang_up() == 0
    else:
        life.sidecar.kill()
    again = Life(program, tmp_path, model_server)
    turns = again.resume(thread_id)
    assert [(turn["id"], turn["status"]) for turn in turns] == [(turn_id, "inProgress")]
    same = again.until(APPROVAL)
    assert same is not None
    assert {k: v for k, v in same.items() if k != "startedAtMs"} == {k: v for k, v in asked.items() if k != "startedAtMs"}
    ended = again.until("turn/completed")
    assert ended is not None
    assert (ended["turn"]["id"], ended["turn"]["status"]) == (turn_id, "completed")
    assert (tmp_path / "ws" / "ran.txt").read_text() == "step-0\nstep-1\nstep-2\n"
    items = again.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"][0]["items"]
    answers = [item["answer"] for item in items if item["type"] == "commandExecution"]
    assert answers == [{"verdict": "accept", "scope": None, "rule": None, "words": None}] * STEPS
    assert again.hang_up() == 0
    with closing(sqlite3.connect(tmp_path / "treadle" / "threads.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM draft").fetchone() == (0,)


def test_a_client_that_cannot_be_asked_again_finds_the_turn_interrupted(
    tmp_path: Path, model_server: ModelServer, program: Preloaded
) -> None:
    model_server.script(steps)
    life = Life(program, tmp_path, model_server, silent=True)
    thread_id, turn_id = life.begin(tmp_path)
    life.until(APPROVAL)
    assert life.hang_up() == 0
    again = Life(program, tmp_path, model_server)
    [turn] = again.call("thread/resume", threadId=thread_id)["thread"]["turns"]
    assert (turn["id"], turn["status"]) == (turn_id, "interrupted")
    assert not (tmp_path / "ws" / "ran.txt").exists()
    again.sidecar.kill()


def test_killed_at_any_moment_the_work_is_done_in_the_end_and_no_command_ran_twice(
    tmp_path: Path, model_server: ModelServer, program: Preloaded
) -> None:
    model_server.script(steps)
    life = Life(program, tmp_path, model_server)
    thread_id, _ = life.begin(tmp_path)
    went_on = continued = 0
    for number in KILLS:
        if life.silent:
            assert life.until(APPROVAL) is not None
        else:
            life.sidecar.kill_at = life.sidecar.messages + number
            if life.until("turn/completed") is not None:
                break
        life.sidecar.kill()
        # the second one waits for the user, for certain, when it is killed; whether another does is luck
        life = Life(program, tmp_path, model_server, silent=number == KILLS[0])
        if life.resume(thread_id)[-1]["status"] == "inProgress":
            went_on += 1
        else:
            continued += 1
            answer = life.ask("treadle/turn/continue", threadId=thread_id)
            assert answer is None or "result" in answer, answer
    life.sidecar.kill()
    life = Life(program, tmp_path, model_server)
    if (status := life.resume(thread_id)[-1]["status"]) != "completed":
        if status != "inProgress":
            life.call("treadle/turn/continue", threadId=thread_id)
        assert life.until("turn/completed") is not None
    turns = life.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"]
    assert turns[-1]["status"] == "completed"
    assert continued > 0
    assert went_on > 0
    ran = Counter((tmp_path / "ws" / "ran.txt").read_text().split())
    assert set(ran.values()) == {1}, ran
    done = [item for turn in turns for item in turn["items"] if item["type"] == "commandExecution"]
    assert len(done) == STEPS
    finished = {item["command"].split()[1] for item in done if item["status"] == "completed"}
    assert finished <= set(ran)
    assert life.hang_up() == 0
