"""What may be asked of checkpoints. Data only; the answers are in core/checkpoints.py."""

from __future__ import annotations

from typing import Literal, TypeAlias

from .record import frozen

What: TypeAlias = Literal["files", "conversation", "both"]
OnConflict: TypeAlias = Literal["abort", "skip"]


@frozen
class ListCheckpoints:
    """Answered with a CheckpointList."""

    thread_id: str


@frozen
class PreviewCheckpoint:
    """What going back to before `turn_id` would do; or what taking back `restore_id` would. Answered with a CheckpointPlan."""

    thread_id: str
    turn_id: str | None = None
    restore_id: str | None = None
    what: What = "both"


@frozen
class RestoreCheckpoint:
    """Answered with a RestoreDone. Conflicts are never overwritten: with `skip` the other files are restored nevertheless."""

    thread_id: str
    turn_id: str
    what: What = "both"
    on_conflict: OnConflict = "abort"


@frozen
class RedoCheckpoint:
    """Take a restore back; or a redo. Answered with a RestoreDone."""

    thread_id: str
    restore_id: str
    on_conflict: OnConflict = "abort"


CheckpointOp: TypeAlias = ListCheckpoints | PreviewCheckpoint | RestoreCheckpoint | RedoCheckpoint
