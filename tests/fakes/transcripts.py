"""Recorded conversations: what a client and the sidecar said to each other, as files that Python and TypeScript both replay.

A file of protocol/transcripts/ is a line a message, in the order they crossed: {"from": "client" | "sidecar", "message": {...}}.
What differs from run to run (ids, times, folders, versions) is replaced, deltas of one item in a row are joined, and what a timer
says is left out: the same conversation gives the same file on every machine. UPDATE_SNAPSHOTS=1 writes what was said; otherwise a
difference fails.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .peer import HELLO, Peer
from .snapshots import UPDATING

FOLDER = Path(__file__).resolve().parents[2] / "protocol" / "transcripts"
_ID = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32,64}\b|\b(?:msg|rs|fc|ctc|call|resp|ws)_[0-9a-zA-Z]+(?:_[0-9]+)*\b"
)
_TIME = re.compile(r"(?:At|Ms)$")
_WAITED = re.compile(r"after [^,.]{1,20} without(?= a request)")
"Of a command that took a second, the next request says so."
_MACHINE = ("userAgent", "cliVersion", "processId", "codexHome", "platformOs", "platformFamily")
_BILL = ("threadId", "turnId", "number", "model", "provider", "status", "cause", "explanation", "hit", "price")
"What is kept of a row of the ledger; the rest moves with every word of the prompt."
_BY_TIME = ("treadle/hunk/changed", "treadle/progress")
"A tenth of a second after a change, and when something takes a second: where that is in a conversation, a busy machine decides."
_DELTAS = ("threadId", "turnId", "itemId", "contentIndex", "summaryIndex")
NOON = 1_700_000_000
Message = dict[str, Any]


class Talker(Peer):
    """A client that keeps both sides in the order in which they spoke."""

    def __init__(self, agent: Any) -> None:
        self.lines: list[tuple[str, Message]] = []
        super().__init__(agent)

    def _put(self, data: bytes) -> None:
        self.lines += [("sidecar", json.loads(line)) for line in data.splitlines()]
        super()._put(data)

    def send(self, method: str, params: Any = None) -> int:
        self.lines.append(("client", {"id": self._next + 1, "method": method, "params": params}))
        return super().send(method, params)

    def answer(self, id: Any, result: Any) -> None:
        message = {"id": id, "result": result}
        self.lines.append(("client", message))
        self.connection.receive(message)

    async def begin(self, cwd: Path, **more: Any) -> str:
        await self.result("initialize", HELLO)
        return (await self.result("thread/start", {"cwd": str(cwd), **more}))["thread"]["id"]

    async def say(self, thread_id: str, words: str) -> str:
        said = [{"type": "text", "text": words, "text_elements": []}]
        return (await self.result("turn/start", {"threadId": thread_id, "input": said}))["turn"]["id"]

    async def rest(self, turn_id: str) -> Message:
        """The end of a turn, and all that the sidecar says because of it."""
        ended = await self.until(lambda m: m.get("method") == "turn/completed" and m["params"]["turn"]["id"] == turn_id)
        at = self.told.index(ended)
        await self.until(lambda m: m in self.told[at:] and m.get("params", {}).get("status") == {"type": "idle"})
        return ended["params"]["turn"]


def check(name: str, talker: Talker, replace: Mapping[str, str]) -> None:
    """Fail with a diff unless both sides said what protocol/transcripts/NAME.jsonl holds. `replace`: what differs by machine."""
    lines = [json.dumps({"from": side, "message": message}, ensure_ascii=False) for side, message in joined(talker.lines)]
    text = "\n".join(_steady(lines, replace)) + "\n"
    path = FOLDER / f"{name}.jsonl"
    if UPDATING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return
    golden = path.read_text("utf-8") if path.is_file() else ""
    if golden != text:
        diff = "\n".join(difflib.unified_diff(golden.splitlines(), text.splitlines(), path.name, "now", lineterm="", n=1))
        raise AssertionError(f"the sidecar speaks otherwise than recorded (UPDATE_SNAPSHOTS=1 records anew):\n{diff}")


def joined(lines: list[tuple[str, Message]]) -> list[tuple[str, Message]]:
    """Deltas that differ only in their text become one: how a stream is cut is chance. Without what is said by time."""
    found: list[tuple[str, Message]] = []
    for side, message in lines:
        if message.get("method") in _BY_TIME:
            continue
        last = found[-1][1] if found else {}
        if _alike(last, message):
            last["params"]["delta"] += message["params"]["delta"]
        else:
            found.append((side, json.loads(json.dumps(message))))
    return found


def _alike(one: Message, other: Message) -> bool:
    a, b = one.get("params") or {}, other.get("params") or {}
    if one.get("method") != other.get("method") or not isinstance(a.get("delta"), str) or not isinstance(b.get("delta"), str):
        return False
    return all(a.get(key) == b.get(key) for key in _DELTAS)


def _steady(lines: list[str], replace: Mapping[str, str]) -> list[str]:
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return names.setdefault(found.group(), f"id-{len(names) + 1}")

    steady: list[str] = []
    places = re.compile("|".join(map(re.escape, sorted(replace, key=len, reverse=True))))
    for line in lines:
        placed = places.sub(lambda found: replace[found.group()], line)
        value = _without_chance(json.loads(_ID.sub(name, placed)))
        steady.append(json.dumps(value, ensure_ascii=False))
    return steady


def _without_chance(value: Any, key: str = "") -> Any:
    match value:
        case _ if key == "gitInfo":
            return None  # known a moment after the thread began: before it is told of or not
        case dict():
            kept = {name: part for name, part in value.items() if name != "emittedAtMs" and (key != "row" or name in _BILL)}
            return {name: _without_chance(part, name) for name, part in kept.items()}
        case list():
            return [_without_chance(part, key) for part in value]
        case bool() | None:
            return value
        case int() | float() if key == "durationMs":
            return 5
        case int() | float() if _TIME.search(key):
            return NOON * 1_000 if key.endswith("Ms") else NOON
        case int() if key.endswith("Tokens"):
            return 1_000
        case str() if key in _MACHINE:
            return "any"
        case str() if key == "explanation":
            return _WAITED.sub("after 0 s without", value)
        case _:
            return value
