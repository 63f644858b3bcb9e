"""A stand for a disk that fills up: eight threads at work whose store, outputs and records are on a small disk, which is full at
moments drawn from a seed and has room again when every thread has stopped.

Promises to hold what clients were told against what is there afterwards: every item that was announced as begun is announced as
completed before its turn is over, and is there as it was announced, also in the next process; every turn has an end, in words
that name the disk; every thread goes on by itself when somebody says something in it. What was announced when nothing could be
written any more is only known to that process, until somebody says something in the thread: a kill before that may take it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fakes.crash import WAIT, Conversation, Sidecar, Stand
from fakes.preloaded import Preloaded
from fakes.small_disk import SmallDisk

Message = dict[str, Any]


class FullStand(Stand):
    """See above. `ends` counts how turns ended, and how they were refused."""

    def __init__(self, folder: Path, seed: int, program: Preloaded, disk: SmallDisk, threads: int = 4) -> None:
        self.disk = disk
        self.ends: Counter[str] = Counter()
        self.words: set[str] = set()
        "What turns that failed, and requests that were refused, were told."
        self.fill_at: int | None = None
        self.leave = 0
        self.moved = threading.Condition()
        self._open: dict[str, set[str]] = {}
        "Turn -> items that were begun in it and have no end yet."
        self._doubtful: dict[str, set[str]] = {}
        "Thread -> items that were announced when nothing could be written."
        self._failing: set[str] = set()
        "Turns for which an error was announced that ends them."
        self._waiting: dict[str, Conversation] = {}
        "Threads that were refused, or whose turn failed, and wait for room."
        super().__init__(folder, seed, program, threads)

    def _heard(self, sidecar: Sidecar, message: Message) -> None:
        if self.fill_at is not None and sidecar.messages >= self.fill_at:
            self.fill_at = None
            self.disk.fill(self.leave)
        super()._heard(sidecar, message)
        with self.moved:
            self.moved.notify_all()

    def _follow(self, sidecar: Sidecar, talk: Conversation, method: str, params: Message) -> None:
        self._note_items(talk, method, params)
        if method == "turn/completed":
            turn = params["turn"]
            assert not self._open.pop(turn["id"], None), f"items without an end in {turn}"
            self.ends[turn["status"]] += 1
            if turn["error"] is not None:
                self.words.add(turn["error"]["message"])
            if turn["status"] == "failed":
                talk.turn, talk.ended[turn["id"]] = None, "failed"
                talk.partial.clear()
                self._waiting[talk.id] = talk
                return
        if method == "item/completed" and params["item"]["type"] == "contextCompaction":
            return  # one that was stopped leaves nothing
        super()._follow(sidecar, talk, method, params)

    def _note_items(self, talk: Conversation, method: str, params: Message) -> None:
        if method == "turn/started":
            # it was read again: what was kept back is written
            self._doubtful.pop(talk.id, None)
        elif method == "error" and not params["willRetry"]:
            self._failing.add(params["turnId"])
        elif method == "item/started":
            self._open.setdefault(params["turnId"], set()).add(params["item"]["id"])
        elif method == "item/completed":
            self._open[params["turnId"]].remove(params["item"]["id"])
            if params["turnId"] in self._failing:
                self._doubtful.setdefault(talk.id, set()).add(params["item"]["id"])

    def begin(self, sidecar: Sidecar, talk: Conversation) -> None:
        said = f"Work on, {next(self._numbers)}."
        words = [{"type": "text", "text": said, "text_elements": []}]

        def taken(answer: Message) -> None:
            if "result" in answer:
                talk.said.add(said)
            else:
                self._refused(talk, answer)

        sidecar.ask("turn/start", {"threadId": talk.id, "input": words}, taken)

    def _again(self, sidecar: Sidecar, talk: Conversation, answer: Message) -> None:
        if "error" in answer and answer["error"]["code"] == -32000:
            self._refused(talk, answer)
        else:
            super()._again(sidecar, talk, answer)

    def _refused(self, talk: Conversation, answer: Message) -> None:
        self.ends["refused"] += 1
        self.words.add(answer["error"]["message"])
        with self.moved:
            self._waiting[talk.id] = talk
            self.moved.notify_all()

    def fill_soon(self, sidecar: Sidecar) -> str:
        """After some more messages; returns when it is full."""
        count = self.rng.randrange(1, 150)
        self.leave = self.rng.choice((0, 0, 0, 4096, 16384, 65536))
        self.fill_at = sidecar.messages + count
        end = time.monotonic() + 1.0  # all may wait for something that hangs: then now
        with self.moved:
            while self.fill_at is not None and time.monotonic() < end:
                self.moved.wait(0.1)
        if self.fill_at is not None:
            self.fill_at = None
            self.disk.fill(self.leave)
        return f"after message {count}, with {self.leave} bytes left"

    def until_stopped(self, sidecar: Sidecar) -> None:
        """Until every thread waits for room. With room for a little they may work on for a while: it goes, too."""
        end = time.monotonic() + WAIT
        while len(self._waiting) < len(self.conversations):
            self.disk.fill()
            for talk in self.conversations:
                if talk.turn is not None and talk.id not in self._waiting:
                    sidecar.ask("turn/interrupt", {"threadId": talk.id, "turnId": talk.turn})
            with self.moved:
                self.moved.wait(0.1)
            if sidecar.broken is not None:
                raise sidecar.broken
            assert sidecar.process.poll() is None, "the process has ended"
            assert time.monotonic() < end, f"not stopped: {[t.id for t in self.conversations if t.id not in self._waiting]}"

    def go_on(self, sidecar: Sidecar) -> None:
        """There is room, and somebody says something in every thread."""
        self.disk.empty()
        waiting, self._waiting = self._waiting, {}
        for talk in waiting.values():
            self.begin(sidecar, talk)

    def _compare(self, talk: Conversation, turns: list[Message]) -> None:
        for id in self._doubtful.pop(talk.id, ()):
            talk.items.pop(id, None)
        statuses = {turn["id"]: turn["status"] for turn in turns}
        for id, status in talk.ended.items():
            if status == "failed" and statuses.get(id) == "interrupted":
                # nobody has said anything in it since: the next process cannot know why
                talk.ended[id] = "interrupted"
        super()._compare(talk, turns)
