"""Files and conversation as they were before a turn: listed, previewed, restored, and the restoring taken back."""

from __future__ import annotations

from typing import Literal

from .base import Params, Wire

What = Literal["files", "conversation", "both"]
OnConflict = Literal["abort", "skip"]


class OmittedFile(Wire):
    """The turn changed it, but what it held is not kept."""

    path: str
    reason: str


class Checkpoint(Wire):
    """The state before a turn. `files`: how many the turn changed."""

    turn_id: str
    created_at_ms: int
    preview: str
    files: int
    omitted: list[OmittedFile]


class Restore(Wire):
    """What was restored, or taken back (`redoOf` names what): `restoreId` takes it back."""

    restore_id: str
    turn_id: str
    what: What
    created_at_ms: int
    redo_of: str | None


class CheckpointListParams(Params):
    thread_id: str


class CheckpointListResponse(Wire):
    """Oldest first."""

    checkpoints: list[Checkpoint]
    restores: list[Restore]


class FilePlan(Wire):
    """What becomes of one file. merge: the earlier content with what the user has changed since; conflict: both changed the same
    place, the file is left alone; omitted: its earlier content is not kept. `diff` is cut when it is long."""

    path: str
    kind: Literal["restore", "delete", "create", "merge", "conflict", "unchanged", "omitted"]
    diff: str
    added: int
    removed: int
    reason: str | None


class CheckpointPreviewParams(Params):
    """Of going back to before `turnId`, or of taking back what was restored (`restoreId`)."""

    thread_id: str
    turn_id: str | None = None
    restore_id: str | None = None
    what: What = "both"
    "Not with `restoreId`."


class CheckpointPreviewResponse(Wire):
    files: list[FilePlan]
    turns: int
    "How many turns the conversation loses, or gets back."


class CheckpointRestoreParams(Params):
    """Conflicts are never overwritten: abort does nothing at all when there is one, skip leaves those files alone."""

    thread_id: str
    turn_id: str
    what: What = "both"
    on_conflict: OnConflict = "abort"


class CheckpointRedoParams(Params):
    """Take back what was restored, or what such a redo did."""

    thread_id: str
    restore_id: str
    on_conflict: OnConflict = "abort"


class CheckpointRestoreResponse(Wire):
    restore_id: str | None
    "For treadle/checkpoint/redo; null: nothing was done, because of the conflicts among `files`."
    files: list[FilePlan]
    turns: int


class CheckpointChangedNotification(Wire):
    """The turn changed another file, or the state before it was restored: ask for the list again."""

    thread_id: str
    turn_id: str
