"""One conversation of the soak as its client knows it: what runs, what is open, what was counted.

Promises to complain of an item that was begun and not completed when its turn is over, and of a turn that ends in no named state.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .client import Client, Message, Refused
from .model import Place

TURN_TAKES = 90.0
"Seconds in which a turn that was interrupted has to end."
STATES = ("completed", "interrupted", "failed")


@dataclass
class Talk:
    work: Place
    options: dict[str, Any]
    rng: random.Random
    counted: Counter[str]
    "Of all conversations."
    client: Client
    id: str = ""
    turn: str | None = None
    "The one that runs."
    open: dict[str, Message] = field(default_factory=dict[str, Message])
    "Items that were begun, by id."
    watched: bool = True
    turns: int = 0
    over: deque[str] = field(default_factory=lambda: deque[str](maxlen=20))
    "The latest turns that ended."
    busy: bool = False
    "As its status says."
    told: int = 0
    "How often it was told of its status."
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    problems: list[str] = field(default_factory=list[str])

    async def call(self, method: str, **params: Any) -> Message:
        return await self.client.call(method, threadId=self.id, **params)

    def heard(self, message: Message) -> None:
        params = message["params"]
        match message["method"]:
            case "turn/started":
                self.turn, self.busy = params["turn"]["id"], True
            case "turn/completed":
                self._ended(params["turn"])
            case "thread/status/changed":
                self.busy = params["status"]["type"] == "active"
                self.told += 1
            case "item/started":
                self.open[params["item"]["id"]] = params["item"]
            case "item/completed":
                self._completed(params["item"])
            case "item/agentMessage/delta":
                self.counted["deltas"] += 1
            case "error" if not params["willRetry"]:
                self.counted["errors told"] += 1
            case _:
                pass
        self.changed.set()

    def answer(self, message: Message) -> None:
        """What the user says to a question; one in ten is left open."""
        luck = self.rng.random()
        self.counted["questions"] += 1
        if luck < 0.9:
            decision = {"decision": "accept" if luck < 0.75 else "decline"}
            answer = {"action": "accept", "content": {}} if "elicitation" in message["method"] else decision
            self.client.say({"id": message["id"], "result": answer})

    def begun(self, turn_id: str) -> None:
        """As an answer says, which may be read after the turn's end was heard."""
        if turn_id not in self.over:
            self.turn = turn_id

    def forget(self) -> None:
        """Nobody watches it: what happens now is not heard."""
        self.turn, self.busy = None, False
        self.open.clear()

    async def until_idle(self, patience: float) -> None:
        """Until nothing runs in it; what takes too long is interrupted."""
        try:
            async with asyncio.timeout(patience):
                await self._idle()
        except TimeoutError:
            async with asyncio.timeout(TURN_TAKES):
                await self._interrupted()

    async def _interrupted(self) -> None:
        """Also the turn of a message from the queue that began in this moment."""
        stopped: str | None = None
        while self._runs():
            if self.turn is not None and self.turn != stopped:
                stopped = self.turn
                self.counted["interrupts"] += 1
                with suppress(Refused):  # its end was quicker
                    await self.call("turn/interrupt", turnId=stopped)
            else:
                await self._news()

    async def _idle(self) -> None:
        while self._runs():
            await self._news()

    def _runs(self) -> bool:
        return (self.turn is not None or self.busy) and self.client.process.returncode is None

    async def _news(self) -> None:
        self.changed.clear()
        await self.changed.wait()

    def _ended(self, turn: Message) -> None:
        self.turns += 1
        self.over.append(turn["id"])
        self.counted["turns"] += 1
        self.counted[f"turns {turn['status']}"] += 1
        if turn["status"] not in STATES:
            self.problems.append(f"turn {turn['id']} ended as {turn['status']!r}")
        if turn["status"] == "failed":
            self.problems.append(f"turn {turn['id']} failed: {turn['error']}")
        left = [item for item in self.open.values() if not _goes_on(item)]
        if left and self.watched:
            self.problems.append(f"turn {turn['id']} is over, these items are not: {str(left)[:500]}")
        self.turn = None
        self.open.clear()

    def _completed(self, item: Message) -> None:
        self.open.pop(item["id"], None)
        kind = item["type"]
        if item.get("status") == "inProgress":
            self.problems.append(f"completed, and in progress: {str(item)[:300]}")
        self.counted[kind] += 1
        if kind == "fileChange" and item["status"] != "completed":
            self.counted["patches refused"] += 1


def _goes_on(item: Message) -> bool:
    """A command in the background outlives its turn."""
    return item["type"] == "commandExecution"
