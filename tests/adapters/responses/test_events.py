"""Events of the API -> replies, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes import call, custom, reasoning, reply, text
from fakes.replies import Reply, wire
from treadle.adapters.responses.errors import Faults
from treadle.adapters.responses.events import ReplyReader
from treadle.adapters.responses.sse import SseEvent, SseParser
from treadle.core.errors import ModelError
from treadle.core.replies import Delta, ItemBegun, ItemDone, ReplyCompleted, ReplyEvent, SummaryPartBegun, Usage
from treadle.core.settings import Provider

FAULTS = Faults(Provider(id="fake", name="Fake", base_url="http://x/v1"), "m")


def read(*events: dict[str, Any] | bytes) -> list[ReplyEvent]:
    return collected([(b"", e if isinstance(e, bytes) else json.dumps(e).encode()) for e in events])


def streamed(answer: Reply) -> list[ReplyEvent]:
    stream = b"".join(e for e in wire(answer, 0, 10) if isinstance(e, bytes))
    return collected(SseParser().feed(stream))


def collected(events: list[SseEvent]) -> list[ReplyEvent]:
    out: list[ReplyEvent] = []
    ReplyReader(FAULTS).read(events, out)
    return out


@pytest.mark.parametrize("style", ["openai", "llama"])
def test_every_delta_names_the_item_it_belongs_to(style: Any) -> None:
    outputs = (
        reasoning("why not", deltas=2),
        text("hello there", deltas=3),
        call("exec_command", {"cmd": "ls"}, deltas=2),
        custom("apply_patch", "*** Begin Patch\n*** End Patch\n", deltas=2),
        text("bye"),
    )
    events = streamed(reply(*outputs, style=style))
    keys = [e.key for e in events if isinstance(e, ItemBegun)]
    assert len(set(keys)) == 5
    assert [e.key for e in events if isinstance(e, ItemDone)] == keys
    for key, output, kind in zip(keys, outputs, ["summary", "text", "input", "input", "text"], strict=True):
        deltas = [e for e in events if isinstance(e, Delta) and e.key == key]
        assert {d.kind for d in deltas} == {kind}
        assert "".join(d.text for d in deltas) == output.whole
    assert SummaryPartBegun(keys[0], 0) in events
    assert isinstance(events[-1], ReplyCompleted)


def test_items_are_passed_on_verbatim_with_members_we_do_not_know() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "gAAA+/=",
        "content": None,
        "new": {"b": 1, "a": [2]},
    }
    done = read({"type": "response.output_item.done", "output_index": 0, "item": item})
    assert [e.payload for e in done if isinstance(e, ItemDone)] == [item]
    assert json.dumps(done[-1].payload) == json.dumps(item)  # type: ignore[union-attr]


def test_an_item_that_was_never_begun_is_begun_before_it_is_done() -> None:
    events = read({"type": "response.output_item.done", "output_index": 3, "item": {"type": "message", "id": "a"}})
    assert [type(e) for e in events] == [ItemBegun, ItemDone]
    assert events[0].key == events[1].key  # type: ignore[union-attr]


def test_ids_that_change_in_every_event_do_not_matter_where_there_is_an_index() -> None:
    events = read(
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "a"}},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "id": "b"}},
        {"type": "response.output_text.delta", "output_index": 0, "item_id": "zz", "delta": "x"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "id": "yy"}},
    )
    assert [e.key for e in events] == ["0", "1", "0", "0"]  # type: ignore[union-attr]


def test_what_cannot_be_read_is_counted_and_what_is_unknown_is_not() -> None:
    events = read(
        b"{not json",
        b"\xff\xfe",
        b"[1]",
        b"[" * 100_000,
        {"type": "response.output_item.done"},
        {"type": "response.output_text.delta", "delta": 7},
        {"type": ["x"]},
        {"type": "response.something_new", "delta": 7},
        b"[DONE]",
        {"type": "response.completed", "response": {"id": "r"}},
    )
    assert events == [ReplyCompleted("r", None, 7)]


def test_half_a_character_becomes_a_replacement_and_a_whole_one_stays() -> None:
    events = read(
        rb'{"type":"response.output_text.delta","delta":"a\ud83d"}',
        rb'{"type":"response.output_item.done","item":{"type":"message","id":"m","text":"\ud83d\ude00 \udc00"}}',
    )
    assert events[0].text == "a�"  # type: ignore[union-attr]
    assert events[-1].payload["text"] == "😀 �"  # type: ignore[union-attr]


def test_usage_is_read_with_its_details() -> None:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    }
    assert read({"type": "response.completed", "response": {"id": "r", "usage": usage}}) == [
        ReplyCompleted("r", Usage(100, 64, 20, 5, 120))
    ]


def test_a_summary_that_comes_only_when_it_is_done_is_shown_once() -> None:
    done = {"type": "response.reasoning_summary_text.done", "output_index": 0, "summary_index": 0, "text": "Why."}
    begun = {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs"}}
    delta = {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Why."}
    once = [Delta("0", "summary", "Why.", 0)]
    assert read(begun, done)[1:] == once
    assert read(begun, delta, done)[1:] == once


def test_items_that_come_only_with_the_end_are_taken_from_there() -> None:
    item = {"type": "message", "id": "m", "content": []}
    events = read({"type": "response.completed", "response": {"id": "r", "output": [item]}})
    assert [type(e) for e in events] == [ItemBegun, ItemDone, ReplyCompleted]


def test_at_the_output_limit_text_stands_and_half_a_call_is_not_run() -> None:
    events = read(
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "id": "m", "status": "incomplete"}},
        {
            "type": "response.output_item.done",
            "output_index": 1,
            "item": {"type": "function_call", "id": "f", "status": "incomplete"},
        },
        {"type": "response.incomplete", "response": {"id": "r", "incomplete_details": {"reason": "max_output_tokens"}}},
    )
    assert [e.kind for e in events if isinstance(e, ItemDone)] == ["message"]
    assert events[-1] == ReplyCompleted("r", None, 0, "max_output_tokens")


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("context_length_exceeded", "context_overflow", False),
        ("insufficient_quota", "quota", False),
        ("usage_not_included", "quota", False),
        ("cyber_policy", "policy", False),
        ("invalid_prompt", "bad_request", False),
        ("server_is_overloaded", "overloaded", True),
        ("slow_down", "overloaded", True),
        ("rate_limit_exceeded", "rate_limited", True),
        ("something_else", "server", True),
    ],
)
def test_a_failed_response_becomes_the_error_of_its_code(code: str, kind: str, retryable: bool) -> None:
    failed = {"type": "response.failed", "response": {"error": {"code": code, "message": "No, try again in 1.5s please"}}}
    for event in (failed, {"type": "error", "code": code, "message": "No, try again in 1.5s please"}):
        with pytest.raises(ModelError) as caught:
            read(event)
        assert (caught.value.kind, caught.value.retryable) == (kind, retryable)
        assert "No, try again in 1.5s please." in caught.value.message
        assert caught.value.retry_after == (1.5 if retryable else None)


def test_a_content_filter_is_final_and_another_early_stop_is_not() -> None:
    for reason, kind, retryable in (("content_filter", "policy", False), ("odd", "stream_cut", True)):
        with pytest.raises(ModelError) as caught:
            read({"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}})
        assert (caught.value.kind, caught.value.retryable) == (kind, retryable)


def test_what_came_before_a_failure_in_the_same_bytes_is_not_lost() -> None:
    out: list[ReplyEvent] = []
    delta = b'{"type":"response.output_text.delta","delta":"a"}'
    with pytest.raises(ModelError):
        ReplyReader(FAULTS).read([(b"", delta), (b"error", b'{"message":"no"}')], out)
    assert [e.text for e in out if isinstance(e, Delta)] == ["a"]
