"""Results of MCP calls: told within bounds, whatever a server sends."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import mcp_result

PICTURE = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(b"pixels").decode()}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
        ({"content": [{"type": "text", "text": "a"}], "structuredContent": {"n": 1}}, '{"n": 1}'),
        (
            {"content": [{"type": "image", "mimeType": "image/png", "data": "QUJD"}], "structuredContent": {"n": 1}},
            '{"n": 1}\n[image, image/png, 3 bytes: shown to the user; you cannot see it]',
        ),
        ({"content": [{"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}]}, "inside"),
        (
            {"content": [{"type": "resource", "resource": {"uri": "file:///a", "blob": "QQ=="}}]},
            "[resource file:///a: not text, 3 bytes, which cannot be shown]",
        ),
        ({"content": [{"type": "resource_link", "name": "a", "uri": "file:///a"}]}, "[resource a: file:///a]"),
        ({"content": [{"type": "of tomorrow"}, "no part"]}, "[content of the kind 'of tomorrow', which cannot be shown]"),
        ({}, ""),
    ],
)
def test_a_result_is_told_as_text(result: dict[str, Any], text: str) -> None:
    assert mcp_result.text(result) == text


@given(st.lists(st.sampled_from([10, 1000, 100_000, 400_000]), max_size=8), st.sampled_from([0, 300_000]))
def test_what_the_screen_gets_of_a_result_is_bounded(sizes: list[int], structured: int) -> None:
    parts = [{"type": "image", "mimeType": "image/png", "data": "A" * size} for size in sizes]
    shown = mcp_result.shown({"content": parts, "structuredContent": {"x": "y" * structured}})
    assert len(json.dumps(shown)) <= mcp_result.MAX_SHOWN + 1000


def test_a_model_that_sees_is_shown_pictures_and_told_of_the_rest() -> None:
    result = {"content": [{"type": "text", "text": "Look:"}, PICTURE, {"type": "audio", "mimeType": "audio/wav", "data": "QUJD"}]}
    (image,) = mcp_result.pictures(result)
    assert image.url == f"data:image/png;base64,{PICTURE['data']}"
    assert mcp_result.text(result, sees=True) == (
        "Look:\n[image, image/png, 6 bytes: it follows]\n[audio, audio/wav, 3 bytes: shown to the user; you cannot see it]"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"mimeType": "image/svg+xml"},
        {"data": "no base64!"},
        {"data": ""},
        {"data": 3},
        {"data": "QUJD" * 2_000_000},
        {"data": "é"},
    ],
)
def test_what_is_no_picture_for_a_model_is_named_only(change: dict[str, Any]) -> None:
    result = {"content": [PICTURE | change]}
    assert mcp_result.pictures(result) == ()
    assert "you cannot see it" in mcp_result.text(result, sees=True)


def test_a_model_is_shown_a_few_pictures_of_many() -> None:
    result = {"content": [PICTURE] * 100}
    assert len(mcp_result.pictures(result)) == mcp_result.MAX_PICTURES


def test_a_resource_is_told_as_its_texts_and_the_names_of_the_rest() -> None:
    contents = [{"uri": "a://b", "text": "words"}, {"uri": "a://c", "mimeType": "application/pdf", "blob": "QUJD"}, "odd"]
    assert mcp_result.resource_text({"contents": contents}) == (
        "words\n[resource a://c: application/pdf, 3 bytes, which cannot be shown]"
    )
    assert mcp_result.resource_text({}) == "[empty]"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda v: st.lists(v) | st.dictionaries(st.text(max_size=9), v),
)


@given(st.dictionaries(st.sampled_from(["content", "structuredContent", "contents", "isError"]), values))
def test_no_answer_of_a_server_makes_it_raise(result: dict[str, Any]) -> None:
    mcp_result.text(result, sees=True)
    mcp_result.pictures(result)
    mcp_result.shown(result)
    mcp_result.resource_text(result)
