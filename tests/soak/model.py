"""The model of the soak: asks for work of every kind, and forgets what it has seen.

Promises: it remembers of what it was sent digests, no more, so that an hour of it takes no memory to
speak of. A prompt that extends none of those that it may extend, or a call without exactly one output, is a complaint.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.replies import Output, Reply, call, custom, error, reasoning, reply, said, text
from fakes.slow_model import SUM_UP, SlowModel, Work

from .history import History

TURN_ENDS = 0.35
"The share of replies that ask for nothing more."
FAILURES = 0.01
"The share of requests that are answered with 503 once: the sidecar tries again."
MORTAL, STEADY = "mcp__mortal__run", "mcp__steady__"
_SESSION = re.compile(r"Process running with session ID (\d+)")
_KEPT = re.compile(r"Full output: (\S+)")
_ID = re.compile(rb"(?i)\r\nsession_id: (\S+)")


class Place(Work):
    """A folder whose number may also go back, when the files of an earlier turn are restored."""

    def number(self) -> int:
        names = [name for name in "abc" if (self.folder / name).exists()]
        numbers = {int(re.findall(r"n=(\d+)", (self.folder / name).read_text())[0]) for name in names}
        assert names == ["a", "b", "c"] and len(numbers) == 1, f"{self.folder}: half a patch: {numbers}, {names}"
        return numbers.pop()

    def patch(self) -> str:
        before = self.number()
        self.wished = after = max(before, self.wished) + 1
        updates = "".join(f"*** Update File: {name}\n@@\n-n={before}\n+n={after}\n" for name in "abc")
        return f"*** Begin Patch\n{updates}*** Add File: d{after}\n+made\n*** End Patch"


@dataclass
class Known:
    """What it remembers of one thread."""

    work: Place
    rng: random.Random
    history: History = field(default_factory=History)
    moved: bool = False
    "Turns were taken back or given back, or it is a fork: the next prompt may part from the one before it."
    summaries: list[bytes] = field(default_factory=list[bytes])
    "Marks of those that it has written and that no prompt has begun with yet: the next may."
    marks: deque[bytes] = field(default_factory=lambda: deque(maxlen=50))
    "Those of its latest summaries. When the turn that told the tools after one is taken back, the next tells those of its time."
    failed: bool = False
    "The request before was answered with an error of ours."


@dataclass
class SoakModel(SlowModel):
    seed: int = 0
    threads: dict[str, Known] = field(default_factory=dict[str, Known])
    asked: Counter[str] = field(default_factory=Counter[str])
    "What it has asked for, by kind."

    def learn(self, thread_id: str, work: Place, number: int, of: str | None = None) -> None:
        """`of`: the thread that this one is a fork of."""
        known = Known(work, random.Random(f"{self.seed}:{number}"))
        if of is not None:
            source = self.threads[of]
            known.history, known.summaries, known.moved = source.history.copy(), list(source.summaries), True
            known.marks = source.marks.copy()
        self.threads[thread_id] = known

    def taken_back(self, thread_id: str) -> None:
        self.threads[thread_id].moved = True

    def forget(self, thread_id: str) -> None:
        self.threads.pop(thread_id, None)

    def _next(self, head: bytes, body: bytes, number: int) -> Reply:
        found = _ID.search(head)
        known = self.threads[found[1].decode()] if found else None
        assert known is not None, "a request that says nothing of its thread"
        if not self.calm and not known.failed and known.rng.random() < FAILURES:
            known.failed = True
            self.asked["errors"] += 1
            return error(503, said("Busy, for once."))
        known.failed = False
        request: dict[str, Any] = json.loads(body)
        if SUM_UP in json.dumps(request["input"][-1]):
            known.summaries.append(f"SUMMARY {number}.".encode())
            known.marks.append(known.summaries[-1])
            return reply(text(f"# Goal\nSUMMARY {number}.", deltas=8))
        self._extends(known, body)
        _paired(request["input"])
        return reply(text("Done.")) if self.calm else reply(*self._wanted(known, request["input"], number))

    def _extends(self, known: Known, body: bytes) -> None:
        marks = known.marks if known.moved else known.summaries
        wrong = known.history.wrong(body, moved=known.moved, marks=marks)
        assert wrong is None, f"a prompt of {len(body)} bytes {wrong} (taken back: {known.moved})"
        known.moved, known.summaries = False, [mark for mark in known.summaries if mark not in body]
        known.history.add(body)

    def _wanted(self, known: Known, given: list[dict[str, Any]], number: int) -> list[Output]:
        rng = known.rng
        words = text(f"Message {number}. " + "word " * rng.randrange(4, 60), deltas=rng.randrange(2, 50))
        first = [reasoning(deltas=rng.randrange(1, 6), encrypted=f"ENC{number}")] if rng.random() < 0.25 else []
        if rng.random() < TURN_ENDS:
            self.asked["messages"] += 1
            return [*first, words]
        latest = "".join(str(entry.get("output", "")) for entry in given[-4:])
        calls = [self._call(known, latest, number) for _ in range(rng.choice((1, 1, 2)))]
        patches = [one for one in calls if one.name == "apply_patch"]
        calls = [one for one in calls if one not in patches[1:]]  # two in one reply would each be right alone
        return [*first, *([words] if rng.random() < 0.4 else []), *calls]

    def _call(self, known: Known, latest: str, number: int) -> Output:
        rng = known.rng
        session, kept = _SESSION.search(latest), _KEPT.search(latest)
        if session and rng.random() < 0.6:
            return self._typed(rng, int(session[1]))
        if kept and rng.random() < 0.4:
            self.asked["read_output"] += 1
            return call("read_output", {"output": kept[1], "start_line": -20, "max_output_tokens": 200})
        kinds = ("command", "patch", "mcp", "plan", "image")
        (kind,) = rng.choices(kinds, (10, 7, 4, 1, 1))
        self.asked[kind] += 1
        match kind:
            case "command":
                return self._command_of(rng, number)
            case "patch":
                wrong = "*** Begin Patch\n*** Update File: a\n@@\n-not there\n+x\n*** End Patch"
                return custom("apply_patch", wrong if rng.random() < 0.1 else known.work.patch(), deltas=rng.randrange(1, 12))
            case "mcp":
                return self._foreign(rng, number)
            case "plan":
                steps = [{"step": f"step {n}", "status": "completed" if n < 2 else "pending"} for n in range(4)]
                return call("update_plan", {"plan": steps})
            case _:
                return call("view_image", {"path": "pixel.png"})

    def _typed(self, rng: random.Random, session: int) -> Output:
        self.asked["write_stdin"] += 1
        chars = rng.choice(("", "hello\n", "more\n", "\u0003", "\u0004"))
        return call("write_stdin", {"session_id": session, "chars": chars, "yield_time_ms": 300, "max_output_tokens": 300})

    def _command_of(self, rng: random.Random, number: int) -> Output:
        lines = (
            (8, f"echo quick {number}", {}),
            (3, f"for i in 1 2 3 4; do echo slow {number} $i; sleep 0.02; done", {}),
            (2, f"echo fails {number} > file; cat file nothing; exit 3", {}),
            (1, f"echo hangs {number}; exec sleep {self.sleep}", {"yield_time_ms": rng.choice((250, 250, 6_000))}),
            (1, f"(setsid sleep {self.sleep} &) ; echo leaves {number}; sleep 0.1", {}),
            (2, f"seq 1 {rng.choice((3_000, 30_000, 300_000))}", {"max_output_tokens": 500}),
            (1, "head -c 3000000 /dev/zero | tr '\\0' x", {"max_output_tokens": 300}),
            (3, "cat", {"tty": True, "yield_time_ms": 250}),
        )
        ((_, line, more),) = rng.choices(lines, [weight for weight, _, _ in lines])
        return call("exec_command", {"cmd": line, "login": False, "yield_time_ms": 5_000, **more})

    def _foreign(self, rng: random.Random, number: int) -> Output:
        tools: tuple[tuple[int, str, dict[str, Any]], ...] = (
            (6, f"{STEADY}echo", {"text": f"over there {number} " + "x" * rng.randrange(2_000)}),
            (3, f"{STEADY}sums", {"numbers": [number, 1, 2]}),
            (1, f"{STEADY}fail", {}),
            (1, f"{STEADY}image", {}),
            (3, MORTAL, {}),
            (1, MORTAL, {"die": True}),
        )
        ((_, name, arguments),) = rng.choices(tools, [weight for weight, _, _ in tools])
        return call(name, arguments)


def _paired(given: list[dict[str, Any]]) -> None:
    """Every call has one output, which comes after it."""
    calls = Counter(entry["call_id"] for entry in given if entry["type"] in ("function_call", "custom_tool_call"))
    outputs = Counter(entry["call_id"] for entry in given if entry["type"].endswith("_call_output"))
    assert calls == outputs, f"calls and outputs differ: {calls - outputs} {outputs - calls}"


def furnish(folder: Path) -> Place:
    """A folder to work in."""
    from fakes.mcp_server import PIXEL  # noqa: PLC0415 - loads much

    place = Place(folder)
    place.make()
    (folder / "pixel.png").write_bytes(PIXEL)
    return place
