"""Whatever is said, compacted, taken back, given back, added, copied and read again, in whatever order: each request extends,
byte for byte, the last one of the turns that count."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.prefix import compare
from fakes.world import FrozenClock, MemoryStore, RecordingClient, ScriptedModel, build, end, message, more
from treadle.core.errors import RequestRefused
from treadle.core.ops import (
    CompactThread,
    ForkThread,
    InjectItems,
    ReadThread,
    ResumeThread,
    RevertThread,
    StartThread,
    UndoRevert,
    WriteNotes,
)
from treadle.runtime.agent import Agent

STEPS = st.tuples(
    st.sampled_from(["turn", "turn", "turn", "compact", "revert", "revert", "undo", "inject", "notes", "restart", "fork"]),
    st.integers(0, 9),
)


@dataclass
class Told:
    """What we know of a thread: its turns that count, each with the last request of it; None for a compaction."""

    thread_id: str
    turns: list[tuple[str, bytes | None]] = field(default_factory=list[tuple[str, "bytes | None"]])
    taken: list[tuple[list[tuple[str, bytes | None]], bool]] = field(default_factory=list[Any])
    "The turns as they were before each revert, and whether the one before it could be undone."
    undoable: bool = False


class Walk:
    """One thread after the other, in one process after the other."""

    def __init__(self) -> None:
        self.model = ScriptedModel()
        self.store = MemoryStore()
        self.clock: FrozenClock | None = None
        self.agent = self._agent()
        self.client = RecordingClient()
        self.told = Told("")
        self.count = 0

    def _agent(self) -> Agent:
        agent, clock, _ = build(self.model, store=self.store)
        if self.clock is not None:
            clock._ids, clock.time = self.clock._ids, self.clock.time
        self.clock = clock
        return agent

    async def begin(self) -> None:
        state: Any = await self.agent.submit(StartThread(), self.client)
        self.told = Told(state.meta.id)

    async def step(self, what: str, pick: int) -> None:
        told = self.told
        if what == "turn":
            await self._turn()
        elif what == "compact":
            await self._compact()
        elif what == "revert" and told.turns:
            at = pick % len(told.turns)
            await self.agent.submit(RevertThread(told.thread_id, told.turns[at][0]), self.client)
            told.taken.append((told.turns, told.undoable))
            told.turns, told.undoable = told.turns[:at], True
        elif what == "undo":
            await self._undo()
        elif what == "inject":
            item = {"type": "message", "role": "user", "content": f"added {pick}"}
            await self.agent.submit(InjectItems(told.thread_id, (item,)), self.client)
            told.undoable = False
        elif what == "notes":
            await self.agent.submit(WriteNotes(told.thread_id, (f"note {pick}",)), self.client)
        elif what == "restart":
            await self.agent.close()
            self.agent = self._agent()
            await self.agent.submit(ResumeThread(told.thread_id), self.client)
        elif what == "fork":
            await self._fork(pick)
        await self._look()

    async def _turn(self) -> None:
        told = self.told
        self.count += 1
        self.model.scripts = [[*message(f"answer {self.count}"), *end()]]
        before = next((body for _, body in reversed(told.turns)), None)
        compacted = bool(told.turns) and told.turns[-1][1] is None
        turn_id = await more(self.agent, self.client, told.thread_id, f"words {self.count}")
        assert (await self.client.turn_end(turn_id)).status == "completed"
        body = self.model.requests[-1].body()
        if before is not None and not compacted:
            assert compare(before, body) is None
        told.turns = [*told.turns, (turn_id, body)]
        told.undoable = False
        shown = self.store.ledger.row(told.thread_id)
        assert shown is not None and shown.cause != "input_rewritten"

    async def _compact(self) -> None:
        told = self.told
        self.model.scripts = [[*message("a summary"), *end()]]
        try:
            state: Any = await self.agent.submit(CompactThread(told.thread_id), self.client)
        except RequestRefused:
            return
        if (await self.client.turn_end(state.id)).status == "completed":
            told.turns = [*told.turns, (state.id, None)]
        else:
            told.turns = [*told.turns, (state.id, told.turns[-1][1])]
        told.undoable = False

    async def _undo(self) -> None:
        told = self.told
        try:
            await self.agent.submit(UndoRevert(told.thread_id), self.client)
            assert told.undoable
        except RequestRefused:
            assert not told.undoable
            return
        told.turns, told.undoable = told.taken.pop()

    async def _fork(self, pick: int) -> None:
        told = self.told
        named: dict[str, str] = {}
        kept = told.turns
        if pick < 5 and kept:
            at = pick % len(kept)
            named, kept = {"last_turn_id": kept[at][0]}, kept[: at + 1]
        state: Any = await self.agent.submit(ForkThread(told.thread_id, **named), self.client)
        assert [turn.id for turn in state.turns] == [turn_id for turn_id, _ in kept]
        self.told = Told(state.meta.id, list(kept))

    async def _look(self) -> None:
        state: Any = await self.agent.submit(ReadThread(self.told.thread_id, include_turns=True), self.client)
        assert [turn.id for turn in state.turns] == [turn_id for turn_id, _ in self.told.turns]


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=16))
def test_each_request_extends_the_last_one_that_counts(steps: list[tuple[str, int]]) -> None:
    async def walk() -> None:
        walked = Walk()
        await walked.begin()
        for what, pick in steps:
            await walked.step(what, pick)
        await walked.step("turn", 0)
        await walked.agent.close()

    asyncio.run(walk())
