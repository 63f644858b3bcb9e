"""What a copy of a thread's beginning is made of."""

from __future__ import annotations

import pytest

from treadle.core import forks
from treadle.core.items import Item, ModelItem, Opening, Reverted, Summary, Text, ToolOutput, TurnBegan, TurnEnded, UserMessage
from treadle.core.thread import Thread

OPENING = Opening("o", 1.0, "m", "p", "base", "[]")


def turn(name: str, *more: Item) -> list[Item]:
    words = UserMessage(f"{name}-words", 1.0, name, (Text(f"say {name}"),))
    return [TurnBegan(f"{name}-began", 1.0, name), words, *more, TurnEnded(f"{name}-ended", 1.0, name, "completed")]


ABC = [OPENING, *turn("a"), *turn("b"), *turn("c")]


def body(thread_id: str, items: list[Item]) -> bytes:
    return Thread(thread_id, items).prompt.request({}).body()


@pytest.mark.parametrize(
    ("named", "left"),
    [({}, ABC), ({"last": "b"}, ABC[:7]), ({"before": "b"}, ABC[:4]), ({"last": "c"}, ABC), ({"before": "a"}, ABC[:1])],
)
def test_a_copy_renders_the_bytes_of_what_was_copied(named: dict[str, str], left: list[Item]) -> None:
    copy = forks.copied(ABC, "parent", **named)
    assert body("child", copy) == body("parent", left)
    assert body("grandchild", forks.copied(copy, "child")) == body("parent", left)


def test_an_epoch_that_begins_in_the_copy_has_a_cache_of_its_own() -> None:
    summary = Summary("s", 1.0, "d", "short", ('{"type":"message","role":"user","content":"short"}',))
    copy = [*forks.copied(ABC, "parent"), summary, OPENING]
    assert b'"prompt_cache_key":"child"' in body("child", copy)


def test_turns_that_were_taken_back_are_not_copied_and_cannot_be_named() -> None:
    items = [*ABC, Reverted("r", 2.0, "b"), *turn("d")]
    assert forks.copied(items, "parent")[1:] == [*turn("a"), *turn("d")]
    with pytest.raises(KeyError, match="b"):
        forks.copied(items, "parent", last="b")


def test_a_copy_out_of_the_middle_of_a_turn_is_a_valid_thread_that_was_interrupted() -> None:
    call = ModelItem(
        "call", 1.0, "d", "function_call", '{"type":"function_call","call_id":"x"}', call_id="x", name="exec_command"
    )
    items: list[Item] = [*ABC, TurnBegan("d-began", 1.0, "d"), UserMessage("w", 1.0, "d", (Text("go"),)), call]
    assert forks.running(items) == "d"
    thread = Thread("child", forks.copied(items, "parent"))
    end = forks.ended(thread, ["i1", "i2"], 9.0)
    assert [type(item) for item in end] == [ToolOutput, TurnEnded]
    thread.append(*end)
    assert (thread.open_turn, thread.unanswered) == (None, ())
    assert thread.prompt.request({}).body().startswith(body("parent", items)[: -len(b'],"model":"m"}')])
    assert forks.ended(thread, ["i3"], 9.0) == []
    assert forks.running(thread.items) is None
