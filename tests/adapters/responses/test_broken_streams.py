"""One real answer, cut, split and corrupted at every byte: no hang, no crash, and no item that was complete is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes import call, custom, reasoning, reply, text
from fakes.replies import wire
from treadle.adapters.responses.errors import Faults
from treadle.adapters.responses.events import ReplyReader
from treadle.adapters.responses.sse import EventTooLarge, SseParser
from treadle.core.errors import ModelError
from treadle.core.replies import ItemDone, ReplyCompleted, ReplyEvent
from treadle.core.settings import Provider

FAULTS = Faults(Provider(id="fake", name="Fake", base_url="http://x/v1"), "m")
ANSWER = reply(
    reasoning("why", encrypted="é=="),
    text("héllo — wörld", deltas=3),
    call("exec_command", {"cmd": "ls 'ä'"}),
    custom("apply_patch", "*** Begin Patch\n*** End Patch\n"),
)
STREAM = b"".join(event for event in wire(ANSWER, 0, 10) if isinstance(event, bytes))


def read(*chunks: bytes) -> list[ReplyEvent]:
    """What a reply reader makes of chunks; a ModelError ends it, as it ends an answer."""
    parser, reader, found = SseParser(), ReplyReader(FAULTS), list[ReplyEvent]()
    for chunk in chunks:
        try:
            reader.read(parser.feed(chunk), found)
        except (ModelError, EventTooLarge):
            break
    return found


def items(events: list[ReplyEvent]) -> list[str]:
    return [json.dumps(event.payload) for event in events if isinstance(event, ItemDone)]


WHOLE = read(STREAM)
ITEMS = items(WHOLE)


def _ends() -> list[int]:
    """Offsets at which one more item is complete."""
    parser, reader, found, ends = SseParser(), ReplyReader(FAULTS), list[ReplyEvent](), list[int]()
    for at in range(len(STREAM)):
        reader.read(parser.feed(STREAM[at : at + 1]), found)
        if len(items(found)) > len(ends):
            ends.append(at + 1)
    return ends


ENDS = _ends()


def test_the_stream_is_worth_breaking() -> None:
    assert len(ITEMS) == len(ENDS) == 4
    assert isinstance(WHOLE[-1], ReplyCompleted)


def test_cut_at_any_byte_it_keeps_the_items_that_were_complete() -> None:
    for at in range(len(STREAM)):
        events = read(STREAM[:at])
        assert items(events) == ITEMS[: sum(end <= at for end in ENDS)]
        assert not any(isinstance(event, ReplyCompleted) for event in events)


def test_split_at_any_byte_it_says_the_same() -> None:
    for at in range(len(STREAM)):
        assert read(STREAM[:at], STREAM[at:]) == WHOLE


@pytest.mark.parametrize("change", [lambda b: b ^ 0x80, lambda b: b ^ 1, lambda b: 10], ids=["high", "low", "newline"])
def test_with_any_byte_corrupted_it_keeps_what_was_complete_before(change: Any) -> None:
    for at in range(len(STREAM)):
        broken = STREAM[:at] + bytes([change(STREAM[at])]) + STREAM[at + 1 :]
        before = ITEMS[: sum(end <= at for end in ENDS)]
        assert items(read(broken))[: len(before)] == before


def test_with_any_byte_missing_or_doubled_it_keeps_what_was_complete_before() -> None:
    for at in range(len(STREAM)):
        before = ITEMS[: sum(end <= at for end in ENDS)]
        for broken in (STREAM[:at] + STREAM[at + 1 :], STREAM[: at + 1] + STREAM[at:]):
            assert items(read(broken))[: len(before)] == before
