"""What the agent did to a file, as everyone who keeps account of it is told: checkpoints, hunks. Data only."""

from __future__ import annotations

from typing import Literal, TypeAlias

from .record import frozen

Author: TypeAlias = Literal["patch", "command", "restore"]


@frozen
class Changed:
    """One file, before and after one change. Where there was, or is, no file, `before` or `after` is None."""

    thread_id: str
    turn_id: str
    path: str
    "Real path."
    before: bytes | None
    after: bytes | None
    by: Author
    mode_before: int | None = None
    mode_after: int | None = None
    unsaved: bool = False
    "The contents are those of an editor's document, which has not been saved."
    omitted: str | None = None
    "Why the contents are not told (too large, not a regular file, …): a clause. Both are None then."
    moved: str | None = None
    "Of a file that was moved, where from or where to: the other one of two changes."
