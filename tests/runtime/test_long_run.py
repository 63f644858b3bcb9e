"""A turn of two thousand steps: every request is under the window, and nothing in memory grows with the length of the thread."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from fakes.world import FakeTool, MemoryStore, RecordingClient, ScriptedModel, build, call, message, more
from treadle.core import tokens
from treadle.core.events import Event, TurnCompleted
from treadle.core.items import Item
from treadle.core.ledger import LedgerRow
from treadle.core.ops import StartThread
from treadle.core.prompt import Request
from treadle.core.replies import ReplyCompleted, ReplyEvent, Usage
from treadle.runtime.accounting import MemoryLedger

WINDOW, STEPS = 20_000, 2_000
CHECKED = (500, 1_000, 1_500, 2_000)
BOUND = 400_000
"Bytes: less than one full prompt with all that hangs on it, far less than what 500 steps bring (2 MB)."


class OnlyCounts(MemoryStore):
    """A disk, as memory sees it: what is written there is gone from here."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.ledger = ForgetfulLedger()

    def append(self, thread_id: str, items: Sequence[Item]) -> None:
        self.counts.update(item.type for item in items)

    def draft(self, thread_id: str, item: Item) -> None:
        pass


class ForgetfulLedger(MemoryLedger):
    def add(self, row: LedgerRow) -> None:
        pass


class Busy(ScriptedModel):
    """Calls a tool in every step, and counts as a provider does: by the bytes that it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.fragments: list[int] = []
        self.memory: dict[int, int] = {}
        self._steps = itertools.count(1)

    async def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
        size = len(request.body()) // tokens.BYTES_PER_TOKEN
        self.sizes.append(size)
        self.fragments.append(len(request.fragments))
        if b"Sum it up." in request.fragments[-1]:
            script = message(f"# Goal\nGo on.\n# Open items\nAll after request {len(self.sizes)}.")
        else:
            step = next(self._steps)
            script = message("done") if step > STEPS else call(f"call-{step}")
            if step in CHECKED:
                gc.collect()
                self.memory[step] = tracemalloc.get_traced_memory()[0]
        for event in [*script, ReplyCompleted("r", Usage(size, 0, 20, 0, size + 20))]:
            yield [event]  # type: ignore[misc]


class Absent(RecordingClient):
    """Watches for the end only."""

    def notify(self, events: Sequence[Event]) -> None:
        super().notify([event for event in events if isinstance(event, TurnCompleted)])


@pytest.mark.timeout(600)
async def test_two_thousand_steps_stay_under_the_window_in_flat_memory() -> None:
    async def run(wish: object, scope: object) -> str:
        return "output " * 600

    model, store, client = Busy(), OnlyCounts(), Absent()
    agent, _, _ = build(model, FakeTool(run=run), store=store, context_window=WINDOW)
    state: Any = await agent.submit(StartThread(), client)
    tracemalloc.start()
    turn = await more(agent, client, state.meta.id, "Do it two thousand times.")
    ended = await client.until(lambda event: isinstance(event, TurnCompleted) and event.turn_id == turn, timeout=300)
    tracemalloc.stop()
    assert isinstance(ended, TurnCompleted)
    assert (ended.status, ended.error) == ("completed", None)
    assert store.counts["tool_output"] == STEPS
    assert store.counts["summary"] > 100
    assert max(model.sizes) < WINDOW
    assert max(model.fragments[len(model.fragments) // 2 :]) <= max(model.fragments[: len(model.fragments) // 2])
    thread = agent._loaded[state.meta.id].thread
    assert thread.count == store.counts.total()
    assert len(thread.items) < 100
    assert max(model.memory[step] for step in CHECKED[1:]) < model.memory[CHECKED[0]] + BOUND
