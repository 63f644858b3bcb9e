"""Which items of a client a prompt can carry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.injection import MOST_BYTES, MOST_ITEMS, Unfit, calls, checked

WORDS = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hällo"}]}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "seen"}
CUSTOM = {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": "…"}
DONE = {"type": "custom_tool_call_output", "call_id": "c2", "output": "done"}


def without(item: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != field}


def test_items_are_kept_as_they_came() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
    items = [
        WORDS,
        {
            "role": "assistant",
            "type": "message",
            "id": "msg_1",
            "content": [{"type": "output_text", "text": "I see", "annotations": []}],
        },
        {"type": "message", "role": "developer", "content": "plain"},
        {"type": "message", "role": "user", "content": [picture]},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        CALL,
        CUSTOM,
        DONE,
        OUTPUT | {"output": [{"type": "input_text", "text": "x"}, picture]},
    ]
    texts = checked(items)
    assert [json.loads(text) for text in texts] == items
    assert texts[1].startswith('{"role":"assistant","type":"message","id":"msg_1"')
    assert (calls(texts[5]), calls(texts[0])) == (("c1",), ())


@pytest.mark.parametrize(
    ("items", "path"),
    [
        ([], "items"),
        (["text"], "items.0"),
        ([{"type": "web_search_call"}], "items.0.type"),
        ([WORDS, {"role": "user", "content": "x"}], "items.1.type"),
        ([WORDS | {"role": "tool"}], "items.0.role"),
        ([WORDS | {"content": []}], "items.0.content"),
        ([WORDS | {"content": [{"type": "input_text"}]}], "items.0.content.0.text"),
        ([WORDS | {"content": [{"type": "input_audio"}]}], "items.0.content.0.type"),
        ([WORDS | {"content": [{"type": "input_image", "image_url": "file:///etc/passwd"}]}], "items.0.content.0.image_url"),
        ([{"type": "reasoning", "summary": []}], "items.0.encrypted_content"),
        ([CALL], "items.0"),
        ([OUTPUT, CALL], "items.0.call_id"),
        ([CALL, OUTPUT, OUTPUT], "items.2.call_id"),
        ([CALL, CALL, OUTPUT], "items.1.call_id"),
        ([CALL, DONE | {"call_id": "c1"}], "items.1.type"),
        ([without(CALL, "arguments"), OUTPUT], "items.0.arguments"),
        ([without(CALL, "call_id"), OUTPUT], "items.0.call_id"),
        ([CALL, OUTPUT | {"output": {"a": 1}}], "items.1.output"),
        ([WORDS] * (MOST_ITEMS + 1), "items"),
        ([WORDS | {"content": "x" * MOST_BYTES}], "items"),
    ],
)
def test_what_a_provider_would_refuse_is_refused_with_its_place(items: list[Any], path: str) -> None:
    with pytest.raises(Unfit) as refused:
        checked(items)
    assert refused.value.path == path


def test_a_call_that_the_prompt_has_already_is_refused() -> None:
    with pytest.raises(Unfit, match="already"):
        checked([CALL, OUTPUT], {"c1"})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "role", "content", "call_id"]), inner),
    max_leaves=6,
)


@given(st.lists(VALUES | st.sampled_from([WORDS, CALL, OUTPUT, CUSTOM, DONE]), max_size=6))
def test_whatever_comes_is_either_refused_or_leaves_no_call_open(items: list[Any]) -> None:
    try:
        texts = checked(items)
    except Unfit:
        return
    entries = [json.loads(text) for text in texts]
    asked = [entry["call_id"] for entry in entries if entry["type"] in ("function_call", "custom_tool_call")]
    answered = [entry["call_id"] for entry in entries if entry["type"].endswith("_output")]
    assert sorted(asked) == sorted(answered) and len(set(asked)) == len(asked)
