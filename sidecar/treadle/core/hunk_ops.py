"""What a client may ask of hunks. Part of core/ops.py."""

from __future__ import annotations

from typing import TypeAlias

from .record import frozen


@frozen
class ListHunks:
    """The agent's changes that the user has neither kept nor undone: of a thread, a file, a turn. Answered with a HunkList."""

    thread_id: str
    path: str | None = None
    turn_id: str | None = None


@frozen
class KeepHunks:
    """They are the user's text from now on. Named by `ids`, or all of a file, a turn, the thread. Answered with what is left."""

    thread_id: str
    ids: tuple[str, ...] | None = None
    path: str | None = None
    turn_id: str | None = None


@frozen
class UndoHunks:
    """Take them out of the files, all or none. Named as in KeepHunks. Answered with what is left."""

    thread_id: str
    ids: tuple[str, ...] | None = None
    path: str | None = None
    turn_id: str | None = None


HunkOp: TypeAlias = ListHunks | KeepHunks | UndoHunks
