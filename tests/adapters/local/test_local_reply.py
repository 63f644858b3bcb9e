"""Stream events of the server -> reply events."""

import itertools
import json

import pytest

from treadle.adapters.local import grammar
from treadle.adapters.local.reply import Reply, refusal
from treadle.core.errors import ModelError
from treadle.core.replies import Delta, ItemBegun, ItemDone, ReplyCompleted, ReplyEvent, Usage

USAGE = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13, "input_tokens_details": {"cached_tokens": 7}}
END = {"type": "response.completed", "response": {"id": "resp_1", "usage": USAGE}}


def run(text: str, size: int = 3) -> tuple[Reply, list[ReplyEvent]]:
    numbers = itertools.count(1)
    reply = Reply(lambda: str(next(numbers)))
    events: list[ReplyEvent] = []
    for start in range(0, len(text), size):
        events += reply.feed({"type": "response.output_text.delta", "delta": text[start : start + size]})
    return reply, events + reply.feed(END)


def test_an_answer_is_a_message_whose_deltas_are_its_text() -> None:
    reply, events = run(grammar.answer("Two\nlines"))
    begun, *deltas, done, completed = events
    assert isinstance(begun, ItemBegun)
    assert "".join(event.text for event in deltas if isinstance(event, Delta)) == "Two\nlines"
    assert len(deltas) > 1
    assert isinstance(done, ItemDone)
    assert done.payload["content"][0]["text"] == "Two\nlines"
    assert done.payload["id"] == begun.payload["id"]
    assert completed == ReplyCompleted("resp_1", Usage(9, 7, 4, 0, 13))
    assert reply.completed


def test_a_command_is_a_call_of_exec_command() -> None:
    _, events = run(grammar.shell('grep -n "é" a.txt'))
    begun, done, _ = events
    assert isinstance(begun, ItemBegun)
    assert isinstance(done, ItemDone)
    assert done.kind == begun.kind == "function_call"
    assert done.payload["name"] == "exec_command"
    assert json.loads(done.payload["arguments"]) == {"cmd": 'grep -n "é" a.txt'}


@pytest.mark.parametrize(
    ("generated", "kept"),
    [
        (grammar.answer("Far too long")[:-6], "Far too "),
        (grammar.shell("rm -rf build")[:-6], grammar.CUT_COMMAND + "rm -rf b"),
    ],
)
def test_a_reply_that_hit_the_limit_is_kept_as_text_and_said_to_be_incomplete(generated: str, kept: str) -> None:
    _, events = run(generated)
    *_, done, completed = events
    assert isinstance(done, ItemDone)
    assert done.kind == "message"
    assert done.payload["content"][0]["text"] == kept
    assert isinstance(completed, ReplyCompleted)
    assert completed.incomplete == "max_output_tokens"


def test_errors_of_the_server_are_sentences_with_a_way_out() -> None:
    long = {"error": {"code": 400, "type": "exceed_context_size_error", "message": "m", "n_prompt_tokens": 9, "n_ctx": 8}}
    overflow = refusal(400, long)
    assert (overflow.kind, overflow.retryable) == ("context_overflow", False)
    assert "9 of 8" in overflow.sentence()
    assert refusal(400, {"error": {"message": "bad grammar"}}).kind == "bad_request"
    assert refusal(503, {}).retryable
    with pytest.raises(ModelError) as raised:
        Reply().feed({"error": {"code": 500, "message": "out of memory"}})
    assert raised.value.retryable


def test_unknown_events_say_nothing() -> None:
    assert Reply().feed({"type": "response.in_progress"}) == []
    assert Reply().feed({}) == []
