"""The agent's changes to files, hunk by hunk: listed, kept, undone."""

from __future__ import annotations

from typing import Literal

from .base import Params, Wire


class Hunk(Wire):
    """Lines count from 0. `start` and `lines` are where it is in the file as it is now, `baseStart` and `baseLines` where it was;
    no lines: a place between two."""

    id: str
    base_start: int
    base_lines: int
    start: int
    lines: int
    removed: list[str]
    "What it took out, without line ends, for a person to read: long lines and long lists are cut. `baseLines` counts all."
    added: list[str]
    turn_ids: list[str]
    "Turns that wrote it, oldest first."
    whole: bool
    "The file was created or deleted, or is no text: one hunk, to be kept or undone whole."


class HunkFile(Wire):
    """`version` is that of the open document the hunks are about, as the editor numbers it; null, too, as long as the editor
    shows what the file held before, and the file is told of again when it does not. `omitted` says why there are no lines
    and no undo. `moved` is where the file was moved from or to: the two are kept and undone together."""

    path: str
    kind: Literal["add", "delete", "update"]
    unsaved: bool
    version: int | None
    hunks: list[Hunk]
    added: int
    removed: int
    "Lines, in all hunks."
    omitted: str | None
    moved: str | None


class HunkListParams(Params):
    thread_id: str
    path: str | None = None
    "Absolute."
    turn_id: str | None = None
    full: bool = False
    "Lines are not cut: for who makes the earlier text of them. What does not fit into the answer at all is left out still."


class HunkListResponse(Wire):
    """What is neither kept nor undone. `notFollowed` counts files beyond the most that are followed for one thread."""

    files: list[HunkFile]
    not_followed: int
    problems: list[str]
    "After an undo of a turn or of the thread: a sentence for each file that could not be undone with the others."


class HunkChoiceParams(Params):
    """Hunks by `ids`, or all of a file, of a turn, of both, or of the thread. An id that is not there refuses the request."""

    thread_id: str
    ids: list[str] | None = None
    path: str | None = None
    turn_id: str | None = None


class HunkChangedNotification(Wire):
    """List these files again: hunks came, went or moved."""

    thread_id: str
    paths: list[str]
