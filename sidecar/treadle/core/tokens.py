"""How many tokens something takes, estimated: bytes of UTF-8 over four, rounded up. The same thing always gives the same number.

Must never need a vocabulary: estimates steer truncation and compaction, the provider's own count corrects them after each reply.
"""

from __future__ import annotations

import json
from typing import Any, cast

from .items import Context, Injected, Item, JsonObject, ModelItem, Opening, Summary, Text, ToolOutput, UserCommand, UserMessage
from .prompt import is_hidden

BYTES_PER_TOKEN = 4
IMAGE = 1_844
"Whatever its size: what providers count for a picture of about a megapixel."
FRAME = 8
"What a message or an output takes besides its text."
_ENCRYPTION = 650
"Bytes of encrypted reasoning that are not reasoning."


def estimate(text: str) -> int:
    return of_bytes(size(text))


def of_bytes(count: int) -> int:
    return -(-count // BYTES_PER_TOKEN)


def size(text: str) -> int:
    """Bytes of `text` as UTF-8; a lone surrogate counts as the three bytes it would take."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-8", "surrogatepass"))


def of_item(item: Item) -> int:
    """What the prompt grows by when a thread grows by `item`."""
    match item:
        case Opening():
            return estimate(item.instructions) + estimate(item.tools)
        case Context():
            return FRAME + sum(estimate(section.text) for section in item.sections)
        case UserMessage():
            return FRAME + sum(estimate(part.text) if isinstance(part, Text) else IMAGE for part in item.content)
        case ToolOutput() | UserCommand():
            return FRAME + estimate(item.text)
        case Injected():
            return of_raw(item.raw)
        case ModelItem():
            return 0 if is_hidden(item) else of_raw(item.raw) if item.kind == "reasoning" else estimate(item.raw)
        case Summary():
            return sum(of_raw(raw) for raw in item.replacement)
        case _:
            return 0


def of_raw(raw: str | bytes) -> int:
    """The same for an input item as JSON text: pictures and encrypted texts take less than their bytes."""
    payload: object = json.loads(raw)
    if not isinstance(payload, dict):
        return of_bytes(len(raw))
    entry = cast(JsonObject, payload)
    secret = entry.get("encrypted_content")
    if isinstance(secret, str):
        return FRAME + of_bytes(max(len(secret) * 3 // 4 - _ENCRYPTION, 0))
    parts: object = entry.get("content", entry.get("output"))
    if not isinstance(parts, list):
        return of_bytes(len(raw))
    return FRAME + sum(_of_part(part) for part in cast("list[object]", parts))


def _of_part(part: object) -> int:
    if not isinstance(part, dict):
        return estimate(str(part))
    entry = cast(JsonObject, part)
    if "image" in str(entry.get("type")):
        return IMAGE
    words: Any = entry.get("text") or entry.get("refusal") or ""
    return estimate(str(words))
