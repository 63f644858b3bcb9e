"""What the agent answers to ops: plain data, projected to a wire by each server door."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..core.history import TurnState
from ..core.settings import Settings
from .ports import ThreadMeta


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
