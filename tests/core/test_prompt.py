"""The bytes of a request: order, roles, verbatim replay, and what the model is not shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.items import (
    Context,
    Image,
    Item,
    ModelItem,
    Opening,
    Section,
    Summary,
    Text,
    ToolOutput,
    TurnBegan,
    TurnEnded,
    UsageReported,
    UserMessage,
    dumps,
)
from treadle.core.prompt import DISCARDED
from treadle.core.thread import Thread

TOOLS = '[{"type":"function","name":"exec_command"}]'
OPENING = Opening("o", 1.0, "gpt-5.5", "openai", "Be brief.", TOOLS)


def model_item(kind: str, payload: dict[str, object], **more: object) -> ModelItem:
    return ModelItem("i", 1.0, "t", kind, dumps(payload), **more)  # type: ignore[arg-type]


def body(*items: Item, tail: dict[str, object] | None = None) -> dict[str, object]:
    return json.loads(Thread("thread-1", [OPENING, *items]).prompt.request(tail or {}).body())


def test_the_constants_of_a_request() -> None:
    request = body(tail={"reasoning": {"effort": "low"}})
    assert request == {
        "stream": True,
        "store": False,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "thread-1",
        "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "exec_command"}],
        "input": [],
        "model": "gpt-5.5",
        "reasoning": {"effort": "low"},
    }
    assert list(request)[-3:] == ["input", "model", "reasoning"]


def test_another_model_moves_no_earlier_byte() -> None:
    prompt = Thread("t", [OPENING, UserMessage("u", 1.0, "t", (Text("x"),))]).prompt
    one, two = prompt.request({"model": "a"}), prompt.request({"model": "b"})
    assert (one.head, one.fragments) == (two.head, two.fragments)
    assert [request.parsed()["model"] for request in (one, two)] == ["a", "b"]


def test_every_item_as_the_model_sees_it() -> None:
    raw = '{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"\\u00e9=="}'
    items: list[Item] = [
        TurnBegan("b", 1.0, "t"),
        Context("c", 1.0, "developer", (Section("permissions", "one"), Section("developer", "two"))),
        UserMessage("u", 1.0, "t", (Text("look"), Image("data:image/png;base64,AA", "high"))),
        ModelItem("r", 1.0, "t", "reasoning", raw),
        model_item("function_call", {"type": "function_call", "call_id": "c1"}, call_id="c1"),
        ToolOutput("x", 1.0, "t", "c1", "done"),
        model_item("custom_tool_call", {"type": "custom_tool_call", "call_id": "c2"}, call_id="c2"),
        ToolOutput("y", 1.0, "t", "c2", "patched", custom=True),
        UsageReported("z", 1.0, "t", 1, 0, 1, 0, 2),
    ]
    request = Thread("t", [OPENING, *items]).prompt.request({})
    assert json.loads(request.body())["input"] == [
        {
            "type": "message",
            "role": "developer",
            "content": [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}],
        },
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "high"},
            ],
        },
        json.loads(raw),
        {"type": "function_call", "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"type": "custom_tool_call", "call_id": "c2"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "patched"},
    ]
    assert raw.encode() in request.body()


def test_reasoning_without_its_content_and_discarded_text_are_not_sent() -> None:
    request = body(
        model_item("reasoning", {"type": "reasoning", "id": "rs_1", "summary": []}),
        model_item(DISCARDED, {"type": "message", "content": [{"type": "output_text", "text": "half"}]}, complete=False),
    )
    assert request["input"] == []


def test_an_interrupt_is_told_to_the_model_and_a_failure_is_not() -> None:
    assert "turn_aborted" in dumps(body(TurnEnded("e", 1.0, "t", "interrupted"))["input"])
    assert body(TurnEnded("e", 1.0, "t", "failed", {"message": "x"}))["input"] == []


def test_a_summary_replaces_what_came_before_it() -> None:
    request = body(
        UserMessage("u", 1.0, "t", (Text("old"),)),
        Summary("s", 1.0, "t", "short", ('{"type":"message","role":"user","content":"short"}',)),
        UserMessage("v", 1.0, "t", (Text("new"),)),
    )
    assert "old" not in dumps(request)
    assert request["input"][0]["content"] == "short"  # type: ignore[index]


def test_a_new_opening_keeps_the_input() -> None:
    request = body(UserMessage("u", 1.0, "t", (Text("old"),)), Opening("p", 2.0, "other", "openai", "", "[]"))
    assert request["model"] == "other"
    assert "instructions" not in request
    assert "old" in dumps(request["input"])


def test_a_thread_without_an_opening_has_no_prompt() -> None:
    with pytest.raises(ValueError, match="Opening"):
        Thread("t").prompt.request({})


def test_an_item_is_encoded_once_however_often_a_request_is_made() -> None:
    thread = Thread("t", [OPENING])
    for n in range(100):
        thread.append(UserMessage(str(n), 1.0, "t", (Text("x" * n),)))
        thread.prompt.request({})
    assert thread.prompt.encoded == 100


@given(st.lists(st.text(), max_size=8))
def test_any_words_make_a_body_that_is_valid_json(words: list[str]) -> None:
    request = body(*(UserMessage("u", 1.0, "t", (Text(word),)) for word in words))
    assert [item["content"][0]["text"] for item in request["input"]] == words  # type: ignore[index]


def test_a_lone_surrogate_does_not_break_the_body() -> None:
    broken = "\ud83d"
    thread = Thread("t", [OPENING, UserMessage("u", 1.0, "t", (Text(broken),))])
    assert json.loads(thread.prompt.request({}).body())["input"][0]["content"][0]["text"] == broken
