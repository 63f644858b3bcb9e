"""Questions of MCP servers: put to the user within bounds, and answered with what was asked for and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.asking import CANCEL, DECLINE, Decision
from treadle.core.elicitation import answer, question

FORM = {
    "message": "Who?",
    "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
}


def test_a_form_is_put_as_it_is() -> None:
    asked = question("docs", FORM)
    assert asked is not None
    put = asked.asked("q", "t", "u", 5.0)
    assert (put.id, put.thread_id, put.turn_id, put.at, put.server, put.message) == ("q", "t", "u", 5.0, "docs", "Who?")
    assert put.schema["properties"] == {"name": {"type": "string"}}


def test_an_address_is_put_with_the_name_of_the_request() -> None:
    asked = question("docs", {"mode": "url", "message": "Pay", "url": "https://pay.example/x", "elicitationId": "e1"})
    assert asked is not None
    assert (asked.url, asked.elicitation_id, asked.schema) == ("https://pay.example/x", "e1", {})
    assert answer(asked, Decision("accept", content={"x": 1})) == ("accept", None)


@pytest.mark.parametrize(
    "params",
    [
        {"mode": "url", "url": "file:///etc/passwd"},
        {"mode": "url", "url": "javascript:alert(1)"},
        {"mode": "url", "url": "https://a/\n.evil"},
        {"mode": "url", "url": "https://a/" + "x" * 10_000},
        {"mode": "url"},
        {"requestedSchema": []},
        {"requestedSchema": {"properties": {"deep": {"type": "object", "properties": {}}}}},
        {"requestedSchema": {"properties": {f"f{n}": {"type": "string"} for n in range(100)}}},
        {"requestedSchema": {"properties": {"x": {"type": "string", "description": "y" * 100_000}}}},
        {},
    ],
)
def test_what_cannot_be_put_to_a_user_is_not(params: dict[str, Any]) -> None:
    assert question("docs", {"message": "m", **params}) is None


def test_a_long_message_is_cut() -> None:
    asked = question("docs", FORM | {"message": "x" * 100_000})
    assert asked is not None
    assert len(asked.message) <= 4_000


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (Decision("accept", content={"name": "Ada", "secret": "s"}), ("accept", {"name": "Ada"})),
        (Decision("accept", content={"name": ["a", "b"]}), ("accept", {"name": ["a", "b"]})),
        (Decision("accept", content={"name": {"deep": 1}}), ("decline", None)),
        (Decision("accept", content={"name": "x" * 100_000}), ("decline", None)),
        (Decision("accept"), ("decline", None)),
        (DECLINE, ("decline", None)),
        (CANCEL, ("cancel", None)),
    ],
)
def test_a_server_gets_the_fields_that_it_asked_for(decision: Decision, told: Any) -> None:
    asked = question("docs", FORM)
    assert asked is not None
    assert answer(asked, decision) == told


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=9), v, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["message", "mode", "url", "requestedSchema", "elicitationId"]), values))
def test_no_question_makes_it_raise(params: dict[str, Any]) -> None:
    question("docs", params)
