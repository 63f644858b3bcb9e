"""What clients are told. An event is noun_past; each names its thread, and its turn where it has one.

Order promised to a client, per turn: TurnStarted, then for every card exactly one CardStarted, any number of CardDelta, exactly
one CardCompleted, then TurnCompleted. A card is on disk before its CardCompleted is sent. `at` is seconds since the epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from .handed_back import Problem
from .items import JsonObject, TurnStatus
from .record import frozen
from .replies import Usage
from .views import Card

if TYPE_CHECKING:
    from .ledger import LedgerRow
    from .settings import Settings

PlanSteps: TypeAlias = tuple[tuple[str, Literal["pending", "in_progress", "completed"]], ...]
DeltaKind: TypeAlias = Literal["text", "reasoning", "summary", "summary_part", "output", "input"]


@frozen
class ErrorInfo:
    """A failure as the user reads it. `message` is one sentence with the way out."""

    message: str
    code: str = "other"
    "A core.errors.ModelErrorKind, or: sandbox, config, internal."
    status: int | None = None
    details: str | None = None


@frozen
class ThreadStarted:
    thread_id: str


@frozen
class ThreadClosed:
    """It is in memory no more, and can be resumed."""

    thread_id: str


@frozen
class ThreadSettingsChanged:
    """What the thread's next turn runs under."""

    thread_id: str
    settings: Settings


@frozen
class ThreadStatusChanged:
    thread_id: str
    status: Literal["idle", "active", "waiting_on_approval", "not_loaded"]


@frozen
class ThreadNamed:
    thread_id: str
    name: str | None


@frozen
class ThreadReverted:
    """Turns were taken back, or given back: what a client knows of the thread's turns is no longer so."""

    thread_id: str


@frozen
class QueueChanged:
    """Messages that wait in a thread came, went, or changed their words or order."""

    thread_id: str


@frozen
class TurnStarted:
    thread_id: str
    turn_id: str
    at: float


@frozen
class TurnCompleted:
    thread_id: str
    turn_id: str
    at: float
    status: TurnStatus
    error: ErrorInfo | None = None
    started_at: float | None = None


@frozen
class TurnDiffUpdated:
    """Unified diff of all files that this turn's patches changed so far."""

    thread_id: str
    turn_id: str
    diff: str


@frozen
class CardStarted:
    thread_id: str
    turn_id: str
    card: Card
    at: float


@frozen
class CardDelta:
    thread_id: str
    turn_id: str
    card_id: str
    kind: DeltaKind
    text: str
    index: int = 0


@frozen
class CardCompleted:
    thread_id: str
    turn_id: str
    card: Card
    at: float


@frozen
class UsageUpdated:
    thread_id: str
    turn_id: str
    last: Usage
    total: Usage
    context_window: int | None


@frozen
class ErrorReported:
    """Something went wrong in a turn. With `will_retry` the turn goes on by itself."""

    thread_id: str
    turn_id: str
    error: ErrorInfo
    will_retry: bool


CUT_SHORT = "incomplete"
"Code of the warning that the provider ended an answer early, for its length."


@frozen
class WarningReported:
    """Said once, to be shown; e.g. no sandbox on this machine. Thread or turn may be None."""

    message: str
    thread_id: str | None = None
    code: str = "warning"
    data: JsonObject | None = None


@frozen
class ProgressReported:
    """What takes long just now, e.g. loading the embedded model; None when it is over. Replaces what was said before."""

    message: str | None


@frozen
class McpStatusChanged:
    """Where an MCP server of the thread stands. `error` is a sentence for the user."""

    thread_id: str
    name: str
    status: Literal["starting", "ready", "failed"]
    error: str | None = None


@frozen
class McpLoginCompleted:
    """A login to an MCP server that a client began has ended; `error` is a sentence, None when the user is logged in."""

    thread_id: str | None
    name: str
    login_id: str
    error: str | None = None


@frozen
class ToolsChanged:
    """Tools that came, went or changed since the model was told of them: not in force before the next epoch or a refresh. Without
    a message: nothing differs any more."""

    thread_id: str
    message: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    cost: int
    "Tokens, estimated, that the provider must read again after a refresh."


@frozen
class ContextChanged:
    """The instruction files in force for the thread."""

    thread_id: str
    instruction_sources: tuple[str, ...]


@frozen
class SkillsChanged:
    """Other skills are there than a client was told of: it may ask for the list again."""

    thread_id: str


@frozen
class PlanUpdated:
    """The model's list of steps, whole, in place of the one before."""

    thread_id: str
    turn_id: str
    explanation: str | None
    steps: PlanSteps


@frozen
class PatchPreviewed:
    """What a patch that is still being written would change so far. Replaces what was said before of this card."""

    thread_id: str
    turn_id: str
    card_id: str
    changes: tuple[JsonObject, ...]
    "core.views.FileChange each."


@frozen
class GrantsChanged:
    """The list of grants is another one: a client may ask for it again."""

    thread_id: str | None = None


@frozen
class HunksChanged:
    """Other hunks are to be kept or undone in these files than a client was told of, or elsewhere: it may list them again."""

    thread_id: str
    paths: tuple[str, ...]


@frozen
class ProblemsTold:
    """The model reads these problems of the editor's with its next request."""

    thread_id: str
    turn_id: str
    problems: tuple[Problem, ...]


@frozen
class HookRan:
    """A hook of the user began or ended. `message` is for the user."""

    thread_id: str
    turn_id: str | None
    run: JsonObject


@frozen
class CommandPrinted:
    """A piece of what a client's own command (ops.Execute) has printed."""

    process_id: str
    stream: Literal["stdout", "stderr"]
    data: bytes
    capped: bool
    "The stream has come to its cap: nothing more of it will be told."
    thread_id: None = None


@frozen
class ApprovalSettled:
    """Something asked (core/asking.py) was answered, or dropped because its turn ended."""

    thread_id: str
    approval_id: str


@frozen
class RequestCounted:
    """A request came to its end, whatever the end: its row in the ledger."""

    thread_id: str
    turn_id: str
    row: LedgerRow


@frozen
class CheckpointChanged:
    """The turn has changed a file that it had not changed before, or the state before it was restored: ask for the list again."""

    thread_id: str
    turn_id: str


Event: TypeAlias = (
    ThreadStarted
    | ThreadStatusChanged
    | ThreadNamed
    | QueueChanged
    | ThreadReverted
    | ThreadClosed
    | ThreadSettingsChanged
    | TurnStarted
    | TurnCompleted
    | TurnDiffUpdated
    | CardStarted
    | CardDelta
    | CardCompleted
    | UsageUpdated
    | ErrorReported
    | WarningReported
    | ProgressReported
    | McpStatusChanged
    | McpLoginCompleted
    | ToolsChanged
    | ContextChanged
    | SkillsChanged
    | PlanUpdated
    | PatchPreviewed
    | GrantsChanged
    | HunksChanged
    | CheckpointChanged
    | ProblemsTold
    | HookRan
    | CommandPrinted
    | ApprovalSettled
    | RequestCounted
)
