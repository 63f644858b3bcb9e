"""The parser of server-sent events."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.adapters.responses.sse import EventTooLarge, SseEvent, SseParser

LINES = st.sampled_from(
    [
        b"",
        b"",
        b"data: one",
        b"data:two",
        b"data:  spaced",
        b"data",
        b"data:",
        b"event: named",
        b"event:close",
        b": ping",
        b"id: 7",
        b"junk",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def parsed(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def by_the_standard(stream: bytes) -> list[SseEvent]:
    """The standard's algorithm, line by line over the whole stream."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    events: list[SseEvent] = []
    name, data = b"", None
    for line in lines:
        if not line:
            if data is not None:
                events.append((name, b"\n".join(data)))
            name, data = b"", None
            continue
        key, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if key == b"data":
            data = [*(data or []), value]
        elif key == b"event":
            name = value
    return events


@given(st.booleans(), st.lists(st.tuples(LINES, ENDS), max_size=30), st.lists(st.integers(0, 400), max_size=12))
def test_any_splitting_of_any_stream_gives_the_events_of_the_standard(
    bom: bool, lines: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    stream = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line, end in lines)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert parsed(*chunks) == by_the_standard(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_stream_split_at_every_byte_gives_the_same_events(end: bytes) -> None:
    stream = end.join([b"\xef\xbb\xbfevent: a", b"data: {", b"data: }", b"", b": comment", b"", b"data: \xc3\xa9", b"", b""])
    whole = [(b"a", b"{\n}"), (b"", b"\xc3\xa9")]
    assert parsed(stream) == whole
    for cut in range(len(stream) + 1):
        assert parsed(stream[:cut], stream[cut:]) == whole
    assert parsed(*(stream[i : i + 1] for i in range(len(stream)))) == whole


def test_an_event_that_the_stream_does_not_finish_is_dropped() -> None:
    assert parsed(b"data: one\n\ndata: two\n") == [(b"", b"one")]


def test_an_event_over_the_limit_is_refused_whether_it_ends_or_not() -> None:
    for stream in (b"data: " + b"x" * 200, b"data: " + b"x" * 200 + b"\n\n"):
        parser = SseParser(limit=100)
        with pytest.raises(EventTooLarge):
            for start in range(0, len(stream), 10):
                parser.feed(stream[start : start + 10])


def test_many_events_under_the_limit_are_not_one_event_over_it() -> None:
    parser = SseParser(limit=100)
    assert len(parser.feed(b"data: x\n\n" * 1000)) == 1000
