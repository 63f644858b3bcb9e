"""A scripted Agent: answers ops as the real one promises, and plays the events of a turn that a test wrote."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from treadle.core.compaction import Room
from treadle.core.context import Document
from treadle.core.errors import RequestRefused
from treadle.core.events import (
    CardCompleted,
    CardDelta,
    CardStarted,
    ThreadNamed,
    ThreadStarted,
    ThreadStatusChanged,
    TurnCompleted,
    TurnStarted,
    UsageUpdated,
)
from treadle.core.history import TurnState
from treadle.core.items import TurnStatus
from treadle.core.looking_ops import LookAtContext
from treadle.core.ops import (
    ArchiveThread,
    InterruptTurn,
    ListThreads,
    NameThread,
    Op,
    ReadThread,
    ResumeThread,
    StartThread,
    StartTurn,
    SteerTurn,
)
from treadle.core.replies import Usage
from treadle.core.settings import Provider, Settings
from treadle.core.skills import FoundSkills
from treadle.core.views import MessageCard, UserCard
from treadle.runtime.answers import Answer, ContextState, ThreadPage, ThreadState
from treadle.runtime.ports import Buffers, Client, ThreadMeta

AT = 1_700_000_000.5
PROVIDER = Provider("fake", "Fake", "http://127.0.0.1:9")


class Stage:
    """What the script of a turn may do."""

    def __init__(self, agent: ScriptedAgent, client: Client, op: StartTurn, turn_id: str) -> None:
        self.agent, self.client, self.op = agent, client, op
        self.thread_id, self.turn_id = op.thread_id, turn_id
        self.status: TurnStatus = "completed"
        self.error: Any = None

    def say(self, *events: Any) -> None:
        self.client.notify(events)

    def message(self, id: str, text: str, *, pieces: int = 1) -> None:
        """An agent message, streamed in `pieces`."""
        self.say(CardStarted(self.thread_id, self.turn_id, MessageCard(id, "", complete=False), AT))
        size = -(-len(text) // pieces) or 1
        parts = [text[at : at + size] for at in range(0, len(text), size)]
        self.say(*[CardDelta(self.thread_id, self.turn_id, id, "text", part) for part in parts])
        self.say(CardCompleted(self.thread_id, self.turn_id, MessageCard(id, text, "final_answer"), AT))


async def hello(stage: Stage) -> None:
    """The smallest turn: the user's words, an answer in three pieces, usage."""
    usage = Usage(10, 4, 5, 2, 15)
    stage.say(CardStarted(stage.thread_id, stage.turn_id, UserCard("user-1", stage.op.content, stage.op.client_id), AT))
    stage.say(CardCompleted(stage.thread_id, stage.turn_id, UserCard("user-1", stage.op.content, stage.op.client_id), AT))
    stage.message("message-1", "Hello, world", pieces=3)
    stage.say(UsageUpdated(stage.thread_id, stage.turn_id, usage, usage, 128_000))


class ScriptedAgent:
    """Implements runtime.agent.Agent as far as a door can see it."""

    buffers: Buffers | None = None

    def __init__(self, script: Callable[[Stage], Awaitable[None]] = hello) -> None:
        self.script = script
        self.ops: list[Op] = []
        self.threads: dict[str, ThreadState] = {}
        self.turns: dict[str, asyncio.Task[None]] = {}
        self.dropped: list[Client] = []
        self.unsubscribed: list[str] = []
        self.closed = False
        self.hold = asyncio.Event()
        "Not set: archiving waits, so that a test can fill the connection with requests."
        self.hold.set()
        self._ids = itertools.count(1)

    async def submit(self, op: Op, client: Client) -> Answer:
        self.ops.append(op)
        match op:
            case StartThread():
                return self._start(op, client)
            case ResumeThread() | ReadThread():
                state = self._known(op.thread_id)
                with_turns = isinstance(op, ResumeThread) or op.include_turns
                return state if with_turns else dataclasses.replace(state, turns=[])
            case LookAtContext(thread_id=str() as thread_id):
                documents = tuple(Document(path, "Be kind.") for path in self._known(thread_id).instruction_sources)
                return ContextState(thread_id, documents, (), 1200, 200, Room(128_000, 115_200), {"base": 900, "user": 300})
            case ListThreads():
                return ThreadPage([dataclasses.replace(state, turns=[]) for state in self.threads.values()], None)
            case StartTurn():
                return self._turn(op, client)
            case SteerTurn():
                self._running(op.thread_id)
                return op.expected_turn_id
            case InterruptTurn():
                self._running(op.thread_id).cancel()
            case NameThread():
                state = self._known(op.thread_id)
                state.meta = dataclasses.replace(state.meta, name=op.name)
                client.notify([ThreadNamed(op.thread_id, op.name)])
            case ArchiveThread():
                await self.hold.wait()
                self._known(op.thread_id)
        return None

    def unsubscribe(self, thread_id: str, client: Client) -> Literal["notLoaded", "notSubscribed", "unsubscribed"]:
        if thread_id not in self.threads:
            return "notLoaded"
        self.unsubscribed.append(thread_id)
        return "unsubscribed"

    def lend(self, buffers: Buffers | None) -> None:
        self.buffers = buffers

    def drop(self, client: Client) -> None:
        self.dropped.append(client)

    def end_commands(self, client: Client) -> None:
        pass

    def loaded_ids(self) -> tuple[str, ...]:
        return tuple(self.threads)

    async def info(self, what: Literal["models", "doctor", "config", "skills"], **args: Any) -> Any:
        facts: dict[str, Any] = {
            "models": [
                {"id": "model-a", "name": "Model A", "provider": "fake", "efforts": ["low", "high"], "default": True},
                {"id": "model-b", "name": "Model B", "provider": "other", "efforts": [], "default": False},
            ],
            "doctor": {"sandbox": "bubblewrap"},
            "config": {"model": "model-a"},
            "skills": ("/workspace", FoundSkills()),
        }
        return facts[what]

    async def stop(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True
        tasks = list(self.turns.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, thread_id: str) -> ThreadState:
        if thread_id not in self.threads:
            raise RequestRefused(f"no thread with the id {thread_id}")
        return self.threads[thread_id]

    def _running(self, thread_id: str) -> asyncio.Task[None]:
        task = self.turns.get(thread_id)
        if task is None or task.done():
            raise RequestRefused("no turn is running in this thread")
        return task

    def _start(self, op: StartThread, client: Client) -> ThreadState:
        id = f"thread-{next(self._ids)}"
        settings = Settings(op.overrides.cwd or "/workspace", op.overrides.model or "model-a", PROVIDER)
        meta = ThreadMeta(id, AT, AT, settings.cwd, settings.model, PROVIDER.id, originator=op.originator, ephemeral=op.ephemeral)
        self.threads[id] = ThreadState(meta, "idle", settings, [], ("/workspace/AGENTS.md",))
        client.notify([ThreadStarted(id), ThreadStatusChanged(id, "idle")])
        return self.threads[id]

    def _turn(self, op: StartTurn, client: Client) -> TurnState:
        self._known(op.thread_id)
        stage = Stage(self, client, op, f"turn-{next(self._ids)}")
        self.turns[op.thread_id] = asyncio.ensure_future(self._play(stage))
        return TurnState(stage.turn_id, started_at=AT)

    async def _play(self, stage: Stage) -> None:
        stage.say(ThreadStatusChanged(stage.thread_id, "active"), TurnStarted(stage.thread_id, stage.turn_id, AT))
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await self.script(stage)
            except asyncio.CancelledError:
                stage.status = "interrupted"
        ended = TurnCompleted(stage.thread_id, stage.turn_id, AT + 1, stage.status, stage.error, AT)
        self.threads[stage.thread_id].turns.append(TurnState(stage.turn_id, stage.status, AT, AT + 1, stage.error))
        stage.say(ended, ThreadStatusChanged(stage.thread_id, "idle"))
