"""A stand for crash tests: an app-server process under load of several threads, killed at any moment, again and again on one
home.

Promises to keep what the process has announced, and to compare it with what the next process shows: every completed item is there
as it was announced, every ended turn has its end, no turn and no item is left in progress. Runs nothing itself but the process.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .preloaded import Preloaded, Process
from .slow_model import SUM_UP, SlowModel, Work

WAIT = 60.0
AGE = 14
"Kills after which a thread makes room for a new one, so that histories grow, but not for ever."


@dataclass
class Conversation:
    """One thread as its client knows it."""

    work: Work
    options: dict[str, Any]
    id: str = ""
    kills: int = 0
    turn: str | None = None
    "The one that runs."
    items: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    "Announced as completed, by id."
    ended: dict[str, str] = field(default_factory=dict[str, str])
    "Status of turns that were announced as over."
    said: set[str] = field(default_factory=set[str])
    "Words of the user that the process has taken."
    partial: dict[str, str] = field(default_factory=dict[str, str])
    "What streamed of messages that were not completed."


class Sidecar:
    """One life of the process. `heard` is called with every message, in the thread that reads."""

    def __init__(self, process: Process, errors: Path, heard: Callable[[Sidecar, dict[str, Any]], None]) -> None:
        self.process = process
        self.errors = errors
        self._heard = heard
        self._ids = itertools.count(1)
        self._asked: dict[int, Callable[[dict[str, Any]], None]] = {}
        self._lock = threading.Lock()
        self.messages = 0
        self.kill_at: int | None = None
        self.broken: BaseException | None = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def ask(self, method: str, params: dict[str, Any], then: Callable[[dict[str, Any]], None] | None = None) -> None:
        id = next(self._ids)
        if then is not None:
            self._asked[id] = then
        self.say({"id": id, "method": method, "params": params})

    def say(self, message: dict[str, Any]) -> None:
        try:
            with self._lock:
                self.process.stdin.write(json.dumps(message).encode() + b"\n")
        except OSError:
            pass  # it was killed

    def kill(self) -> None:
        """And hear what it had said."""
        self.process.kill()
        self.process.wait()
        self.reader.join(WAIT)
        assert not self.reader.is_alive(), "somebody else holds its standard output"
        said = self.errors.read_text()
        if self.broken is not None:
            self.broken.add_note(said[-4000:])
            raise self.broken
        assert "Traceback" not in said, said[-4000:]

    def _read(self) -> None:
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # cut by the kill: nobody has heard it
            self.messages += 1
            try:
                self._take(json.loads(line))
            except BaseException as problem:
                self.broken = self.broken or problem
            if self.messages == self.kill_at:
                self.process.kill()

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self._heard(self, message)
        elif (then := self._asked.pop(message["id"], None)) is not None:
            then(message)


class Stand:
    """`seed` decides everything but the time that things take."""

    def __init__(self, folder: Path, seed: int, program: Preloaded, threads: int = 8) -> None:
        self._program = program
        self.rng = random.Random(seed)
        self.folder = folder
        self.sleep = f"600.{seed:04}{os.getpid():07}"
        self.model = SlowModel(random.Random(seed + 1), self.sleep)
        self.model.start()
        self.home = folder / "home"
        for made in (self.home / "codex", self.home / "treadle", folder / "ws"):
            made.mkdir(parents=True, exist_ok=True)
        self._configure()
        self._numbers = itertools.count(1)
        self.conversations = [self._new(place) for place in range(threads)]
        self.retired: list[Conversation] = []
        self.ready = threading.Semaphore(0)
        self.quiet = False
        "No more turns are begun."
        self.drafts = 0
        "Messages that were cut by a kill and are there as far as they were kept."

    def _configure(self) -> None:
        (self.home / "codex" / "config.toml").write_text(
            f'model = "gpt-5.5"\nmodel_provider = "slow"\ncompact_prompt = "{SUM_UP}"\n[model_providers.slow]\nname = "Slow"\n'
            f'base_url = "http://127.0.0.1:{self.model.port}/v1"\nrequest_max_retries = 0\n'
        )

    def _new(self, place: int) -> Conversation:
        work = Work(self.folder / "ws" / f"t{next(self._numbers)}")
        work.make()
        confined = place % 2 == 0
        options = {
            "cwd": str(work.folder),
            "sandbox": "workspace-write" if confined else "danger-full-access",
            "approvalPolicy": "untrusted" if place in (1, 2) else "never",
        }
        return Conversation(work, options)

    def start(self) -> Sidecar:
        """A new process that loads every thread, and begins its next turn."""
        self.ready = threading.Semaphore(0)
        env = {
            **os.environ,
            "CODEX_HOME": str(self.home / "codex"),
            "TREADLE_HOME": str(self.home / "treadle"),
            "HOME": str(self.home),
        }
        path = self.folder / "stderr.txt"
        with path.open("wb") as errors:
            sidecar = Sidecar(self._program.start(["app-server"], env, self.folder, errors), path, self._heard)
        sidecar.ask("initialize", {"clientInfo": {"name": "crash", "version": "1"}, "capabilities": {"experimentalApi": True}})
        sidecar.say({"method": "initialized"})
        for talk in self.conversations:
            self._load(sidecar, talk)
        return sidecar

    def _load(self, sidecar: Sidecar, talk: Conversation) -> None:
        talk.turn = None

        def started(answer: dict[str, Any]) -> None:
            talk.id = answer["result"]["thread"]["id"]
            self.model.know(talk.id, talk.work)
            self._next(sidecar, talk)
            self.ready.release()

        def resumed(answer: dict[str, Any]) -> None:
            assert "result" in answer, answer
            self._compare(talk, answer["result"]["thread"]["turns"])
            talk.work.number()
            self._next(sidecar, talk)
            self.ready.release()

        if talk.id:
            sidecar.ask("thread/resume", {"threadId": talk.id}, resumed)
        else:
            sidecar.ask("thread/start", talk.options, started)

    def _compare(self, talk: Conversation, turns: list[dict[str, Any]]) -> None:
        """What is shown now with what was announced."""
        shown: dict[str, dict[str, Any]] = {}
        for turn in turns:
            assert turn["status"] != "inProgress", f"{talk.id}: turn {turn['id']} is still in progress"
            for item in turn["items"]:
                assert item["id"] not in shown, f"{talk.id}: {item['id']} is there twice"
                assert item.get("status") != "inProgress", f"{talk.id}: {item}"
                shown[item["id"]] = item
        for id, item in talk.items.items():
            assert shown.get(id) == item, f"{talk.id}: announced {item}, shown {shown.get(id)}"
        statuses = {turn["id"]: turn["status"] for turn in turns}
        for id, status in talk.ended.items():
            assert statuses.get(id) == status, f"{talk.id}: turn {id} was {status}, is {statuses.get(id)}"
        heard = {part["text"] for item in shown.values() if item["type"] == "userMessage" for part in item["content"]}
        assert talk.said <= heard, f"{talk.id}: {talk.said - heard} was taken and is not there"
        for id, words in talk.partial.items():
            kept = shown[id]["text"] if id in shown else ""
            # shorter: its draft; longer: it was recorded, but the kill came before the client heard
            assert words.startswith(kept) or kept.startswith(words), f"{talk.id}: streamed {words!r}, shown {kept!r}"
            self.drafts += 0 < len(kept) < len(words)
        talk.partial.clear()

    def _next(self, sidecar: Sidecar, talk: Conversation) -> None:
        if self.quiet:
            return
        if self.rng.random() < 0.1 and talk.items:
            sidecar.ask("thread/compact/start", {"threadId": talk.id}, lambda answer: self._again(sidecar, talk, answer))
        else:
            self.begin(sidecar, talk)

    def _again(self, sidecar: Sidecar, talk: Conversation, answer: dict[str, Any]) -> None:
        if "error" in answer:  # nothing to compact
            self.begin(sidecar, talk)

    def begin(self, sidecar: Sidecar, talk: Conversation) -> None:
        said = f"Work on, {next(self._numbers)}."
        words = [{"type": "text", "text": said, "text_elements": []}]

        def taken(answer: dict[str, Any]) -> None:
            assert "result" in answer, answer
            talk.said.add(said)

        sidecar.ask("turn/start", {"threadId": talk.id, "input": words}, taken)

    def _heard(self, sidecar: Sidecar, message: dict[str, Any]) -> None:
        params = message["params"]
        talk = next((talk for talk in self.conversations if talk.id and talk.id == params.get("threadId")), None)
        if "id" in message:
            if self.rng.random() < 0.8:  # else it is left open
                decision = self.rng.choice(("accept", "accept", "decline"))
                sidecar.say({"id": message["id"], "result": {"decision": decision}})
            return
        if talk is not None:
            self._follow(sidecar, talk, message["method"], params)

    def _follow(self, sidecar: Sidecar, talk: Conversation, method: str, params: dict[str, Any]) -> None:
        match method:
            case "turn/started":
                talk.turn = params["turn"]["id"]
            case "turn/completed":
                turn = params["turn"]
                talk.turn, talk.ended[turn["id"]] = None, turn["status"]
                self._next(sidecar, talk)
            case "item/completed":
                item = params["item"]
                talk.items[item["id"]] = item
                talk.partial.pop(item["id"], None)
                if item["type"] == "fileChange" and item["status"] == "completed":
                    diff = next(change["diff"] for change in item["changes"] if change["path"].endswith("/a"))
                    talk.work.told = int(diff.split("+n=")[1].split()[0])
            case "item/agentMessage/delta":
                talk.partial[params["itemId"]] = talk.partial.get(params["itemId"], "") + params["delta"]
                self._meddle(sidecar, talk)
            case _:
                pass

    def _meddle(self, sidecar: Sidecar, talk: Conversation) -> None:
        if talk.turn is None or self.quiet:
            return
        luck = self.rng.random()
        if luck < 0.01:
            sidecar.ask("turn/interrupt", {"threadId": talk.id, "turnId": talk.turn})
        elif luck < 0.03:
            said = f"Faster, {next(self._numbers)}."
            words = [{"type": "text", "text": said, "text_elements": []}]

            def taken(answer: dict[str, Any]) -> None:
                if "result" in answer:  # else the turn was over
                    talk.said.add(said)

            sidecar.ask("turn/steer", {"threadId": talk.id, "expectedTurnId": talk.turn, "input": words}, taken)

    @property
    def works(self) -> list[Work]:
        return [talk.work for talk in (*self.retired, *self.conversations)]

    def aged(self) -> None:
        """Every thread was killed once more; old ones make room."""
        for place, talk in enumerate(self.conversations):
            talk.kills += 1
            if talk.kills >= AGE + place:
                self.retired.append(talk)
                self.conversations[place] = self._new(place)

    def until_ready(self, sidecar: Sidecar) -> None:
        """Until every thread is loaded and has been compared."""
        for _ in self.conversations:
            while not (ready := self.ready.acquire(timeout=1)) and sidecar.process.poll() is None and sidecar.broken is None:
                pass
            if not ready or sidecar.broken is not None:
                raise sidecar.broken or TimeoutError(f"not ready: {sidecar.errors.read_text()[-2000:]}")

    def close(self) -> None:
        self.model.stop()


def running(mark: str) -> list[int]:
    """Processes with this among their words."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in words:
                found.append(int(entry.name))
    return found


def gone(mark: str, seconds: float = 60.0) -> None:
    """Until no process has this among its words."""
    end = time.monotonic() + seconds
    while found := running(mark):
        assert time.monotonic() < end, f"left behind: {[Path(f'/proc/{pid}/cmdline').read_bytes() for pid in found]}"
        time.sleep(0.01)
