"""What an editor asks beside the turns of its user: a review, words for a commit, a hearing for new problems. See core/ops.py."""

from __future__ import annotations

from typing import TypeAlias

from .handed_back import Problem
from .record import frozen
from .review import Target


@frozen
class StartReview:
    """A turn that reviews changes and changes nothing itself. The thread must be one that only reads. Answered with TurnState."""

    thread_id: str
    target: Target


@frozen
class WriteCommitMessage:
    """Answered with a CommitMessage. The model has no tools, and no thread keeps what it was asked."""

    diff: str
    subjects: tuple[str, ...] = ()
    "Of the last commits, the newest first: the style to follow."
    begun: str = ""
    "What the user has written of it."
    cwd: str | None = None
    model: str | None = None


@frozen
class ReportProblems:
    """Problems that an editor found in files which the running turn has changed. Answered with how many are new to the model and
    will be told to it before its next request; 0 when that turn does not run any more."""

    thread_id: str
    turn_id: str
    problems: tuple[Problem, ...]


EditorOp: TypeAlias = StartReview | WriteCommitMessage | ReportProblems
