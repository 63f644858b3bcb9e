"""Checkpoints: what is said of them. Data only.

A checkpoint is the state before a turn, files and conversation; its id is the turn's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from . import tags
from .checkpoint_ops import What
from .record import frozen

FileKind: TypeAlias = Literal["restore", "delete", "create", "merge", "conflict", "unchanged", "omitted"]
"""restore: the earlier content comes back; delete, create: the file goes, or comes back; merge: the earlier content with what the
user has changed since; conflict: both changed the same place, the file is left alone; unchanged: it is as it was; omitted: its
earlier content is not kept."""

_SHOWN_PATHS = 30
_LONGEST_PATH = 300
_RESTORED = "The user restored files to an earlier state of this conversation. What was done to these files since is undone:"
_REDONE = "The user took the restoring of files back. These files changed again:"
_LEFT = "The user went back to this point of the conversation, but these files could not be restored and may hold later changes:"
_CLOSING = "Read them again before you rely on what they hold."


@frozen
class Omitted:
    path: str
    reason: str
    "A clause."


@frozen
class Checkpoint:
    """Before a turn."""

    turn_id: str
    at: float
    words: str
    "The beginning of what the user said."
    files: int
    "How many this turn changed."
    omitted: tuple[Omitted, ...] = ()


@frozen
class Restored:
    """One restore, or one redo: what was done, so that it can be undone."""

    thread_id: str
    id: str
    turn_id: str
    "The checkpoint that it went back to."
    what: What
    at: float
    last_turn: str
    "The last turn of the thread at that time."
    redo_of: str | None = None
    "It took back this restore."


@frozen
class CheckpointList:
    """Oldest first."""

    checkpoints: tuple[Checkpoint, ...]
    restores: tuple[Restored, ...]


@frozen
class FilePlan:
    """What a restore would do, or did, to one file."""

    path: str
    kind: FileKind
    diff: str = ""
    "Unified, of text; cut when it is long."
    added: int = 0
    removed: int = 0
    reason: str | None = None
    "Of a conflict or what is omitted: a clause."


@frozen
class CheckpointPlan:
    files: tuple[FilePlan, ...]
    turns: int
    "How many turns the conversation loses, or gets back."


@frozen
class RestoreDone:
    """`id` undoes it; None: nothing was done, because of the conflicts among `files`."""

    id: str | None
    files: tuple[FilePlan, ...]
    turns: int


def told_words(plans: Sequence[FilePlan], what: What, *, redone: bool) -> str | None:
    """What the model is told when the user has put files back; None: nothing. One that has its conversation taken back knows no
    better than what the files hold again, but for those where that could not be done."""
    done = [plan.path for plan in plans if plan.kind in ("restore", "delete", "create", "merge")]
    left = [plan.path for plan in plans if plan.kind in ("conflict", "omitted")]
    lines: list[str] = []
    if what == "files" and done:
        lines.append(_REDONE if redone else _RESTORED)
        lines += _listed(done)
    elif what == "both" and left:
        lines.append(_LEFT)
        lines += _listed(left)
    if not lines:
        return None
    return "\n".join(["<restored_files>", *lines, _CLOSING, "</restored_files>"])


def _listed(paths: Sequence[str]) -> list[str]:
    shown = [f"- {tags.named(path)[:_LONGEST_PATH]}" for path in paths[:_SHOWN_PATHS]]
    more = len(paths) - _SHOWN_PATHS
    return [*shown, f"- and {more} more"] if more > 0 else shown
