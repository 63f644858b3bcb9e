"""What a call looks like on a screen, free of any wire: made by a tool, kept in ToolOutput.detail, drawn by clients.

A view is plain JSON data, so it is stored with the output and a thread read from disk needs no tool to be drawn.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from .items import Image, JsonObject, OutputStatus, Text
from .record import frozen
from .review import Findings


class CommandAction(TypedDict, total=False):
    """Best-effort meaning of a command: read, listFiles, search, unknown."""

    type: Literal["read", "listFiles", "search", "unknown"]
    command: str
    name: str
    path: str | None
    query: str | None


class CommandView(TypedDict, total=False):
    view: Literal["command"]
    command: str
    "The shell line as the user should read it."
    cwd: str
    actions: list[CommandAction]
    output: str | None
    exit_code: int | None
    duration_ms: int | None
    process_id: str | None
    spill: str | None
    "The name of the whole output, when the model was shown a part of it."
    source: Literal["agent", "userShell"]
    "Who ran it; the agent when it is left out."


class FileChange(TypedDict, total=False):
    path: str
    "Absolute."
    kind: Literal["add", "delete", "update"]
    move_path: str | None
    diff: str
    "Unified diff of this file; for add and delete the whole content."
    added: int
    removed: int


class FileChangeView(TypedDict, total=False):
    view: Literal["file_change"]
    changes: list[FileChange]


class McpView(TypedDict, total=False):
    view: Literal["mcp"]
    server: str
    tool: str
    arguments: object
    read_only: bool | None
    "What the server says of it."
    result: JsonObject | None
    "content: list of parts; structured: the structured content."
    error: str | None
    duration_ms: int | None
    spill: str | None
    "The name of the whole output, when the model was shown a part of it."


class ToolView(TypedDict, total=False):
    """Any other tool."""

    view: Literal["tool"]
    tool: str
    arguments: object
    result: str | None
    success: bool | None
    duration_ms: int | None


class ImageView(TypedDict, total=False):
    """A picture that the model looked at."""

    view: Literal["image"]
    path: str
    "Absolute."


CallView = CommandView | FileChangeView | McpView | ImageView | ToolView


@frozen
class UserCard:
    id: str
    content: tuple[Text | Image, ...]
    client_id: str | None = None


@frozen
class MessageCard:
    """Words of the agent. `complete` is False while it streams, and for ever when it was cut short."""

    id: str
    text: str
    phase: str | None = None
    complete: bool = True


@frozen
class ReasoningCard:
    id: str
    summary: tuple[str, ...] = ()
    content: tuple[str, ...] = ()


@frozen
class CallCard:
    """One tool call. `status` is inProgress until its output is there."""

    id: str
    name: str
    call_id: str
    view: CallView
    status: Literal["inProgress"] | OutputStatus
    answer: JsonObject | None = None
    "What the user said when asked about it: core.asking.kept."


@frozen
class SummaryCard:
    """The context was compacted here."""

    id: str


@frozen
class OtherCard:
    """An output item of a kind that we pass on without knowing it, e.g. a hosted web search."""

    id: str
    kind: str
    payload: JsonObject


@frozen
class ReviewCard:
    """A review began, of what `text` says; or, with `findings`, it ended and `text` is all of it in words."""

    id: str
    text: str
    findings: Findings | None = None


Card: TypeAlias = UserCard | MessageCard | ReasoningCard | CallCard | SummaryCard | ReviewCard | OtherCard
