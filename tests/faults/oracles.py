"""What must hold after a run, whatever was done to it: functions from what a client heard, and what is on disk, to complaints."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.prefix import compare
from treadle.core.items import ModelItem, ToolOutput, decode
from treadle.core.thread import Thread

Message = dict[str, Any]
_STATES = ("completed", "interrupted", "failed")


@dataclass
class Fold:
    """One thread as its client knows it by notifications alone."""

    id: str
    items: dict[str, Message] = field(default_factory=dict[str, Message])
    "In the order in which they began; completed ones as they ended."
    turns: dict[str, Message] = field(default_factory=dict[str, Message])
    wrong: list[str] = field(default_factory=list[str])
    _open: set[str] = field(default_factory=set[str])

    def take(self, message: Message) -> None:
        params: Message = message.get("params") or {}
        if params.get("threadId") != self.id:
            return
        method, item = message["method"], params.get("item")
        if method == "turn/started":
            self._note(params["turn"]["id"] in self.turns, f"turn {params['turn']['id']} began twice")
            self.turns[params["turn"]["id"]] = params["turn"]
        elif method == "turn/completed":
            turn = params["turn"]
            self._note(self.turns.get(turn["id"], {}).get("status") != "inProgress", f"an end of no turn that runs: {turn}")
            self.turns[turn["id"]] = turn
            self._note(bool(self._open), f"items without an end at the end of their turn: {[self.items[i] for i in self._open]}")
        elif method == "item/started":
            self._note(item["id"] in self.items, f"item {item['id']} began twice")
            self.items[item["id"]] = item
            self._open.add(item["id"])
        elif method == "item/completed":
            self._note(item["id"] not in self._open, f"an end of no item that is open: {item}")
            self.items[item["id"]] = item
            self._open.discard(item["id"])
        elif "itemId" in params:
            self._note(params["itemId"] not in self._open, f"{method} of no item that is open: {params}")

    def _note(self, bad: bool, words: str) -> None:
        if bad:
            self.wrong.append(words)

    def finish(self) -> list[str]:
        """Complaints about what it heard."""
        for id in self._open:
            self.wrong.append(f"never ended: {self.items[id]}")
        for turn in self.turns.values():
            self.wrong += named_end(turn)
        return [f"thread {self.id}: {words}" for words in self.wrong]

    def differs(self, turns: Sequence[Message]) -> list[str]:
        """Complaints about what is shown of the thread now."""
        wrong: list[str] = []
        shown = {item["id"]: item for turn in turns for item in turn["items"]}
        if sum(len(turn["items"]) for turn in turns) != len(shown):
            wrong.append("an item is shown twice")
        for id, item in self.items.items():
            if shown.get(id) != item:
                wrong.append(f"announced {item}, shown {shown.get(id)}")
        wrong += [f"shown, but never announced: {item}" for id, item in shown.items() if id not in self.items]
        # calls are drawn when they begin to run, and shown where the model made them
        said, heard = ([item["id"] for item in items.values() if item["type"] == "userMessage"] for items in (shown, self.items))
        if said != heard:
            wrong.append(f"the user's words are shown in the order {said}, and were announced in the order {heard}")
        ends = {turn["id"]: (turn["status"], turn["error"]) for turn in turns}
        told = {id: (turn["status"], turn["error"]) for id, turn in self.turns.items()}
        if ends != told:
            wrong.append(f"turns are {ends}, and were told to be {told}")
        return [f"thread {self.id}: {words}" for words in wrong]


def named_end(turn: Message) -> list[str]:
    error = turn.get("error")
    if turn["status"] not in _STATES:
        return [f"turn {turn['id']} ended as {turn['status']}"]
    if turn["status"] != "failed":
        return []
    if not error or not error["codexErrorInfo"] or not str(error["message"]).strip().endswith((".", "!", "?", "…")):
        return [f"turn {turn['id']} failed without a sentence or a name: {error}"]
    inside = "failed inside" in error["message"] or "Traceback" in json.dumps(error)
    return [f"turn {turn['id']} failed by a bug of ours: {error}"] if inside else []


def prompts(bodies: Sequence[bytes], aside: bytes, epochs: int) -> list[str]:
    """Requests of one thread, as they were sent. Those with `aside` in them ask for a summary; `epochs`: how often a prompt may
    begin anew."""
    whole = [body for body in bodies if body and aside not in body]
    moved = [words for before, after in itertools.pairwise(whole) if (words := compare(before, after))]
    return (moved if len(moved) > epochs else []) + [words for body in bodies if body for words in _unanswered(json.loads(body))]


def _unanswered(request: Message) -> list[str]:
    """A provider refuses a prompt with a call that is not answered, answered twice, or answered before it is made."""
    kinds, waiting, seen = ("function_call", "custom_tool_call"), set[str](), set[str]()
    wrong: list[str] = []
    for item in request["input"]:
        if item["type"] in kinds:
            if item["call_id"] in seen:
                wrong.append(f"call {item['call_id']} is made twice in a prompt")
            seen.add(item["call_id"])
            waiting.add(item["call_id"])
        elif item["type"] in [f"{kind}_output" for kind in kinds]:
            if item["call_id"] not in waiting:
                wrong.append(f"an answer to no call that is open in a prompt: {item['call_id']}")
            waiting.discard(item["call_id"])
    return wrong + [f"no answer in a prompt to {sorted(waiting)}"] * bool(waiting)


def ran_twice(ids: Sequence[str]) -> list[str]:
    return [f"{id} ran {count} times" for id, count in Counter(ids).items() if count > 1]


def store(home: Path, thread_ids: Iterable[str]) -> list[str]:
    """The threads on disk, once the process is gone."""
    wrong: list[str] = []
    for path in home.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            if (said := database.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
                wrong.append(f"{path.name}: {said}")
    with closing(sqlite3.connect(home / "threads.sqlite3")) as database:
        for thread_id in thread_ids:
            rows = database.execute("SELECT body FROM item WHERE thread_id=? ORDER BY position", (thread_id,)).fetchall()
            items = [decode(body) for (body,) in rows]
            thread = Thread(thread_id, items)  # raises for a call that is answered twice, or an answer without a call
            calls = [item.call_id for item in items if isinstance(item, ModelItem) and item.is_call]
            outputs = [item.call_id for item in items if isinstance(item, ToolOutput)]
            if thread.unanswered or thread.open_turn or sorted(map(str, calls)) != sorted(outputs):
                wrong.append(f"thread {thread_id}: calls {calls}, outputs {outputs}, open turn {thread.open_turn}")
        if drafts := database.execute("SELECT count(*) FROM draft").fetchone()[0]:
            wrong.append(f"{drafts} drafts are left")
    return wrong
