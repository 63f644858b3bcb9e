"""Threads by id: takes ops, answers them, runs at most one turn per thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ..core.history import TurnState
from ..core.ops import Op
from ..core.settings import Settings
from .ports import Client, ThreadMeta


@dataclass(slots=True)
class ThreadState:
    """What is said of a thread: to StartThread, ResumeThread, ReadThread, and one of these per row of ListThreads."""

    meta: ThreadMeta
    status: Literal["not_loaded", "idle", "active", "waiting_on_approval"] = "not_loaded"
    settings: Settings | None = None
    "None in lists and for threads that are not loaded."
    turns: list[TurnState] = field(default_factory=list[TurnState])
    instruction_sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class ThreadPage:
    threads: list[ThreadState]
    next_cursor: str | None


Answer: TypeAlias = ThreadState | ThreadPage | TurnState | str | None


class Agent:
    """The one object that a server talks to. Built by app.py.

    A client that starts, resumes or starts a turn in a thread is subscribed to its events.
    """

    async def submit(self, op: Op, client: Client) -> Answer:
        """StartThread, ResumeThread, ReadThread -> ThreadState; ListThreads -> ThreadPage; StartTurn -> TurnState (inProgress,
        before any event of the turn); SteerTurn -> the turn's id; the rest -> None. Raises RequestRefused or TreadleError."""
        raise NotImplementedError

    def unsubscribe(self, thread_id: str, client: Client) -> None:
        raise NotImplementedError

    def drop(self, client: Client) -> None:
        """The client is gone: forget its subscriptions, answer what it was asked with decline."""
        raise NotImplementedError

    async def info(self, what: Literal["models", "doctor", "config"], **args: Any) -> Any:
        """Facts for pickers: models -> list of {id, name, provider, efforts, default}; doctor -> {sandbox, provider, key, ...}."""
        raise NotImplementedError

    async def close(self) -> None:
        """Interrupt all turns, end all processes, close the store."""
        raise NotImplementedError
