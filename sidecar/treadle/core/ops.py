"""What a client may ask of the agent. Each is handed to runtime.agent.Agent.submit, which answers or raises RequestRefused."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, TypeAlias

from .checkpoint_ops import CheckpointOp
from .command_ops import CommandOp
from .editor_ops import EditorOp
from .grants import GrantScope, Subject
from .hunk_ops import HunkOp
from .items import Image, JsonObject, Text
from .keeping import KeepingOp
from .looking_ops import LookingOp
from .queue import QueueOp
from .record import frozen
from .settings import ApprovalPolicy, SandboxPolicy
from .thread_ops import EndTerminals, InjectItems, ListTerminals, RunUserCommand, UpdateGit


@frozen
class Overrides:
    """Settings of a thread or turn that a client sets; None means "as it was". They stay in force for later turns."""

    cwd: str | None = None
    model: str | None = None
    provider: str | None = None
    effort: str | None = None
    summary: str | None = None
    approval_policy: ApprovalPolicy | None = None
    sandbox: SandboxPolicy | None = None
    roots: tuple[str, ...] | None = None
    base_instructions: str | None = None
    developer_instructions: str | None = None
    ask_before_edits: bool | None = None
    "Over the configuration's word, which config carries."
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    "Dotted keys over config.toml, as with -c."


@frozen
class StartThread:
    overrides: Overrides = Overrides()
    ephemeral: bool = False
    originator: str = "unknown"


@frozen
class ResumeThread:
    thread_id: str
    overrides: Overrides = Overrides()
    goes_on: bool = False
    "The client can be asked again: a turn that was cut off while it waited for the user goes on."


@frozen
class ReadThread:
    thread_id: str
    include_turns: bool = False


@frozen
class ListThreads:
    cursor: str | None = None
    limit: int = 25
    cwds: tuple[str, ...] = ()
    search: str | None = None
    archived: bool = False
    ascending: bool = False
    by_update: bool = False
    providers: tuple[str, ...] = ()
    originators: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    "Kinds of clients that began them, as core.keeping.source says; like the others, a filter that is empty passes everything."
    excluded: tuple[str, ...] = ()


@frozen
class NameThread:
    thread_id: str
    name: str | None


@frozen
class ArchiveThread:
    thread_id: str
    archived: bool


@frozen
class UpdateSettings:
    """From the next turn on."""

    thread_id: str
    overrides: Overrides


@frozen
class UpdateTurn:
    """Of the running turn, from its next step on. Answered with whether that turn runs."""

    thread_id: str
    turn_id: str
    effort: str | None = None
    summary: str | None = None


@frozen
class ForkThread:
    """A new thread that begins as another one: whole, or up to a turn and with it, or up to a turn and without it."""

    thread_id: str
    overrides: Overrides = Overrides()
    last_turn_id: str | None = None
    before_turn_id: str | None = None
    ephemeral: bool = False
    originator: str = "unknown"


@frozen
class RevertThread:
    """Take back a turn and all that came after it. Files stay as they are. Answered with the ThreadState, without turns."""

    thread_id: str
    before_turn_id: str


@frozen
class UndoRevert:
    """Give back what the last RevertThread took, as long as nothing new was said since."""

    thread_id: str


@frozen
class StartTurn:
    thread_id: str
    content: tuple[Text | Image, ...]
    overrides: Overrides = Overrides()
    output_schema: dict[str, Any] | None = None
    client_id: str | None = None
    queued: str | None = None
    "The id of the message, where it waited in the queue."
    review: str | None = None
    "See core.items.UserMessage."


@frozen
class ContinueTurn:
    """Go on where the last turn was cut off, without new words of the user."""

    thread_id: str


@frozen
class SteerTurn:
    thread_id: str
    expected_turn_id: str
    content: tuple[Text | Image, ...]
    client_id: str | None = None


@frozen
class InterruptTurn:
    thread_id: str
    turn_id: str | None = None


@frozen
class ReadLedger:
    """The bill: of a thread, of a day (YYYY-MM-DD), of both, or of everything. Newest request first."""

    thread_id: str | None = None
    day: str | None = None
    cursor: str | None = None
    limit: int = 50


@frozen
class ReadPrompt:
    """One request of a thread, piece by piece. `request` is its number in the ledger; None: the one that would come next."""

    thread_id: str
    request: int | None = None


@frozen
class CompactThread:
    """A turn that replaces the thread's prompt by a summary."""

    thread_id: str


@frozen
class ReadSummary:
    thread_id: str


@frozen
class WriteSummary:
    """Replace the text of the last summary, before the model has read it."""

    thread_id: str
    text: str


@frozen
class ReadOutput:
    """The whole output of a call, piece by piece. Offset and limit in bytes."""

    thread_id: str
    item_id: str
    offset: int = 0
    limit: int = 65_536


@frozen
class ReadNotes:
    thread_id: str


@frozen
class WriteNotes:
    """Pin these notes, in place of those before."""

    thread_id: str
    notes: tuple[str, ...]


@frozen
class RefreshTools:
    """Give the thread's model the tools of now with its next request, at the cost of its cached prompt."""

    thread_id: str
    dry_run: bool = False
    "Only say what would change and what it would cost."


@frozen
class ListMcpServers:
    """Those of a thread; None: those of the process's own folder."""

    thread_id: str | None = None


@frozen
class ReloadMcpServers:
    """Read the configuration again and connect to what it says now."""


@frozen
class ListRules:
    """The grants that count for a thread, or in a folder, or without either all of them; and the rules of files there."""

    thread_id: str | None = None
    cwd: str | None = None


@frozen
class GrantChange:
    """remove: `id`. change: `id` and what is other. add: scope and subject, and the workspace or the thread of the scope."""

    op: Literal["add", "change", "remove"]
    id: str | None = None
    scope: GrantScope | None = None
    subject: Subject | None = None
    workspace: str | None = None
    thread_id: str | None = None


@frozen
class WriteRules:
    """All changes or none."""

    changes: tuple[GrantChange, ...]


@frozen
class CheckRule:
    """What would be decided of a command, or whether a subject could be kept: one of the two."""

    command: str | None = None
    rule: Subject | None = None
    thread_id: str | None = None
    cwd: str | None = None


@frozen
class LoginMcpServer:
    """The user logs in to a server over HTTP; McpLoginCompleted follows. Without a thread: one of the process's own folder."""

    name: str
    thread_id: str | None = None
    scopes: tuple[str, ...] = ()
    seconds: float = 300.0


@frozen
class ReadMcpResource:
    """A client reads a resource for itself."""

    server: str
    uri: str
    thread_id: str | None = None


@frozen
class CallMcpTool:
    """A client calls a tool for itself: nobody is asked, and no model learns of it."""

    thread_id: str
    server: str
    tool: str
    arguments: JsonObject


McpOp: TypeAlias = LoginMcpServer | ReadMcpResource | CallMcpTool
ThreadOp: TypeAlias = (
    NameThread
    | ArchiveThread
    | ForkThread
    | RevertThread
    | UndoRevert
    | UpdateSettings
    | UpdateTurn
    | UpdateGit
    | InjectItems
    | RunUserCommand
    | ListTerminals
    | EndTerminals
)
Op: TypeAlias = (
    StartThread
    | ResumeThread
    | ReadThread
    | ListThreads
    | StartTurn
    | ContinueTurn
    | SteerTurn
    | InterruptTurn
    | RefreshTools
    | ListMcpServers
    | ReloadMcpServers
    | ReadLedger
    | ReadPrompt
    | CompactThread
    | ReadSummary
    | WriteSummary
    | ReadOutput
    | ReadNotes
    | WriteNotes
    | ListRules
    | WriteRules
    | CheckRule
    | HunkOp
    | KeepingOp
    | CheckpointOp
    | ThreadOp
    | CommandOp
    | McpOp
    | LookingOp
    | QueueOp
    | EditorOp
)
