"""Events that a gateway sends once more, or not at all: nothing is run twice, and what the end of the reply tells is not lost."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from fakes import call, custom, reasoning, reply, text
from fakes.replies import Output, wire
from treadle.adapters.responses.errors import Faults
from treadle.adapters.responses.events import ReplyReader
from treadle.adapters.responses.sse import SseParser
from treadle.core.replies import ItemBegun, ItemDone, ReplyEvent
from treadle.core.settings import Provider

FAULTS = Faults(Provider(id="fake", name="Fake", base_url="http://x/v1"), "m")
OUTPUTS = (
    reasoning("why not", deltas=2),
    text("hello there", deltas=3),
    call("exec_command", {"cmd": "ls"}, deltas=2),
    custom("apply_patch", "*** Begin Patch\n*** End Patch\n", deltas=2),
)


def events_of(*outputs: Output, **options: Any) -> list[bytes]:
    return [event for event in wire(reply(*outputs, **options), 0, 10) if isinstance(event, bytes)]


def read(events: list[bytes]) -> list[ReplyEvent]:
    out: list[ReplyEvent] = []
    ReplyReader(FAULTS).read(SseParser().feed(b"".join(events)), out)
    return out


def done(events: list[ReplyEvent]) -> list[Any]:
    return [event.payload for event in events if isinstance(event, ItemDone)]


def begun(events: list[ReplyEvent]) -> list[str]:
    return [event.key for event in events if isinstance(event, ItemBegun)]


@pytest.mark.parametrize("style", ["openai", "llama"])
def test_whatever_events_come_twice_each_item_is_begun_and_done_once(style: str) -> None:
    events = events_of(*OUTPUTS, style=style)
    once = read(events)
    for first, last in itertools.combinations(range(len(events)), 2):
        again = read([*events[:last], *events[first:last], *events[last:]])
        assert done(again) == done(once), (first, last)
        assert begun(again) == begun(once), (first, last)


def test_two_calls_that_say_the_same_under_their_own_numbers_are_two() -> None:
    twice = (call("exec_command", {"cmd": "ls"}, call_id="c"), call("exec_command", {"cmd": "ls"}, call_id="c"))
    assert len(done(read(events_of(*twice)))) == 2


@pytest.mark.parametrize("call_id", [None, ""])
def test_a_call_of_a_provider_that_gives_no_call_id_is_known_by_its_own_id(call_id: str | None) -> None:
    item = {"type": "function_call", "name": "exec_command", "arguments": "{}", "call_id": call_id}

    def said(*ids: str | None) -> list[bytes]:
        kind = "response.output_item.done"
        events = [{"type": kind, "output_index": 0, "item": item | {"id": id}} for id in ids]
        return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]

    assert len(done(read(said("a", "a")))) == 1
    assert len(done(read(said("a", "b")))) == 2
    assert len(done(read(said(None, None)))) == 2


def test_items_of_a_gateway_that_numbers_them_all_alike_are_told_apart() -> None:
    events = [event.replace(b'"output_index": 1', b'"output_index": 0') for event in events_of(text("one"), text("two"))]
    assert [item["content"][0]["text"] for item in done(read(events))] == ["one", "two"]


def test_an_item_whose_own_end_is_lost_is_taken_from_the_end_of_the_reply() -> None:
    events = events_of(*OUTPUTS)
    whole = done(read(events))
    for number, event in enumerate(events):
        if b"event: response.output_item.done" in event and b'"reasoning"' not in event:
            found = read([*events[:number], b"data: {\n\n", *events[number + 1 :]])
            assert sorted(map(json.dumps, done(found))) == sorted(map(json.dumps, whole))
            assert begun(found) == begun(read(events))


def test_an_item_that_was_done_under_a_wrong_number_is_not_taken_once_more_from_the_end() -> None:
    events = events_of(call("exec_command", {"cmd": "ls"}))
    wrong = [event.replace(b'"output_index": 0', b'"output_index": 7') if b"item.done" in event else event for event in events]
    assert len(done(read(wrong))) == 1


STRANGE = (7, True, 1e300, [], [[]], {}, {"type": 3})


@pytest.mark.parametrize("strange", STRANGE, ids=map(str, STRANGE))
@pytest.mark.parametrize(
    ("output", "members"),
    [
        (OUTPUTS[0], ("id", "type", "summary", "encrypted_content")),
        (OUTPUTS[1], ("id", "type", "content", "phase")),
        (OUTPUTS[2], ("id", "type", "name", "arguments", "call_id")),
        (OUTPUTS[3], ("id", "type", "name", "input", "call_id")),
    ],
    ids=["reasoning", "message", "function_call", "custom_tool_call"],
)
def test_an_item_whose_members_have_other_types_is_not_taken(output: Output, members: tuple[str, ...], strange: object) -> None:
    known = done(read(events_of(output)))[0]
    for member in members:
        if member in ("summary", "content") and strange == []:
            continue
        item = known | {member: strange}
        event = {"type": "response.output_item.done", "output_index": 0, "item": item}
        assert done(read([b"data: " + json.dumps(event).encode() + b"\n\n"])) == [], member


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_a_call_that_does_not_say_what_is_called_is_not_taken(kind: str) -> None:
    item = {"type": kind, "id": "i", "call_id": "c", "arguments": "{}", "input": ""}
    for name in ({}, {"name": None}, {"name": ""}):
        event = {"type": "response.output_item.done", "output_index": 0, "item": item | name}
        assert done(read([b"data: " + json.dumps(event).encode() + b"\n\n"])) == []


def test_thoughts_are_not_put_behind_what_came_of_them() -> None:
    events = events_of(*OUTPUTS[:2])
    lost = [event for event in events if b"output_item.done" not in event or b'"reasoning"' not in event]
    assert [item["type"] for item in done(read(lost))] == ["message"]
    alone = [event for event in events_of(OUTPUTS[0]) if b"output_item" not in event]
    assert [item["type"] for item in done(read(alone))] == ["reasoning"]
