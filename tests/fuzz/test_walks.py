"""Methods in any order: in the middle of a turn, on threads that are gone, twice. Random walks, with what must hold.

A walk goes on one door with one agent behind it. Held: each request is answered once and lawfully; a turn that began ends, and
ends once; what a walk leaves behind takes an ordinary turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import call, hold, text

from .common import fuzzed
from .doors import Unlawful
from .places import Place, placed
from .test_method_params import METHODS

_numbers = count(1)
Step = tuple[str, int, int]
_MOVES = (
    *(
        "start",
        "start",
        "thread",
        "turn",
        "turn",
        "turn",
        "held",
        "held",
        "asking",
        "release",
        "steer",
        "interrupt",
        "resume",
        "delete",
    ),
    *(
        "archive",
        "unarchive",
        "unsubscribe",
        "compact",
        "fork",
        "revert",
        "undo revert",
        "queue",
        "promote",
        "start queue",
        "shell",
        "exec",
    ),
    *("settings", "turn settings", "rename", "inject", "continue", "read", "list", "review", "commit message", "greet"),
    *(
        "unasked answer",
        "answer",
        "answer twice",
        "bad answer",
        "cancel",
        "cancel nothing",
        "cancel strange",
        "same id",
        "any method",
    ),
)
walks: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(_MOVES), st.integers(0, 2), st.integers(0, 200)), min_size=1, max_size=14
)
"What to do, to which of three threads, and a number for whatever else there is to choose."


WORDS = {"input": [{"type": "text", "text": "go"}]}
_SAID = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
_OF_THREAD = {
    **{name: f"thread/{name}" for name in ("resume", "delete", "archive", "unarchive", "unsubscribe", "fork")},
    "compact": "thread/compact/start",
    "undo revert": "treadle/revert/undo",
    "start queue": "thread/queue/start",
    "continue": "treadle/turn/continue",
}
"Methods that ask for nothing but the thread."
_FIXED: dict[str, tuple[str, dict[str, Any]]] = {
    "promote": ("treadle/queue/promote", {"queuedSubmissionId": "x"}),
    "shell": ("thread/shellCommand", {"command": "true"}),
    "rename": ("thread/name/set", {"name": "a name"}),
    "inject": ("thread/inject_items", {"items": [_SAID]}),
    "read": ("thread/read", {"includeTurns": True}),
    "list": ("thread/list", {}),
    "review": ("review/start", {"target": {"type": "custom", "instructions": "look"}}),
    "commit message": ("treadle/commitMessage", {"cwd": "/"}),
    "greet": ("initialize", {"clientInfo": {"name": "again", "version": "1"}}),
}


class Walk:
    """One walk, and what it knows."""

    def __init__(self, place: Place) -> None:
        self.place, self.line = place, place.line
        self.threads: list[str] = []
        self.left: set[str] = set()
        "Threads of which nothing more is told, for the walk has unsubscribed from them."
        self.gates: list[str] = []
        self.ids: list[Any] = []

    async def step(self, step: Step) -> None:
        move, which, number = step
        if move == "start" or not self.threads:
            self.threads.append(await self.place.thread())
            return
        thread_id = self.threads[which % len(self.threads)]
        method, params = self.request(move, thread_id, number)
        if method == "thread/unsubscribe":
            self.left.add(thread_id)
        if method is not None:
            self.ids.append(await self.line.send(method, params))
        else:
            await self.odd(move, thread_id, number)
        if number % 3 == 0:
            # the next step meets the end of this one, otherwise its middle
            await asyncio.sleep(0.002)
        if number % 5 == 0:
            await self.line.ask("treadle/no/such")

    def request(self, move: str, thread_id: str, number: int) -> tuple[str | None, Any]:
        of = {"threadId": thread_id}
        turn = {"turnId": self.turn_of(thread_id) if number % 4 else "no-such-turn"}
        if move in ("turn", "held", "asking"):
            self.speak(move)
            return "turn/start", of | WORDS
        if move in _OF_THREAD:
            return _OF_THREAD[move], of
        match move:
            case "steer":
                return "turn/steer", of | WORDS | {"expectedTurnId": turn["turnId"]}
            case "interrupt" | "revert":
                return {"interrupt": "turn/interrupt", "revert": "thread/revert"}[move], of | turn
            case "thread":
                return "thread/start", {"cwd": self.place.cwd, "ephemeral": bool(number % 2)}
            case "queue":
                return "thread/queue/add", of | WORDS | {"turnStartParams": of | WORDS}
            case "exec":
                return "command/exec", {"command": ["true"], "cwd": self.place.cwd}
            case "settings":
                return "thread/settings/update", of | {"approvalPolicy": ("never", "on-request")[number % 2]}
            case "turn settings":
                return "turn/settings/update", of | turn | {"effort": "low"}
            case "any method":
                return METHODS[number % len(METHODS)], of | turn
            case _ if move in _FIXED:
                method, params = _FIXED[move]
                return method, of | params
            case _:
                return None, None

    async def odd(self, move: str, thread_id: str, number: int) -> None:
        """What is no request."""
        asked = [m["id"] for m in self.line.told if "id" in m]
        id: Any = asked[number % len(asked)] if asked else number
        match move:
            case "release":
                self.release()
            case "unasked answer":
                await self.raw({"id": 10_000 + number, "result": {"decision": "accept"}})
            case "answer" | "answer twice":
                for _ in range(1 + (move == "answer twice")):
                    await self.raw({"id": id, "result": {"decision": ("accept", "decline", "cancel")[number % 3]}})
            case "bad answer":
                bad = (
                    {"result": None},
                    {"error": "x"},
                    {"result": [5]},
                    {"error": None, "result": 5},
                    {"result": {"decision": {}}},
                )
                await self.raw({"id": id} | bad[number % len(bad)])
            case "cancel" if self.ids:
                await self.raw({"method": "$/cancelRequest", "params": {"id": self.ids[number % len(self.ids)]}})
            case "cancel nothing":
                await self.raw({"method": "$/cancelRequest", "params": {"id": "nobody"}})
            case "cancel strange":
                strange = (None, [], {"id": []}, {"id": {}}, {"id": None}, {"id": True}, {"id": 1.5}, "x")
                await self.raw({"method": "$/cancelRequest", "params": strange[number % len(strange)]})
            case "same id":
                for _ in range(2):
                    self.ids.append(await self.line.send("thread/read", {"threadId": thread_id}, id=f"same-{number}"))
            case _:
                pass

    def speak(self, move: str) -> None:
        """What the model says to the turn that comes."""
        if move == "held":
            gate = f"gate-{next(_numbers)}"
            self.gates.append(gate)
            self.place.speeches.append([hold(gate), text("Held.")])
        elif move == "asking":
            needs = {"cmd": "true", "sandbox_permissions": "require_escalated", "justification": "May I?"}
            self.place.speeches.append([call("exec_command", needs)])

    def turn_of(self, thread_id: str) -> str:
        started = [m["params"] for m in self.line.told if m.get("method") == "turn/started"]
        return next((p["turn"]["id"] for p in reversed(started) if p["threadId"] == thread_id), "none")

    async def raw(self, message: dict[str, Any]) -> None:
        from .doors import text as json_text  # noqa: PLC0415

        await self.line.write(self.line.framed(json_text(message)))

    def release(self) -> None:
        for gate in self.gates:
            self.place.server.release(gate)
        self.gates.clear()

    async def end(self) -> None:
        """Everything is let go, and then nothing may be left open."""
        self.place.speeches.clear()
        self.release()
        threads = dict.fromkeys(m["params"]["threadId"] for m in self.line.told if m.get("method") == "turn/started")
        for _ in range(40):
            # a turn may be followed by one from the queue
            for thread_id in threads:
                await self.line.send("turn/interrupt", {"threadId": thread_id})
            for message in [m for m in self.line.told if "id" in m]:
                await self.raw({"id": message["id"], "result": {"decision": "cancel"}})
            await self.line.ask("treadle/no/such")
            if not self.open_turns():
                break
            await asyncio.sleep(0.02)
        await self.line.until(lambda: not self.open_turns(), f"turns without an end: {self.open_turns()}")
        await self.place.settled()

    def open_turns(self) -> list[str]:
        said = [m["params"] for m in self.line.told if m.get("method") == "turn/started"]
        started = [params["turn"]["id"] for params in said if params["threadId"] not in self.left]
        ended = [m["params"]["turn"]["id"] for m in self.line.told if m.get("method") == "turn/completed"]
        if len(set(ended)) != len(ended):
            raise Unlawful(f"a turn ended twice: {ended}")
        return [turn for turn in started if turn not in ended]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed("app-server", tmp_path_factory.mktemp("walks")) as found:
        yield found


async def _walk(place: Place, steps: list[Step]) -> None:
    walk = Walk(place)
    for step in steps:
        await walk.step(step)
        place.line.check()
    await walk.end()


@given(walks)
@fuzzed(25, 0.25)
def test_methods_may_come_in_any_order(place: Place, steps: list[Step]) -> None:
    place.run(_walk(place, steps))
