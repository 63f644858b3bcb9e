"""Events of the Responses API -> the alphabet of core/replies.

Promises: items are passed on as they came; deltas name the item they belong to, also for servers that leave out output_index
(llama.cpp) or give an item another id in each event; what we do not know is skipped, what cannot be read is skipped and counted;
only response.completed ends a reply well, or response.incomplete at the output limit. No input or output of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import NoneType
from typing import Any, cast

from ...core.items import JsonObject
from ...core.replies import Delta, ItemBegun, ItemDone, ReplyCompleted, ReplyEvent, SummaryPartBegun, Usage
from .errors import Faults
from .sse import SseEvent

_DELTAS: dict[str, tuple[Any, str | None]] = {
    "response.output_text.delta": ("text", None),
    "response.function_call_arguments.delta": ("input", None),
    "response.custom_tool_call_input.delta": ("input", None),
    "response.reasoning_summary_text.delta": ("summary", "summary_index"),
    "response.reasoning_text.delta": ("reasoning", "content_index"),
}
"event -> kind of Delta, and the member that numbers the part"

_decode = json.JSONDecoder().decode
_CALLS = ("function_call", "custom_tool_call")
_SAME_CALL = ("type", "call_id", "name", "arguments", "input")
_TEXTS = ("id", "call_id", "status")
_OWN_TEXTS = {
    "function_call": ("name", "arguments"),
    "custom_tool_call": ("name", "input"),
    "message": ("phase",),
    "reasoning": ("encrypted_content",),
}
_PART_TEXTS = ("type", "text", "refusal")


class Malformed(ValueError):
    """An event that lacks what it must have."""


class ReplyReader:
    """Reads the events of one reply."""

    def __init__(self, faults: Faults) -> None:
        self.completed = False
        self.skipped = 0
        self._faults = faults
        self._by_index: dict[int, str] = {}
        self._by_id: dict[str, str] = {}
        self._begun: dict[str, tuple[Any, Any]] = {}
        self._latest = "0"
        self._done: list[tuple[Any, JsonObject]] = []
        self._summaries: set[tuple[str, int]] = set()

    def read(self, events: Iterable[SseEvent], out: list[ReplyEvent]) -> None:
        """Adds to `out`. Raises ModelError where the provider reports a failure; what came before that is in `out`.
        Nothing is read after the end of the reply."""
        for name, data in events:
            if self.completed:
                break
            try:
                event = _decode(data.decode("utf-8"))
                if b"\\ud" in data or b"\\uD" in data:
                    event = _without_lone_surrogates(event)
                self._one(event.get("type") or name.decode("utf-8", "replace"), event, out)
            except (ValueError, TypeError, AttributeError, RecursionError):  # of whatever shape it was
                if data != b"[DONE]":
                    self.skipped += 1

    def _one(self, kind: str, event: JsonObject, out: list[ReplyEvent]) -> None:
        delta = _DELTAS.get(kind)
        if delta is not None:
            self._delta(delta[0], delta[1], event, out)
            return
        match kind:
            case "response.output_item.added":
                item = _item(event)
                if not self._has_begun(event, item):
                    out.append(ItemBegun(self._begin(event, item), item["type"], item))
            case "response.output_item.done":
                self._item_done(event, _item(event), out)
            case "response.reasoning_summary_part.added":
                out.append(SummaryPartBegun(self._key(event), _index(event, "summary_index")))
            case "response.reasoning_summary_text.done":
                key, index = self._key(event), _index(event, "summary_index")
                if (key, index) not in self._summaries and isinstance(event.get("text"), str):
                    out.append(Delta(key, "summary", event["text"], index))
            case "response.completed" | "response.done":
                self._end(event, None, out)
            case "response.incomplete":
                self._incomplete(event, out)
            case "response.failed":
                raise self._faults.reported(_response(event).get("error"))
            case "error":
                raise self._faults.reported(event)
            case _:
                pass

    def _delta(self, kind: Any, part: str | None, event: JsonObject, out: list[ReplyEvent]) -> None:
        text = event.get("delta")
        if not isinstance(text, str):
            raise Malformed("a delta without text")
        if part is None:
            out.append(Delta(self._key(event), kind, text))
            return
        key, index = self._key(event), _index(event, part)
        if kind == "summary":
            self._summaries.add((key, index))
        out.append(Delta(key, kind, text, index))

    def _begin(self, event: JsonObject, item: JsonObject) -> str:
        index, item_id = event.get("output_index"), item.get("id")
        key = str(index) if isinstance(index, int) else str(item_id or item.get("call_id") or f"item{len(self._begun)}")
        if isinstance(index, int):
            self._by_index[index] = key
        if isinstance(item_id, str):
            self._by_id[item_id] = key
        self._begun[key] = item_id, item["type"]
        self._latest = key
        return key

    def _has_begun(self, event: JsonObject, item: JsonObject) -> bool:
        """Whether a gateway says it once more. Some number all items alike, so the id counts too."""
        index, item_id = event.get("output_index"), item.get("id")
        key = str(index) if isinstance(index, int) else item_id
        return isinstance(item_id, str) and self._begun.get(cast(str, key)) == (item_id, item["type"])

    def _key(self, event: JsonObject) -> str:
        # The index first: some gateways encrypt ids anew in every event.
        key = self._by_index.get(cast(int, event.get("output_index")))
        if key is None:
            key = self._by_id.get(cast(str, event.get("item_id")))
        return self._latest if key is None else key

    def _item_done(self, event: JsonObject, item: JsonObject, out: list[ReplyEvent]) -> None:
        if item["type"] in _CALLS and item.get("status") == "incomplete":
            return  # cut at the output limit: half a command must not run
        if not _is_whole(item):
            raise Malformed("half an item")
        index = event.get("output_index")
        if any(_may_be_one(index, known_index) and _is_same(item, known) for known_index, known in self._done):
            return  # a gateway that sends events again must not make a call run twice
        key = self._by_index.get(cast(int, event.get("output_index"))) or self._by_id.get(cast(str, item.get("id")))
        if key is None:
            key = self._begin(event, item)
            out.append(ItemBegun(key, item["type"], item))
        self._done.append((index, item))
        out.append(ItemDone(key, item["type"], item))

    def _incomplete(self, event: JsonObject, out: list[ReplyEvent]) -> None:
        details = _response(event).get("incomplete_details")
        reason = cast(JsonObject, details).get("reason") if isinstance(details, dict) else None
        if reason != "max_output_tokens":
            raise self._faults.incomplete(str(reason or "no reason given"))
        # Asking again would end at the same limit and be paid twice: what came is the answer.
        self._end(event, "max_output_tokens", out)

    def _end(self, event: JsonObject, incomplete: str | None, out: list[ReplyEvent]) -> None:
        response = _response(event)
        output = response.get("output")
        if isinstance(output, list) and (incomplete is None or not self._done):
            for index, item in self._missing(cast("list[Any]", output)):
                self._item_done({"output_index": index}, item, out)
        self.completed = True
        reply_id = response.get("id")
        tokens = usage(response.get("usage"))
        out.append(ReplyCompleted(reply_id if isinstance(reply_id, str) else None, tokens, self.skipped, incomplete))

    def _missing(self, output: list[Any]) -> list[tuple[int | None, JsonObject]]:
        """Items of the whole reply whose own events never came, or were unreadable."""
        items = [(place, cast(JsonObject, item)) for place, item in enumerate(output) if _is_item(item) and _is_whole(item)]
        if not self._done:  # a gateway that sends the items only with the end
            return [(None if place not in self._by_index else place, item) for place, item in items]
        done = {index for index, _ in self._done if isinstance(index, int)}
        if len(done) < len(self._done):
            return []  # who does not number them cannot be compared
        known = [item for _, item in self._done]
        lost = [(place, item) for place, item in items if place not in done and not any(_is_same(item, one) for one in known)]
        # thoughts belong before what came of them: too late is worse than never
        return [(place, item) for place, item in lost if item["type"] != "reasoning" or place > max(done)]


def _may_be_one(index: object, other: object) -> bool:
    return not (isinstance(index, int) and isinstance(other, int)) or index == other


def _is_same(item: JsonObject, known: JsonObject) -> bool:
    """Whether two items say the same and have an id to tell them from others that do."""
    if item["type"] in _CALLS:
        told_apart = item.get("call_id") or (item.get("id") and item["id"] == known.get("id"))
        return bool(told_apart) and all(item.get(name) == known.get(name) for name in _SAME_CALL)
    return bool(item.get("id")) and item == known


def _item(event: JsonObject) -> JsonObject:
    item = event.get("item")
    if not _is_item(item):
        raise Malformed("no item")
    return cast(JsonObject, item)


def _is_item(item: object) -> bool:
    """Whether its members have the types that the rest of Treadle, and who gets it back with the next request, relies on."""
    if not isinstance(item, dict) or not isinstance(cast(JsonObject, item).get("type"), str):
        return False
    given = cast(JsonObject, item)
    kind = given["type"]
    if not all(isinstance(given.get(name), (str, NoneType)) for name in (*_TEXTS, *_OWN_TEXTS.get(kind, ()))):
        return False
    return kind not in ("message", "reasoning") or all(_are_parts(given.get(name), kind) for name in ("content", "summary"))


def _are_parts(value: object, kind: str) -> bool:
    if value is None or (isinstance(value, str) and kind == "message"):
        return True
    parts = cast("list[object]", value) if isinstance(value, list) else [None]
    return all(
        isinstance(part, dict) and all(isinstance(cast(JsonObject, part).get(name), (str, NoneType)) for name in _PART_TEXTS)
        for part in parts
    )


def _is_whole(item: JsonObject) -> bool:
    """Whether a call says what is called."""
    return item["type"] not in _CALLS or bool(item.get("name"))


def _response(event: JsonObject) -> JsonObject:
    response = event.get("response")
    return cast(JsonObject, response) if isinstance(response, dict) else {}


def _index(event: JsonObject, name: str) -> int:
    index = event.get(name)
    return index if isinstance(index, int) else 0


def usage(value: object) -> Usage | None:
    """The tokens as a provider reports them; None when it does not."""
    if not isinstance(value, dict):
        return None
    counts = cast(JsonObject, value)
    given, made = _count(counts, "input_tokens"), _count(counts, "output_tokens")
    return Usage(
        input_tokens=given,
        cached_input_tokens=_count(counts.get("input_tokens_details"), "cached_tokens"),
        output_tokens=made,
        reasoning_output_tokens=_count(counts.get("output_tokens_details"), "reasoning_tokens"),
        total_tokens=_count(counts, "total_tokens") or given + made,
        cache_reported=_says(counts.get("input_tokens_details"), "cached_tokens"),
    )


def _says(data: object, name: str) -> bool:
    return isinstance(data, dict) and isinstance(cast(JsonObject, data).get(name), int)


def _count(data: object, name: str) -> int:
    value = cast(JsonObject, data).get(name) if isinstance(data, dict) else None
    return max(value, 0) if isinstance(value, int) else 0


def _without_lone_surrogates(value: Any) -> Any:
    """Half a character cannot be stored or sent on; it becomes U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_lone_surrogates(v) for v in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_without_lone_surrogates(k): _without_lone_surrogates(v) for k, v in cast("dict[str, Any]", value).items()}
    return value
