"""What a client may ask about one thread besides its turns. See core/ops.py, whose Op they are part of."""

from __future__ import annotations

from collections.abc import Mapping

from .items import JsonObject
from .record import frozen


@frozen
class InjectItems:
    """Add input items to what the model sees, as they are, without a turn."""

    thread_id: str
    items: tuple[JsonObject, ...]


@frozen
class UpdateGit:
    """Where the thread's folder stands in git, as a client knows it: fields of GitInfo. Answered with the ThreadState."""

    thread_id: str
    changes: Mapping[str, str | None]


@frozen
class ListTerminals:
    """The thread's background commands: list of Background."""

    thread_id: str


@frozen
class EndTerminals:
    """One of them, by its process id; None: all. Answered with how many there were."""

    thread_id: str
    process_id: str | None = None


@frozen
class Background:
    """A command that the agent has left running."""

    item_id: str
    process_id: str
    command: str
    cwd: str
    pid: int


@frozen
class RunUserCommand:
    """The user's own shell line, outside of the sandbox: in the turn that runs, else in one of its own. Answered at once."""

    thread_id: str
    command: str
    timeout: float = 3_600.0
    "Seconds; 0 ends it at once."
