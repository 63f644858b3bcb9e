"""What Treadle adds to the protocol. Every name begins with treadle/, so no other client can be surprised."""

from __future__ import annotations

from .base import JsonMap, Params, Wire


class ContextReadParams(Params):
    thread_id: str


class ContextReadResponse(Wire):
    """Instruction files in force, outermost first."""

    thread_id: str
    instruction_sources: list[str]


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
