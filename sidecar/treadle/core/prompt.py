"""Items -> the exact bytes of the next request. Append-only: every item is encoded once and never again.

The body is `head + b",".join(fragments) + tail`. Within an epoch `head` is constant and `fragments` only grow, so a request
without its tail is a byte-exact prefix of the next one. What may change from turn to turn without touching the provider's
cache (reasoning effort, text format) is in the tail, after the input; so is the model, so that a switch moves no earlier byte.
Output items of the model are replayed verbatim.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

from .items import (
    Context,
    Injected,
    Item,
    JsonObject,
    ModelItem,
    Opening,
    Summary,
    Text,
    ToolOutput,
    TurnEnded,
    UserCommand,
    UserMessage,
    dumps,
)
from .record import frozen

TURN_ABORTED = (
    "<turn_aborted>\nThe user interrupted the previous turn on purpose. Commands that were running may have been stopped half "
    "way, and a long-running one may still be alive: check the state of things before you go on.\n</turn_aborted>"
)
TURN_LOST = (
    "<turn_aborted>\nThe previous turn was cut off: the program that runs you ended. Its commands were stopped half way: check "
    "the state of things before you go on.\n</turn_aborted>"
)
DISCARDED = "discarded"
"Kind of a ModelItem that holds what was shown of a stream which died and is not replayed: on the screen, not in the prompt."


@frozen
class Request:
    """One prompt, ready to send."""

    head: bytes
    fragments: Sequence[bytes]
    tail: bytes
    model: str
    thread_id: str = ""

    def body(self) -> bytes:
        # one copy of what may be megabytes: joined with its commas in one go
        parts = [self.head, *chain.from_iterable(zip(self.fragments, repeat(b",")))]
        if self.fragments:
            parts.pop()
        parts.append(self.tail)
        return b"".join(parts)

    def prefix(self) -> bytes:
        """The body without its tail: what the next request of the epoch begins with."""
        return b"".join((self.head, b",".join(self.fragments)))

    def parsed(self) -> dict[str, Any]:
        """The body as JSON data, for adapters that must translate it."""
        return json.loads(self.body())


class Prompt:
    """The prompt of a thread as it grows. Fed by Thread.append; reads nothing else."""

    def __init__(self, thread_id: str) -> None:
        self._thread_id = thread_id
        self._head = b""
        self._model = ""
        "Of the Opening; the tail may name another."
        self._fragments: list[bytes] = []
        self.origins: list[Item] = []
        "The item that each fragment came from."
        self.encoded = 0
        "How many items were ever encoded: grows by what is new, whatever the length of the thread."

    @property
    def fragments(self) -> Sequence[bytes]:
        """The input as of now."""
        return self._fragments

    def append(self, item: Item) -> None:
        if isinstance(item, Opening):
            self._head, self._model = _head(item, self._thread_id), item.model
        elif isinstance(item, Summary):
            self._fragments = [text.encode() for text in item.replacement]
            self.origins = [item] * len(self._fragments)
        else:
            text = fragment(item)
            if text is not None:
                self.encoded += 1
                self._fragments.append(text.encode())
                self.origins.append(item)

    def request(self, tail: JsonObject) -> Request:
        """The request as of now; `tail` holds the fields that may change without moving the prefix, `model` among them.

        Raises ValueError before the thread has an Opening.
        """
        if not self._head:
            raise ValueError("a thread without an Opening has no prompt")
        tail = {"model": self._model, **tail}
        closing = f"],{dumps(tail)[1:]}".encode()
        return Request(self._head, tuple(self._fragments), closing, tail["model"], self._thread_id)


def fragment(item: Item) -> str | None:
    """The input item that the model sees for an item, as JSON text; None when it sees nothing."""
    match item:
        case Context():
            parts = [{"type": "input_text", "text": section.text} for section in item.sections]
            return dumps({"type": "message", "role": item.role, "content": parts})
        case UserMessage():
            return dumps({"type": "message", "role": "user", "content": [_part(part) for part in item.content]})
        case UserCommand():
            return dumps({"type": "message", "role": "user", "content": [_part(Text(item.text))]})
        case ModelItem():
            return None if is_hidden(item) else item.raw
        case Injected():
            return item.raw
        case ToolOutput():
            kind = "custom_tool_call_output" if item.custom else "function_call_output"
            output = [_part(Text(item.text)), *map(_part, item.images)] if item.images else item.text
            return dumps({"type": kind, "call_id": item.call_id, "output": output})
        case TurnEnded(status="interrupted", quiet=False):
            parts = [{"type": "input_text", "text": TURN_LOST if item.error else TURN_ABORTED}]
            return dumps({"type": "message", "role": "user", "content": parts})
        case _:
            return None


def is_hidden(item: ModelItem) -> bool:
    # a provider that keeps nothing cannot look up reasoning by its id: without its encrypted content it would refuse the request
    return item.kind == DISCARDED or (item.kind == "reasoning" and not item.payload.get("encrypted_content"))


def _part(part: Any) -> JsonObject:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    image: JsonObject = {"type": "input_image", "image_url": part.url}
    if part.detail:
        image["detail"] = part.detail
    return image


def _head(opening: Opening, thread_id: str) -> bytes:
    fields: JsonObject = {
        "stream": True,
        "store": False,
        "tool_choice": "auto",
        "parallel_tool_calls": opening.parallel_tool_calls,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": opening.cache_key or thread_id,
    }
    if opening.instructions:
        fields["instructions"] = opening.instructions
    return f'{dumps(fields)[:-1]},"tools":{opening.tools},"input":['.encode()
