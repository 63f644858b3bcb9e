"""The world as the runtime sees it. Small protocols; a port too big to fake in 30 lines is too big.

All paths are absolute strings. Everything here may be cancelled at any await, and must then leave nothing running.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..core.events import Approval, Decision, Event
from ..core.items import Item, JsonObject, OutputStatus
from ..core.policy import Wish
from ..core.prompt import Request
from ..core.replies import ReplyEvent
from ..core.settings import Provider, SandboxPolicy, Settings
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


class Store(Protocol):
    """Threads and their items. Synchronous: one small write is faster than a hop to another thread."""

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
    name: str
    parallel: bool
    "False: runs alone, after the calls before it and before the calls after it."

    def spec(self, custom_tools: bool) -> JsonObject:
        """The entry of the prompt's tool list; the same bytes every time."""
        ...

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        """Parse and check, change nothing. Raises ToolFailure with words for the model."""
        ...

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        """Do it. Raises ToolFailure with words for the model. On cancellation ends what it started, then re-raises."""
        ...
