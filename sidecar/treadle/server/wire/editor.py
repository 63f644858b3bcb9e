"""What an editor asks beside the turns of its user: words for an action, a commit message, a review, problems handed back."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypeAliasType

from .base import JsonMap, Params, Wire
from .turn import Turn

Line: TypeAlias = Annotated[int, Field(ge=1, le=10_000_000)]


class EditorProblem(Params):
    """Lines and columns count from 1."""

    path: str
    line: Line
    column: Line = 1
    severity: Literal["error", "warning", "information", "hint"]
    message: str
    source: str = ""
    code: str = ""


class ActionWordsParams(Params):
    """What the user has chosen in the editor, and the code there as the editor has it."""

    action: Literal["explain", "fix", "tests", "document", "todo", "finding", "problems"]
    path: str = ""
    "As the user would say it."
    language: str = ""
    first_line: Line = 1
    last_line: Line = 1
    code: str = ""
    name: str = ""
    "The symbol that it is about, when nothing is selected."
    diagnostics: list[JsonMap] = Field(default_factory=list[JsonMap])
    "As the language server protocol has them."
    note: str = ""
    "What a review found there."
    problems: list[EditorProblem] = Field(default_factory=list[EditorProblem])
    "Of the action problems: all that it is about."


class ActionWordsResponse(Wire):
    """The message that a turn begins with."""

    text: str


class CommitMessageParams(Params):
    diff: str
    subjects: list[str] = Field(default_factory=list[str])
    begun: str = ""
    cwd: str | None = None
    model: str | None = None


class CommitMessageResponse(Wire):
    message: str
    left_out: list[str]
    "Files that the model was not shown, because they may hold secrets."


class DiagnosticsReportParams(Params):
    """Problems that appeared in files which the running turn has changed."""

    thread_id: str
    turn_id: str
    problems: Annotated[list[EditorProblem], Field(max_length=200)]


class DiagnosticsReportResponse(Wire):
    """How many the model will be told before its next request: treadle/diagnostics/told says when. 0: the turn is over."""

    taken: int


class ToldProblem(Wire):
    path: str
    line: int
    column: int
    severity: str
    source: str
    code: str
    message: str


class DiagnosticsToldNotification(Wire):
    """The model reads these with its next request."""

    thread_id: str
    turn_id: str
    problems: list[ToldProblem]


class UncommittedChangesTarget(Params):
    type: Literal["uncommittedChanges"]


class StagedChangesTarget(Params):
    """Ours: what is staged, and nothing else."""

    type: Literal["stagedChanges"]


class BaseBranchTarget(Params):
    type: Literal["baseBranch"]
    branch: str


class CommitTarget(Params):
    type: Literal["commit"]
    sha: str
    title: str | None = None


class CustomTarget(Params):
    type: Literal["custom"]
    instructions: str


ReviewTarget = TypeAliasType(
    "ReviewTarget",
    Annotated[
        UncommittedChangesTarget | StagedChangesTarget | BaseBranchTarget | CommitTarget | CustomTarget,
        Field(discriminator="type"),
    ],
)


class ReviewStartParams(Params):
    """A turn of this thread that only reads. Its items begin with enteredReviewMode and end with exitedReviewMode."""

    thread_id: str
    target: ReviewTarget
    delivery: Literal["inline"] | None = None


class ReviewStartResponse(Wire):
    turn: Turn
    review_thread_id: str
