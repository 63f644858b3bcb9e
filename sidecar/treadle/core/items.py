"""The items of a thread: immutable facts, appended and never changed.

Everything the product shows, stores or sends is computed from a list of these. An item is written to disk as the JSON of
`encode` and read back by `decode`; the two are inverse, so a resumed thread renders the same prompt bytes. Adding a field
needs a default, so that older threads still read. Times are seconds since the epoch, handed in by the caller.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any, Literal, TypeAlias, cast

from .record import frozen, names

JsonObject: TypeAlias = dict[str, Any]
OutputStatus: TypeAlias = Literal["completed", "failed", "declined", "aborted"]
TurnStatus: TypeAlias = Literal["inProgress", "completed", "interrupted", "failed"]


@frozen
class Opening:
    """First item of an epoch: all of the prompt that must not move until the next epoch."""

    id: str
    at: float
    model: str
    provider: str
    instructions: str
    tools: str
    "The JSON text of the tool list, exactly as sent."
    parallel_tool_calls: bool = True
    dialect: str = ""
    "What kind of tools and prompt the model was given; a model that needs another kind begins a new epoch."
    mcp: tuple[tuple[str, str, str], ...] = ()
    "(name in the tool list, server, tool) of each MCP tool: what a name means for as long as the epoch lasts."
    instructions_source: str = ""
    "Where the instructions come from, for the reader."
    cache_key: str = ""
    "Under which a provider keeps the prompt, when it is not the thread's own: that of the thread it was copied from."
    type: Literal["opening"] = "opening"


@frozen
class Section:
    """One thing the model is told besides the user's words, e.g. permissions, agents_md, environment."""

    name: str
    text: str
    source: str = ""
    "Where the text comes from, for the reader: a path, a config key."


@frozen
class Context:
    """A message that we wrote: sections that are new, or that changed since the model was last told."""

    id: str
    at: float
    role: Literal["developer", "user"]
    sections: tuple[Section, ...]
    type: Literal["context"] = "context"


@frozen
class Element:
    """A stretch of the user's words that stands for something, e.g. a file: for the screen, the model reads the words."""

    start: int
    "In bytes of UTF-8, as is `end`."
    end: int
    placeholder: str | None = None


@frozen
class Text:
    text: str
    skill: str | None = None
    "The SKILL.md that this part names: the user picked it from a list, and `text` is its $name."
    elements: tuple[Element, ...] = ()
    mention: str | None = None
    "The path that this part names, as `text` does: the user picked it from a list."
    type: Literal["text"] = "text"


@frozen
class Image:
    url: str
    "A data: URL, or one that the provider can fetch."
    detail: str | None = None
    path: str | None = None
    "The local file that it was read from, for the screen."
    type: Literal["image"] = "image"


@frozen
class UserMessage:
    id: str
    at: float
    turn_id: str
    content: tuple[Text | Image, ...]
    client_id: str | None = None
    review: str | None = None
    "It asks for a review of this: the turn only reads, and its last words are findings."
    type: Literal["user_message"] = "user_message"


@frozen
class ModelItem:
    """One output item of the model, verbatim: replayed to it byte for byte."""

    id: str
    at: float
    turn_id: str
    kind: str
    "The item's own type: message, reasoning, function_call, custom_tool_call, or one we do not know."
    raw: str
    "The item as JSON text."
    call_id: str | None = None
    name: str | None = None
    complete: bool = True
    "False for text that was cut short by an interrupt or a dead stream."
    type: Literal["model_item"] = "model_item"

    @property
    def payload(self) -> JsonObject:
        return json.loads(self.raw)

    @property
    def is_call(self) -> bool:
        return self.kind in ("function_call", "custom_tool_call")


@frozen
class ToolOutput:
    """What came back from one call. `text` is what the model reads, already cut to size; `detail` is for the screen."""

    id: str
    at: float
    turn_id: str
    call_id: str
    text: str
    custom: bool = False
    "True when the call was a custom_tool_call: the answer must be of the same wire kind."
    status: OutputStatus = "completed"
    detail: JsonObject = field(default_factory=dict[str, Any])
    "What a client needs to draw the finished call: see core/views.py."
    images: tuple[Image, ...] = ()
    "Pictures that the model is shown after the text."
    answer: JsonObject | None = None
    "What the user said before the call was run, as core.asking.kept has it. None: nobody was asked."
    type: Literal["tool_output"] = "tool_output"


@frozen
class Summary:
    """Compaction: opens a new epoch whose prompt starts from `replacement` instead of the items before it."""

    id: str
    at: float
    turn_id: str
    text: str
    "What people read; empty when the provider keeps it encrypted."
    replacement: tuple[str, ...] = ()
    "Input items as JSON text, in order. Of a local one the last is the summary, those before it are the user's words."
    kind: Literal["local", "remote"] = "local"
    files: tuple[str, ...] = ()
    "Files that were changed in this thread so far, those of earlier epochs among them."
    revises: str | None = None
    "The id of the summary whose text the user replaced by this one."
    type: Literal["summary"] = "summary"


@frozen
class Notes:
    """All notes that the user has pinned, in place of those before: told to the model as Context in every epoch."""

    id: str
    at: float
    texts: tuple[str, ...]
    type: Literal["notes"] = "notes"


@frozen
class TurnBegan:
    """Marker. `settings` are the settings in force, so that a resumed thread goes on under them."""

    id: str
    at: float
    turn_id: str
    settings: JsonObject = field(default_factory=dict[str, Any])
    marked: bool = False
    "Each of its calls that began left a draft of its output: one without a draft was never run."
    type: Literal["turn_began"] = "turn_began"


@frozen
class TurnEnded:
    """Marker. `error` is the sentence that the user read, with `code` for programs."""

    id: str
    at: float
    turn_id: str
    status: TurnStatus
    error: JsonObject | None = None
    quiet: bool = False
    "The model need not know of an interrupt: it was not at work."
    type: Literal["turn_ended"] = "turn_ended"


@frozen
class UsageReported:
    """Marker: the tokens of one request, as the provider reported them."""

    id: str
    at: float
    turn_id: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    total_tokens: int
    type: Literal["usage_reported"] = "usage_reported"


@frozen
class Injected:
    """An input item that a client added to the prompt, verbatim. No turn's, and not drawn."""

    id: str
    at: float
    raw: str
    "The item as JSON text."
    type: Literal["injected"] = "injected"


@frozen
class UserCommand:
    """A command that the user ran by hand, with what came of it."""

    id: str
    at: float
    turn_id: str
    text: str
    "What the model reads, already cut to size."
    status: OutputStatus = "completed"
    detail: JsonObject = field(default_factory=dict[str, Any])
    "core.views.CommandView."
    type: Literal["user_command"] = "user_command"


@frozen
class Reverted:
    """Marker: a turn and all that came after it count no more. One with `undoes` says that they do again: core/effective.py."""

    id: str
    at: float
    before: str
    "The id of the turn that is the first to go."
    undoes: str | None = None
    "The id of the marker that this one takes back."
    type: Literal["reverted"] = "reverted"


Waiting: TypeAlias = UserMessage | Notes | Injected | UserCommand
"What a user or a client says while a turn runs: it enters the thread with the turn's next step."
Item: TypeAlias = (
    Opening | Context | ModelItem | ToolOutput | Summary | TurnBegan | TurnEnded | UsageReported | Reverted | Waiting
)

_KINDS: dict[str, type] = {
    "opening": Opening,
    "context": Context,
    "user_message": UserMessage,
    "model_item": ModelItem,
    "tool_output": ToolOutput,
    "summary": Summary,
    "notes": Notes,
    "turn_began": TurnBegan,
    "turn_ended": TurnEnded,
    "usage_reported": UsageReported,
    "reverted": Reverted,
    "injected": Injected,
    "user_command": UserCommand,
}


_DECODER = json.JSONDecoder()
"Thousands of items are read at a time: what json.loads does around it takes longer than most of them."


def dumps(value: Any) -> str:
    """The one JSON spelling used in prompts and on disk: compact, key order as given, always encodable as UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, cut out of some stream: escape rather than lose the rest
        return json.dumps(value, separators=(",", ":"))
    return text


def encode(item: Item) -> str:
    """The item as one line of JSON."""
    return dumps(_plain(item))


def decode(line: str) -> Item:
    """The inverse of `encode`. Raises ValueError for what is no item, or of a type that this version does not know."""
    try:
        return _decoded(line)
    except (TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is no item ({type(error).__name__})") from error


def _decoded(line: str) -> Item:
    data: Any = _DECODER.raw_decode(line)[0]
    kind = _KINDS.get(data.get("type"))
    if kind is None:
        raise ValueError(f"unknown item type {data.get('type')!r}: this thread was written by a newer Treadle")
    if kind is Opening:
        data["mcp"] = tuple(tuple(origin) for origin in data.get("mcp", ()))
    elif kind is Context:
        data["sections"] = tuple(Section(**section) for section in data["sections"])
    elif kind is UserMessage:
        data["content"] = tuple(map(said_part, data["content"]))
    elif kind is Summary:
        data["replacement"] = tuple(data["replacement"])
        data["files"] = tuple(data.get("files", ()))
    elif kind is ToolOutput:
        data["images"] = tuple(Image(**image) for image in data.get("images", ()))
    elif kind is Notes:
        data["texts"] = tuple(data["texts"])
    return kind(**data)


def said_part(data: JsonObject) -> Text | Image:
    """A part of what the user said, from its JSON."""
    if data["type"] != "text":
        return Image(**data)
    if data.get("elements"):
        data["elements"] = tuple(Element(**element) for element in data["elements"])
    else:
        data["elements"] = ()
    return Text(**data)


def _plain(value: Any) -> Any:
    if (fields := names(value)) is not None:
        return {name: _plain(getattr(value, name)) for name in fields}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in cast("list[Any]", value)]
    return value
