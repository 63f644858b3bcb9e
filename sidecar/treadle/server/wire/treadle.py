"""What Treadle adds to the protocol. Every name begins with treadle/, so no other client can be surprised."""

from __future__ import annotations

from typing import Literal

from .base import JsonMap, Params, Wire


class ContextReadParams(Params):
    """Without a thread: of one that would be started in `cwd` with `config`."""

    thread_id: str | None = None
    cwd: str | None = None
    config: JsonMap | None = None
    "Dotted keys over config.toml."


class ContextDocument(Wire):
    """An instruction file."""

    path: str
    scope: Literal["user", "project"]
    size: int
    "Bytes that are told of it."
    in_force: bool
    "false: its folder is not trusted."


class ContextPart(Wire):
    kind: Literal[
        "base",
        "permissions",
        "instructions",
        "tools",
        "skills",
        "memory",
        "user",
        "agent",
        "reasoning",
        "calls",
        "outputs",
        "other",
    ]
    """base: instructions of the model; permissions: those and the environment; memory: summary and pinned notes; calls: what the
    model wrote to call tools; other: what hooks, clients and Treadle added meanwhile."""
    tokens: int
    "Estimate."


class ContextReadResponse(Wire):
    """What the next request would hold. Instruction files outermost first."""

    thread_id: str | None
    instruction_sources: list[str]
    "Those in force."
    documents: list[ContextDocument]
    used: int
    "Tokens: what the provider counted last, and our estimate of what came since."
    estimated: int
    "How many of `used` are an estimate."
    window: int
    compact_at: int
    "Tokens from which on the thread is compacted before its next request."
    parts: list[ContextPart]


class ContextChangedNotification(Wire):
    thread_id: str
    instruction_sources: list[str]


class ProgressNotification(Wire):
    """What takes long just now, e.g. loading the embedded model; null when it is over."""

    message: str | None


class DoctorParams(Params):
    cwd: str | None = None


class DoctorResponse(Wire):
    """Whether the sandbox, the provider and the key are as they should be; each with its sentence."""

    report: JsonMap


class ToolInputDeltaNotification(Wire):
    """A piece of the arguments that the model is writing for a call."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str


class ToolOutputDeltaNotification(Wire):
    """Live output of a tool that is neither a command nor a file change."""

    thread_id: str
    turn_id: str
    item_id: str
    delta: str
