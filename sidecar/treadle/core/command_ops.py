"""What a client may ask of commands of its own, which are in no thread. Part of core/ops.py."""

from __future__ import annotations

from typing import TypeAlias

from .record import frozen
from .settings import SandboxPolicy


@frozen
class Execute:
    """Run a command of the client's own, in no thread, under the sandbox. Answered when it has ended."""

    argv: tuple[str, ...]
    process_id: str | None = None
    "The client's name for it, by which it is written to, resized and ended, and under which its output is told."
    cwd: str | None = None
    environment: tuple[tuple[str, str | None], ...] = ()
    "Over the variables that every command gets; None takes one away."
    policy: SandboxPolicy | None = None
    "None: what the configuration says for its folder. Without roots, its folder is the root."
    tty: bool = False
    rows: int = 24
    cols: int = 80
    feeds: bool = False
    "Whether WriteInput will write to it."
    streams: bool = False
    "Whether its output is told as it comes, and then not in the answer."
    cap: int | None = 1024 * 1024
    "Bytes of each stream that are told or answered; what comes after is read and forgotten."
    timeout: float | None = 10.0
    "Seconds."


@frozen
class WriteInput:
    """Write to a command of Execute, or end its input, or both."""

    process_id: str
    data: bytes = b""
    close: bool = False


@frozen
class ResizeTerminal:
    process_id: str
    rows: int
    cols: int


@frozen
class EndCommand:
    process_id: str


CommandOp: TypeAlias = Execute | WriteInput | ResizeTerminal | EndCommand
