"""Input items that a client adds to a thread's prompt by itself: which ones a prompt can carry. Pure.

A provider refuses a prompt with a call that nobody answered or an answer that nobody asked for, and a thread with such a prompt
would be lost: so calls come together with their outputs, and what we do not know is refused before it is in the list.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from .items import JsonObject, dumps

MOST_ITEMS, MOST_BYTES, MOST_PICTURE_BYTES = 200, 512 * 1024, 28 * 1024 * 1024
"Of one request; pictures in data: URLs count on their own."
_ROLES = ("user", "assistant", "developer", "system")
_TEXTS = ("input_text", "output_text", "refusal")
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"Kind of call -> where its text is."
_KINDS = ("message", "reasoning", *_CALLS, *(f"{kind}_output" for kind in _CALLS))


class Unfit(ValueError):
    """`path` names the item, and in it the field."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


def checked(items: Sequence[object], known_calls: Collection[str] = ()) -> tuple[str, ...]:
    """The items as JSON texts, in order. `known_calls`: ids that the prompt has already. Raises Unfit."""
    if not items:
        raise Unfit("items", "expected at least one item")
    if len(items) > MOST_ITEMS:
        raise Unfit("items", f"at most {MOST_ITEMS} items can be added at once")
    waiting: dict[str, tuple[str, str]] = {}
    seen = set(known_calls)
    texts: list[str] = []
    pictures = 0
    for number, item in enumerate(items):
        path = f"items.{number}"
        if not isinstance(item, dict):
            raise Unfit(path, "expected an object")
        entry = cast(JsonObject, item)
        pictures += _check(entry, path)
        _pair(entry, path, waiting, seen)
        texts.append(dumps(entry))
    if waiting:
        call_id, (path, _) = next(iter(waiting.items()))
        raise Unfit(path, f"the call {call_id} has no output among these items")
    if pictures > MOST_PICTURE_BYTES:
        raise Unfit("items", "the pictures are larger than 20 MB together")
    if sum(len(text.encode()) for text in texts) - pictures > MOST_BYTES:
        raise Unfit("items", f"they have more than {MOST_BYTES // 1024} KiB")
    return tuple(texts)


def _check(entry: JsonObject, path: str) -> int:
    """Whether one item is whole; the bytes of its pictures."""
    kind = entry.get("type")
    if kind not in _KINDS:
        raise Unfit(f"{path}.type", f"a prompt carries {', '.join(_KINDS)}; this is {kind!r}")
    if kind == "message":
        if entry.get("role") not in _ROLES:
            raise Unfit(f"{path}.role", f"expected one of {', '.join(_ROLES)}")
        return _content(entry.get("content"), f"{path}.content")
    if kind == "reasoning":
        if not _is_text(entry.get("encrypted_content")):
            raise Unfit(f"{path}.encrypted_content", "reasoning can be given back only encrypted, as it came")
        return 0
    if not _is_text(entry.get("call_id")):
        raise Unfit(f"{path}.call_id", "expected the id of the call")
    if kind in _CALLS:
        for field in ("name", _CALLS[str(kind)]):
            if not isinstance(entry.get(field), str):
                raise Unfit(f"{path}.{field}", "expected a text")
        return 0
    return _content(entry.get("output"), f"{path}.output")


def _content(given: object, path: str) -> int:
    """A text, or a list of parts; the bytes of its pictures."""
    if isinstance(given, str):
        return 0
    if not isinstance(given, list) or not given:
        raise Unfit(path, "expected a text or a list of parts")
    pictures = 0
    for number, part in enumerate(cast("list[object]", given)):
        entry: Mapping[str, Any] = cast("dict[str, Any]", part) if isinstance(part, dict) else {}
        kind, where = entry.get("type"), f"{path}.{number}"
        if kind in _TEXTS:
            field = "refusal" if kind == "refusal" else "text"
            if not isinstance(entry.get(field), str):
                raise Unfit(f"{where}.{field}", "expected a text")
        elif kind == "input_image":
            url = entry.get("image_url")
            if not isinstance(url, str) or not url.startswith(("data:image/", "https://", "http://")):
                raise Unfit(f"{where}.image_url", "expected a data: or https: URL of an image")
            pictures += len(url)
        else:
            raise Unfit(f"{where}.type", f"expected one of {', '.join(_TEXTS)}, input_image")
    return pictures


def _pair(entry: JsonObject, path: str, waiting: dict[str, tuple[str, str]], seen: set[str]) -> None:
    """Every output after its call, and one for each."""
    kind, call_id = str(entry["type"]), str(entry.get("call_id"))
    if kind in _CALLS:
        if call_id in seen:
            raise Unfit(f"{path}.call_id", f"there is a call {call_id} already")
        seen.add(call_id)
        waiting[call_id] = path, kind
    elif kind.endswith("_output"):
        _, asked = waiting.pop(call_id, ("", None))
        if asked is None:
            raise Unfit(f"{path}.call_id", f"no call {call_id} stands before this output, or it has one already")
        if kind != f"{asked}_output":
            raise Unfit(f"{path}.type", f"a {asked} is answered by a {asked}_output")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def calls(raw: str) -> tuple[str, ...]:
    """The id of the call that an item is; empty for one that is none."""
    entry = cast(JsonObject, json.loads(raw))
    return (str(entry.get("call_id")),) if entry.get("type") in _CALLS else ()
