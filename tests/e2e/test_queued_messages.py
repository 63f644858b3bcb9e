"""Messages that wait, in a real sidecar: a kill at any moment loses none and repeats none."""

from __future__ import annotations

import os
import queue
from contextlib import closing
from pathlib import Path
from typing import Any

from fakes import reply, text
from fakes.crash import Sidecar
from fakes.peer import HELLO
from fakes.preloaded import Preloaded
from fakes.responses import ModelServer

WORDS = ("one", "two", "three", "four")
KILLS = range(1, 42, 2)
"Messages that a client hears from when the first turn is let go on until the process is killed."
WAIT = 60


def words(item: dict[str, Any]) -> str:
    return "".join(part["text"] for part in item["content"] if part["type"] == "text")


def user_input(said: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": said}]


class Life:
    """One life of the process, and a client that waits for it."""

    def __init__(self, program: Preloaded, folder: Path, model: ModelServer) -> None:
        (folder / "codex").mkdir(parents=True, exist_ok=True)
        (folder / "codex" / "config.toml").write_text(
            f'model = "gpt-5.5"\nmodel_provider = "s"\n[model_providers.s]\nname = "S"\nbase_url = "{model.base_url}"\n'
        )
        env = {**os.environ, "CODEX_HOME": str(folder / "codex"), "TREADLE_HOME": str(folder / "treadle")}
        self.heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        errors = folder / "stderr.txt"
        with errors.open("wb") as stderr:
            process = program.start(["app-server"], env, folder, stderr)
        self.sidecar = Sidecar(process, errors, lambda _, message: self.heard.put(message))
        self.call("initialize", **HELLO)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.sidecar.ask(method, params, answers.put)
        answer = answers.get(timeout=WAIT)
        assert "result" in answer, answer
        return answer["result"]

    def completed(self) -> dict[str, Any]:
        """The next turn that is over."""
        while True:
            message = self.heard.get(timeout=WAIT)
            if message["method"] == "turn/completed":
                return message["params"]["turn"]

    def said(self, thread_id: str) -> list[str]:
        turns = self.call("thread/read", threadId=thread_id, includeTurns=True)["thread"]["turns"]
        return [words(item) for turn in turns for item in turn["items"] if item["type"] == "userMessage"]

    def waiting(self, thread_id: str) -> list[str]:
        return [words({"content": row["input"]}) for row in self.call("thread/queue/list", threadId=thread_id)["data"]]

    def begin(self, folder: Path, model: ModelServer, gate: str) -> str:
        """A thread whose first turn stands before its gate, with three messages that wait and one that was promoted."""
        thread_id = self.call("thread/start", cwd=str(folder))["thread"]["id"]
        self.call("turn/start", threadId=thread_id, input=user_input(f"{WORDS[0]} {gate}"))
        model.wait(lambda server: gate in server._reached)  # pyright: ignore[reportPrivateUsage]
        ids = [
            self.call("thread/queue/add", threadId=thread_id, input=user_input(said), clientUserMessageId=said)
            for said in (*WORDS[1:], "promoted")
        ]
        self.call("treadle/queue/promote", threadId=thread_id, id=ids[-1]["queuedSubmission"]["id"])
        return thread_id


def speech(request: dict[str, Any], number: int) -> Any:
    last = next(entry for entry in reversed(request["input"]) if entry.get("role") == "user")
    said = last["content"][0]["text"]
    if said.startswith("one gate"):
        return reply(text(f"Answer {number}", deltas=2, hold={1: said.split()[1]}))
    return reply(text(f"Answer {number}", deltas=2))


def test_a_kill_at_any_moment_loses_no_message_and_repeats_none(tmp_path: Path, model_server: ModelServer) -> None:
    model_server.script(speech)
    with closing(Preloaded()) as program:
        states = kill_by_kill(program, tmp_path, model_server)
    assert len(states) > 2, "kills at several stages of the queue"


def kill_by_kill(program: Preloaded, folder: Path, model: ModelServer) -> set[int]:
    """How many messages waited after the kills."""
    before: tuple[str, str] | None = None
    states: set[int] = set()
    for number in KILLS:
        gate = f"gate-{number}"
        life = Life(program, folder, model)
        if before is not None:
            states.add(check(life, *before))
        thread_id = life.begin(folder, model, gate)
        life.sidecar.kill_at = life.sidecar.messages + number
        model.release(gate)
        life.sidecar.process.wait(WAIT)
        life.sidecar.kill()
        before = thread_id, gate
    assert before is not None
    life = Life(program, folder, model)
    states.add(check(life, *before))
    life.sidecar.kill()
    return states


def check(life: Life, thread_id: str, gate: str) -> int:
    """Every message is in the thread or in the queue, once; and what waited can be run. How many waited."""
    life.call("thread/resume", threadId=thread_id)
    said, waiting = life.said(thread_id), life.waiting(thread_id)
    assert sorted(said + waiting) == sorted([f"one {gate}", *WORDS[1:], "promoted"])
    assert [one for one in said + waiting if one in WORDS] == list(WORDS[1:])
    if waiting:
        life.call("thread/queue/start", threadId=thread_id)
        for _ in waiting:
            assert life.completed()["status"] == "completed"
        assert life.said(thread_id) == said + waiting
        assert life.waiting(thread_id) == []
    return len(waiting)
