"""What a client may ask about one thread besides its turns. See core/ops.py, whose Op they are part of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .items import JsonObject


@dataclass(frozen=True, slots=True)
class InjectItems:
    """Add input items to what the model sees, as they are, without a turn."""

    thread_id: str
    items: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class RunUserCommand:
    """The user's own shell line, outside of the sandbox: in the turn that runs, else in one of its own. Answered at once."""

    thread_id: str
    command: str
    timeout: float = 3_600.0
    "Seconds; 0 ends it at once."


ThreadOp: TypeAlias = InjectItems | RunUserCommand
