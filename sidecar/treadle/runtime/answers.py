"""What the agent answers to ops: plain data, projected to a wire by each server door."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..core.breakdown import Kind
from ..core.commit_message import CommitMessage
from ..core.compaction import Room
from ..core.context import Document
from ..core.grants import Grant
from ..core.history import TurnState
from ..core.hunks import Hunk
from ..core.inspection import Inspection
from ..core.items import JsonObject
from ..core.ledger import LedgerRow, Totals
from ..core.mcp import McpStatus
from ..core.queue import Queued
from ..core.record import frozen, mutable
from ..core.rules import RuleBook
from ..core.search import Snippet
from ..core.settings import McpServer, Settings
from ..core.thread_ops import Background
from .listing import ListingChange
from .ports import OutputPart, ThreadMeta

if TYPE_CHECKING:
    from ..core.explanation import Explanation


@mutable
class ThreadState:
    """What is said of a thread: to StartThread, ResumeThread, ReadThread, and one of these per row of ListThreads."""

    meta: ThreadMeta
    status: Literal["not_loaded", "idle", "active", "waiting_on_approval"] = "not_loaded"
    settings: Settings | None = None
    "None in lists and for threads that are not loaded."
    turns: list[TurnState] = field(default_factory=list[TurnState])
    instruction_sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@mutable
class ThreadPage:
    threads: list[ThreadState]
    next_cursor: str | None
    previous_cursor: str | None = None
    "With the order turned round, it leads to what comes before this page."


@frozen
class FoundThread:
    state: ThreadState
    snippet: Snippet


@frozen
class SearchPage:
    found: list[FoundThread]
    next_cursor: str | None
    previous_cursor: str | None
    whole: bool
    "False: threads of an older version are still being indexed, and not all of them were searched."


@frozen
class Occurrence:
    turn_id: str
    item_id: str
    snippet: Snippet


@frozen
class OccurrencePage:
    found: list[Occurrence]
    next_cursor: str | None


@frozen
class SummaryState:
    """The summary that a thread goes on from. `text` is None when there is none, or when the provider keeps it encrypted."""

    text: str | None
    kind: Literal["local", "remote"] | None = None
    editable: bool = False
    why_not: str | None = None
    "Why it cannot be changed, for the user."
    tokens: int = 0


@frozen
class LedgerPage:
    """Rows, newest first, and what they add up to: the last turn, the thread, and the day of all threads."""

    rows: list[LedgerRow]
    next_cursor: str | None
    turn: Totals | None
    thread: Totals | None
    day: Totals
    date: str
    "The day that `day` is about, YYYY-MM-DD."


@frozen
class ContextState:
    """What the next request of a thread would hold. Tokens; `parts` are estimates."""

    thread_id: str | None
    documents: tuple[Document, ...]
    ignored: tuple[Document, ...]
    "Instruction files of a folder that is not trusted."
    used: int
    estimated: int
    "How many of `used` no provider has counted."
    room: Room
    parts: dict[Kind, int]


@frozen
class McpServerState:
    """A server as configured, and how it stands; None: it is turned off."""

    server: McpServer
    status: McpStatus | None


@frozen
class ToolsRefresh:
    """What a refresh of the tool list changes, and how many tokens must be read again for it: none when all is as told."""

    cost: int
    change: ListingChange


@frozen
class Executed:
    """How a client's own command ended. Output that was told as it came is not repeated."""

    exit_code: int
    stdout: str
    stderr: str


@frozen
class RuleList:
    """What the user has allowed, and the rules of files."""

    grants: list[Grant]
    rules: RuleBook
    problems: tuple[str, ...]
    "A sentence per rule file, or part of one, that could not be used."


@frozen
class RuleCheck:
    """Of a command its explanation; of a rule why it could not be kept, None when it can."""

    explanation: Explanation | None = None
    problem: str | None = None


@frozen
class QueuePage:
    """Messages that wait, in order."""

    queued: list[Queued]
    next_cursor: str | None


@frozen
class Promoted:
    """What became of a message that was promoted: a steer of the running turn, a turn of its own, or the first of the queue,
    because the running turn took no more."""

    how: Literal["steered", "started", "next"]
    turn_id: str | None


@frozen
class HunkFile:
    """One file that the agent changed, with what is neither kept nor undone."""

    path: str
    kind: Literal["add", "delete", "update"]
    hunks: list[Hunk]
    "In order. Of an open document they are hunks of its text."
    unsaved: bool = False
    "An editor has changes in it that are not saved."
    version: int | None = None
    "The editor's number of the document that the hunks are about; None when it is not open."
    omitted: str | None = None
    "Why its contents are not shown and it cannot be undone: a clause."
    moved: str | None = None
    "Where it was moved from or to: the two are kept and undone together."


@frozen
class HunkList:
    files: list[HunkFile]
    not_followed: int = 0
    "Files beyond the most that are followed for one thread: their changes are in no list."
    problems: tuple[str, ...] = ()
    "A sentence for each file of a turn, or of the thread, that could not be undone with the others."


@frozen
class McpLogin:
    """A login that was begun."""

    id: str
    url: str
    "Where the user is to be sent."


Answer: TypeAlias = (
    ThreadState
    | ThreadPage
    | TurnState
    | LedgerPage
    | Inspection
    | SummaryState
    | CommitMessage
    | int
    | ContextState
    | list[McpServerState]
    | ToolsRefresh
    | OutputPart
    | Executed
    | list[McpStatus]
    | McpLogin
    | HunkList
    | SearchPage
    | OccurrencePage
    | list[ThreadMeta]
    | JsonObject
    | RuleList
    | RuleCheck
    | list[Grant]
    | list[str]
    | list[Background]
    | Queued
    | QueuePage
    | Promoted
    | bool
    | int
    | str
    | None
)
