"""Running commands: what is started, what runs, and where it is confined."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import field
from typing import Literal, Protocol

from ...core.record import frozen
from ...core.settings import CommandLimits, Sandboxed, SandboxPolicy


@frozen
class CommandSpec:
    """A process to start. `env` is complete: nothing is inherited besides it."""

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    tty: bool = False
    rows: int = 24
    cols: int = 120
    stdin: bool = False
    "Standard input is a pipe, for Process.write; without it, and without a terminal, there is nothing to read."
    split: bool = False
    "Standard error is not in Process.output but in Process.errors."
    limits: CommandLimits = field(default_factory=CommandLimits)
    bridges: tuple[int, ...] = ()
    "TCP ports of the host's loopback that this command reaches although it has no network. Needs SandboxStatus.broker."


class Process(Protocol):
    """A running command with everything that it started. stdout and stderr are one stream, in order, unless it was split."""

    pid: int

    def output(self) -> AsyncIterator[bytes]:
        """Chunks of at most 64 KiB as they come; ends when the command and all who hold its output are gone.

        One reader. A reader that is slow slows the command: there is no unbounded buffer.
        """
        ...

    def errors(self) -> AsyncIterator[bytes]:
        """The same of standard error, for a command that was split; nothing otherwise."""
        ...

    async def close_input(self) -> None:
        """The command reads the end of its input; on a terminal that is Ctrl-D."""
        ...

    async def write(self, data: bytes) -> None:
        """Raises BrokenPipeError when standard input is closed."""
        ...

    async def wait(self) -> int:
        """Exit code; 128 + n for signal n. One that was ended for using too much says so in its last output."""
        ...

    async def kill(self) -> None:
        """End the command and its descendants. Returns when they are gone; safe to call twice."""
        ...

    def interrupt(self) -> None:
        """Ctrl-C."""
        ...

    def resize(self, rows: int, cols: int) -> None: ...


@frozen
class SandboxStatus:
    kind: Literal["bubblewrap", "landlock", "seatbelt", "none"]
    available: bool
    reason: str | None = None
    "Why not available or degraded, and what to do about it: one sentence for the user."
    degraded: bool = False
    "read-only holds in full, workspace-write in part: protected names inside the writable folders are not kept from commands."

    broker: bool = False
    "Confined commands have unix sockets of their own, and bridges; without it they have neither."
    broker_reason: str | None = None
    "Why there is no broker: a clause."

    @property
    def sandboxed(self) -> Sandboxed:
        return "in part" if self.available and self.degraded else self.available


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
