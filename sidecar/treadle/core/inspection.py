"""A request taken apart for the reader: which piece of it came from where, how large it is, and what it says. Pure.

The pieces' `raw` texts put together are the body, byte for byte: nothing is left out and nothing is made up. Headers and keys
are no part of a body, so they cannot be shown here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from . import tokens
from .effective import effective
from .items import (
    Context,
    Injected,
    Item,
    JsonObject,
    ModelItem,
    Opening,
    Summary,
    ToolOutput,
    TurnEnded,
    UserCommand,
    UserMessage,
)
from .prompt import Prompt, Request
from .record import frozen

if TYPE_CHECKING:
    from .ledger import LedgerRow

Recipe: TypeAlias = tuple[tuple[int, int] | str, ...]
"Input that is not simply a thread's own: ranges of its fragments, and texts between them."
Where: TypeAlias = Literal["head", "input", "tail"]
_WORTH_A_PART = ("instructions", "tools")
"Fields of the head that are read on their own; the others stay together."
_SHOWN_URL = 80
"Characters of an image's address that are shown as text."
_CONFIG_KEYS = {
    "model": "model",
    "reasoning": "model_reasoning_effort, model_reasoning_summary",
    "text": "model_verbosity, output schema",
}


@frozen
class Part:
    """One piece of a request. `index` is its place in the whole; sizes are in bytes, tokens are estimated."""

    index: int
    where: Where
    type: str
    "instructions, tools, fields; for input the item's own type."
    role: str | None
    source: str
    raw: str
    "Exactly as sent, the separators around it included."
    text: str
    "The same for reading."
    turn_id: str | None = None
    pending: bool = False
    "Not in the thread yet: it would be added before the next request."

    @property
    def size(self) -> int:
        return tokens.size(self.raw)

    @property
    def tokens(self) -> int:
        return tokens.of_bytes(self.size)


@frozen
class Inspection:
    """One request of a thread."""

    thread_id: str
    request: int | None
    "Its number in the ledger; None for the one that would come next."
    model: str
    provider: str
    parts: tuple[Part, ...]
    problem: str | None = None
    "Why this may not be what was sent: one sentence."
    kept: int = 0
    "How many parts, from the first, are as in the last request that was answered: what a cache should hold."
    row: LedgerRow | None = None
    "What it cost; None for the one that would come next."
    previous: int | None = None
    next: int | None = None
    "The requests of the thread around it."

    def body(self) -> bytes:
        return "".join(part.raw for part in self.parts).encode()


@frozen
class Rebuilt:
    """A request made anew, and what it was made from."""

    request: Request
    origins: Sequence[Item | None]
    "The item of each input fragment; None for one that was added for this request only."
    opening: Opening | None


def rebuild(thread_id: str, items: Sequence[Item], tail: str, recipe: Recipe = ()) -> Rebuilt:
    """The request that was made from `items` with the closing bytes `tail`.

    Raises ValueError for items without an Opening: no request was made from them.
    """
    prompt, opening = Prompt(thread_id), None
    for item in effective(items):
        prompt.append(item)
        opening = item if isinstance(item, Opening) else opening
    built = prompt.request({})
    origins: list[Item | None] = [*prompt.origins]
    fragments: list[bytes] = list(built.fragments)
    if recipe:
        own, sources = built.fragments, tuple(origins)
        fragments, origins = [], []
        for step in recipe:
            fragments += [step.encode()] if isinstance(step, str) else own[slice(*step)]
            origins += [None] if isinstance(step, str) else sources[slice(*step)]
    model = _tail_fields(tail).get("model") or built.model
    return Rebuilt(Request(built.head, tuple(fragments), tail.encode(), model, thread_id), origins, opening)


def parts(rebuilt: Rebuilt, pending: frozenset[str] = frozenset()) -> tuple[Part, ...]:
    """The request piece by piece. `pending` are ids of items that are not in the thread yet."""
    request, origins = rebuilt.request, rebuilt.origins
    found = head_parts(request.head, rebuilt.opening)
    calls = {item.call_id or "": item.name or "" for item in origins if isinstance(item, ModelItem) and item.is_call}
    last = len(request.fragments) - 1
    seen = 0
    for place, fragment in enumerate(request.fragments):
        raw = fragment.decode()
        item = origins[place] if place < len(origins) else None
        seen = seen + 1 if place and item is not None and item is origins[place - 1] else 0
        payload = _fields(raw)
        role, turn_id = payload.get("role"), getattr(item, "turn_id", None)
        found.append(
            Part(
                len(found),
                "input",
                str(payload.get("type")),
                role if isinstance(role, str) else None,
                source(item, calls, seen),
                raw + ("," if place < last else ""),
                readable(payload),
                turn_id or None,
                item is not None and item.id in pending,
            )
        )
    tail = request.tail.decode()
    fields = _tail_fields(tail)
    keys = ", ".join(_CONFIG_KEYS.get(name, name) for name in fields)
    found.append(Part(len(found), "tail", "fields", None, keys, tail, json.dumps(fields, ensure_ascii=False, indent=2)))
    return tuple(found)


def head_parts(head: bytes, opening: Opening | None = None) -> list[Part]:
    """The pieces before the input: instructions and tools on their own, the fields around them together."""
    text = head.decode()
    cuts: list[tuple[str, int, int]] = []
    for name, start, end in _spans(text):
        kind = name if name in _WORTH_A_PART else "fields"
        if cuts and cuts[-1][0] == kind == "fields":
            cuts[-1] = (kind, cuts[-1][1], end)
        else:
            cuts.append((kind, start, end))
    found: list[Part] = []
    for place, (kind, start, end) in enumerate(cuts):
        raw = text[0 if place == 0 else start : end]
        # the last piece ends with the bracket that the input stands in
        value = _fields("{" + raw.strip("{,") + "}") or {"input": "…"}
        said = value.get(kind, value)
        text_of = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, indent=2)
        found.append(Part(place, "head", kind, None, _head_source(kind, opening), raw, text_of))
    return found


def _head_source(kind: str, opening: Opening | None) -> str:
    if kind == "instructions":
        given = opening.instructions_source if opening else ""
        return f"base instructions ({given})" if given else "base instructions"
    if kind == "tools":
        servers = dict.fromkeys(server for _, server, _ in opening.mcp) if opening else {}
        return f"tool list, with MCP servers {', '.join(servers)}" if servers else "tool list"
    return "set by Treadle"


def source(item: Item | None, calls: Mapping[str, str], place: int = 0) -> str:
    """Where an input fragment comes from, in words."""
    match item:
        case Context():
            return "; ".join(
                f"{section.name} ({section.source})" if section.source else section.name for section in item.sections
            )
        case UserMessage():
            paths = [part.path for part in item.content if part.type == "image" and part.path]
            return f"user, turn {item.turn_id}" + (f", {', '.join(paths)}" if paths else "")
        case UserCommand():
            return f"command of the user, turn {item.turn_id}"
        case Injected():
            return "added by a client"
        case ModelItem():
            what = f"call of {item.name}" if item.is_call else item.kind
            return f"model, {what}, turn {item.turn_id}" + ("" if item.complete else ", cut short")
        case ToolOutput():
            name = calls.get(item.call_id)
            return f"output of {name}, turn {item.turn_id}" if name else f"output of {item.call_id}, turn {item.turn_id}"
        case Summary():
            return f"compaction, turn {item.turn_id}, entry {place + 1}"
        case TurnEnded():
            return f"notice of the interrupt, turn {item.turn_id}"
        case None:
            return "added for this request"
        case _:
            return item.type


def readable(payload: JsonObject) -> str:
    """What an input item says, for reading: texts as they are, pictures by their size, the rest as JSON."""
    kind = payload.get("type")
    if kind == "message":
        content = payload.get("content")
        return content if isinstance(content, str) else "\n\n".join(_readable_part(part) for part in content or ())
    if kind == "function_call":
        return f"{payload.get('name')}({payload.get('arguments')})"
    if kind == "custom_tool_call":
        return f"{payload.get('name')}\n{payload.get('input')}"
    output = payload.get("output")
    if isinstance(output, str):
        return output
    return json.dumps(payload, ensure_ascii=False, indent=2)


def _readable_part(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    fields = cast(JsonObject, part)
    if fields.get("type") == "input_image":
        url = str(fields.get("image_url"))
        return f"[image: {url if len(url) <= _SHOWN_URL else f'{url[:_SHOWN_URL]}… ({len(url)} characters)'}]"
    text = fields.get("text")
    return text if isinstance(text, str) else json.dumps(fields, ensure_ascii=False)


def _tail_fields(tail: str) -> JsonObject:
    return _fields("{" + tail.removeprefix("]").removeprefix(","))


def _fields(text: str) -> JsonObject:
    try:
        value: Any = json.loads(text)
    except ValueError:
        return {}
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def _spans(head: str) -> Iterable[tuple[str, int, int]]:
    """(name, start, end) of each field of the head; the comma after a field belongs to it, as the bracket does to `input`."""
    read, at = json.JSONDecoder().raw_decode, 1
    while at < len(head):
        start = at
        name, at = read(head, at)
        at += 1
        if name == "input":
            yield name, start, len(head)
            return
        _, at = read(head, at)
        at += 1
        yield name, start, at
