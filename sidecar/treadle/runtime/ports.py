"""The world as the runtime sees it. Small protocols; a port too big to fake in 30 lines is too big.

All paths are absolute strings. Everything here may be cancelled at any await, and must then leave nothing running.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..core.events import Approval, Decision, Event
from ..core.items import Item, JsonObject, OutputStatus
from ..core.ledger import LedgerRow, Totals
from ..core.mcp import McpStatus, McpTool
from ..core.policy import Wish
from ..core.prompt import Request
from ..core.replies import Compacted, ReplyEvent
from ..core.settings import McpServer, Provider, SandboxPolicy, Settings
from ..core.views import CallView


class Clock(Protocol):
    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...
    def new_id(self) -> str:
        """A UUIDv7 as text: sorts by time."""
        ...


class Model(Protocol):
    def stream(self, request: Request) -> AsyncIterator[Sequence[ReplyEvent]]:
        """One attempt at one request: batches of events as they arrive, the last one ReplyCompleted.

        Raises core.errors.ModelError. Never retries: that is runtime/retry.py's, so that loops do not multiply.
        """
        ...

    async def compact(self, request: Request) -> Compacted:
        """The provider's own compaction of this prompt, one attempt. Only asked where Provider.compact_endpoint says so.

        Raises core.errors.ModelError, with status 404, 405 or 501 when the provider has no such thing.
        """
        ...

    async def close(self) -> None: ...


class Models(Protocol):
    def get(self, provider: Provider, settings: Settings) -> Model: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A process to start. `env` is complete: nothing is inherited besides it."""

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    tty: bool = False
    rows: int = 24
    cols: int = 120


class Process(Protocol):
    """A running command with everything that it started. stdout and stderr are one stream, in order."""

    pid: int

    def output(self) -> AsyncIterator[bytes]:
        """Chunks of at most 64 KiB as they come; ends when the command and all who hold its output are gone.

        One reader. A reader that is slow slows the command: there is no unbounded buffer.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Raises BrokenPipeError when standard input is closed."""
        ...

    async def wait(self) -> int:
        """Exit code; 128 + n for signal n."""
        ...

    async def kill(self) -> None:
        """End the command and its descendants. Returns when they are gone; safe to call twice."""
        ...

    def interrupt(self) -> None:
        """Ctrl-C."""
        ...

    def resize(self, rows: int, cols: int) -> None: ...


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    kind: Literal["bubblewrap", "landlock", "seatbelt", "none"]
    available: bool
    reason: str | None = None
    "Why not available or degraded, and what to do about it: one sentence for the user."


class Sandbox(Protocol):
    async def status(self) -> SandboxStatus:
        """Probed once, then remembered."""
        ...

    async def spawn(self, command: CommandSpec, policy: SandboxPolicy) -> Process:
        """Start under `policy`; the cwd of the thread is in policy.writable_roots already.

        Never runs unconfined when the policy confines: raises core.errors.TreadleError instead.
        """
        ...

    async def close(self) -> None:
        """Ends every process that was started here."""
        ...


@dataclass(frozen=True, slots=True)
class FileState:
    """Content of a file as found. `data` is None where there is none."""

    path: str
    data: bytes | None
    mode: int | None = None


class Files(Protocol):
    async def read(self, path: str) -> FileState:
        """Raises OSError for what is not a regular file, and for files over the adapter's size limit."""
        ...

    async def commit(self, before: Sequence[FileState], after: Sequence[FileState], policy: SandboxPolicy) -> None:
        """Write all of `after` or nothing. Refuses with FileExistsError/OSError naming the path when a file is no longer as in
        `before`. Never follows a symlink out of the roots of a confining policy unless `policy.mode` is danger-full-access."""
        ...

    def resolve(self, path: str) -> str:
        """Real path, symlinks resolved as far as the path exists."""
        ...


@dataclass(frozen=True, slots=True)
class ThreadMeta:
    """One row of the thread list. Times are seconds since the epoch."""

    id: str
    created_at: float
    updated_at: float
    cwd: str
    model: str
    provider: str
    preview: str = ""
    name: str | None = None
    archived: bool = False
    originator: str = "unknown"
    settings: JsonObject = field(default_factory=dict[str, Any])
    ephemeral: bool = False
    "Lives in memory only."


class LedgerStore(Protocol):
    """The rows of all threads' requests."""

    def add(self, row: LedgerRow) -> None: ...
    def row(self, thread_id: str, number: int | None = None) -> LedgerRow | None:
        """By its number; None: the last one."""
        ...

    def answered(self, thread_id: str) -> LedgerRow | None:
        """The last one that was completed."""
        ...

    def page(
        self, *, thread_id: str | None, day: str | None, cursor: str | None, limit: int
    ) -> tuple[list[LedgerRow], str | None]:
        """Newest first."""
        ...

    def totals(self, *, thread_id: str | None = None, turn_id: str | None = None, day: str | None = None) -> Totals: ...


class Store(Protocol):
    """Threads and their items. Synchronous: one small write is faster than a hop to another thread."""

    @property
    def ledger(self) -> LedgerStore: ...
    def create(self, meta: ThreadMeta) -> None: ...
    def update(self, meta: ThreadMeta) -> None: ...
    def append(self, thread_id: str, items: Sequence[Item]) -> None:
        """Durable when it returns (WAL)."""
        ...

    def load(self, thread_id: str) -> tuple[ThreadMeta, list[Item]]:
        """Raises KeyError."""
        ...

    def list(
        self,
        *,
        cursor: str | None,
        limit: int,
        cwds: Sequence[str],
        search: str | None,
        archived: bool,
        by_update: bool,
        ascending: bool,
    ) -> tuple[list[ThreadMeta], str | None]: ...
    def claim(self, thread_id: str) -> bool:
        """Become the one writer of a thread; False when another process is."""
        ...

    def release(self, thread_id: str) -> None: ...
    def close(self) -> None: ...


class Spill(Protocol):
    """The whole of one output, on disk, as it comes. Bounded; never raises."""

    @property
    def path(self) -> str | None:
        """Absolute; None when it could not be written."""
        ...

    @property
    def name(self) -> str:
        """By which Outputs.read finds it."""
        ...

    @property
    def whole(self) -> bool:
        """False: it was longer than what is kept of it."""
        ...

    def write(self, text: str) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OutputPart:
    """Bytes `start` to `end` of an output of `size` bytes, as text."""

    text: str
    start: int
    end: int
    size: int


class Outputs(Protocol):
    """Outputs that the model was shown in part, kept whole where its commands can read them."""

    def open(self, thread_id: str, name: str) -> Spill: ...
    def read(self, thread_id: str, name: str, offset: int, limit: int) -> OutputPart | None:
        """None when there is no such output (any more). Offsets and limits in bytes."""
        ...


class Client(Protocol):
    """Whoever watches and answers. `notify` never blocks and never fails."""

    def notify(self, events: Sequence[Event]) -> None: ...
    async def ask(self, approval: Approval) -> Decision:
        """May take hours; is cancelled when the turn ends. A lost client answers decline."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One wish of the model. `arguments` is JSON text, or the raw input of a custom call."""

    item_id: str
    call_id: str
    name: str
    arguments: str
    custom: bool
    thread_id: str
    turn_id: str


@dataclass(slots=True)
class Scope:
    """What one call may use while it is prepared and run."""

    settings: Settings
    sandbox: Sandbox
    files: Files
    clock: Clock
    emit: Callable[[str], None]
    "Live output for the screen."
    policy: SandboxPolicy
    "How to confine: the thread's policy with its cwd among the roots, or full access after an approval."
    environment: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    "For child processes; already free of secrets."
    sessions: Any = None
    "The thread's background commands: tools/sessions.py."
    outputs: Outputs | None = None
    "Where outputs that are cut are kept whole."
    login_done: bool = False
    "The environment is already that of a login shell: commands need not start one."


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that was understood: what to draw, what it would do, and what `run` needs."""

    view: CallView
    wish: Wish
    data: Any = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    text: str
    "For the model, cut to size by the tool."
    view: CallView
    status: OutputStatus = "completed"


class Tool(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def parallel(self) -> bool:
        """False: runs alone, after the calls before it and before the calls after it."""
        ...

    def spec(self, custom_tools: bool) -> JsonObject:
        """The entry of the prompt's tool list; the same bytes every time."""
        ...

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        """Parse and check, change nothing. Raises ToolFailure with words for the model."""
        ...

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        """Do it. Raises ToolFailure with words for the model. On cancellation ends what it started, then re-raises."""
        ...


class ForeignTools(Protocol):
    """Tools of MCP servers, as tools of ours."""

    async def settle(self, settings: Settings) -> None:
        """See McpServers.settle."""
        ...

    def listed(self, settings: Settings) -> Sequence[ForeignTool]:
        """In the order of the prompt; the same whichever server answered first."""
        ...

    def unseen(self, settings: Settings) -> frozenset[str]:
        """Servers that are wanted and of which nothing is known yet."""
        ...

    def recalled(self, name: str, identity: tuple[str, str], settings: Settings) -> Tool:
        """A tool that a model was told of under `name`; it may be gone by now, which its calls then say."""
        ...


class ForeignTool(Tool, Protocol):
    @property
    def identity(self) -> tuple[str, str]:
        """Server and tool, by their raw names."""
        ...


class McpServers(Protocol):
    """Programs outside that offer tools. Connected in the background; a tool list that was seen once is known before that."""

    def start(self, settings: Settings) -> None:
        """Begin to connect to the servers of these settings. Costs nothing when there are none."""
        ...

    async def settle(self, settings: Settings) -> None:
        """Wait as long as a prompt should wait for its tool list. Raises TreadleError when a required server cannot be had."""
        ...

    def tools(self, settings: Settings) -> tuple[McpTool, ...]:
        """What the servers offer as far as it is known now and the settings let it through, in no particular order."""
        ...

    def statuses(self, settings: Settings) -> tuple[McpStatus, ...]: ...
    async def call(
        self, server: McpServer, settings: Settings, tool: str, arguments: JsonObject, say: Callable[[str], None]
    ) -> JsonObject:
        """The result as the protocol has it: content, structuredContent, isError. `say` hears of progress.

        Connects on demand. Raises ToolFailure with words for the model when the server cannot be had, stops or is late.
        """
        ...

    async def reload(self, wanted: Iterable[Settings]) -> None:
        """Let go of servers that no settings want any more; try again those that failed."""
        ...

    async def close(self) -> None: ...
