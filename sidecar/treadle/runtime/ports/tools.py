"""Tools: one call of the model, what it may use, and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import field
from typing import Any, Protocol

from ...core.asking import Asked, Decision
from ...core.events import Event
from ...core.items import Image, JsonObject, OutputStatus
from ...core.known_files import KnownFiles
from ...core.policy import Wish
from ...core.record import frozen, mutable
from ...core.settings import SandboxPolicy, Settings
from ...core.views import CallView
from .commands import Sandbox
from .files import Files, Outputs
from .network import Way
from .world import Clock


@frozen
class Call:
    """One wish of the model. `arguments` is JSON text, or the raw input of a custom call."""

    item_id: str
    call_id: str
    name: str
    arguments: str
    custom: bool
    thread_id: str
    turn_id: str


class CommandWay(Way, Protocol):
    @property
    def refusals(self) -> tuple[str, ...]:
        """Why connections of the command were refused so far; sentences."""
        ...


class NetworkAccess(Protocol):
    async def open(self, call: Call, view: CallView, policy: SandboxPolicy) -> CommandWay | None:
        """For one command, until the way is closed. None: it has the network, or none at all."""
        ...


@mutable
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
    ask: Callable[[Asked], Awaitable[Decision]] | None = None
    "Asks the user, for a tool whose purpose is to ask; cancelled with the turn. None: nobody is there."
    announce: Callable[[Event], None] | None = None
    "Tells clients what is more than live output, e.g. PlanUpdated."
    known: KnownFiles = field(default_factory=KnownFiles)
    "What this thread's model last saw of the files."
    network: NetworkAccess | None = None
    "The way of confined commands to allowed hosts, where there is one."
    login_done: bool = False
    "The environment is already that of a login shell: commands need not start one."
    secrets: tuple[str, ...] = field(default=(), repr=False)
    "Taken out of the output of commands, see core.redaction."


@frozen
class Plan:
    """A call that was understood: what to draw, what it would do, and what `run` needs."""

    view: CallView
    wish: Wish
    data: Any = None


@frozen
class ToolResult:
    text: str
    "For the model, cut to size by the tool."
    view: CallView
    status: OutputStatus = "completed"
    images: tuple[Image, ...] = ()
    "Shown to the model after the text; only where the model takes pictures."


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
