"""Messages come out as they went in, however the bytes are cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.server import framing
from treadle.server.framing import Headers, Lines, NoLength, TooLong

texts = st.lists(st.text(max_size=30).map(json.dumps), max_size=6)


@given(texts, st.lists(st.integers(1, 40), max_size=20), st.sampled_from([Lines, Headers]))
def test_messages_survive_any_cut(messages: list[str], cuts: list[int], kind: type) -> None:
    data = kind().frame(messages)
    reader, found, at = kind(), [], 0
    for cut in [*cuts, len(data)]:
        found += list(reader.feed(data[at : at + cut]))
        at += cut
    assert [body.decode() for body in found] == messages


@pytest.mark.parametrize("kind", [Lines, Headers])
def test_a_message_that_is_too_long_is_passed_over_and_said_once(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_MESSAGE", 50)
    data = kind().frame(["1", json.dumps("x" * 200), "2"])
    reader = kind()
    found = [body for at in range(0, len(data), 7) for body in reader.feed(data[at : at + 7])]
    assert [body if isinstance(body, bytes) else type(body) for body in found] == [b"1", TooLong, b"2"]


def test_empty_lines_and_other_headers_are_passed_over() -> None:
    assert list(Lines().feed(b"\n \r\n1\r\n")) == [b"1\r"]
    headers = b"Content-Type: x\r\ncontent-length:  3\r\n\r\nabc"
    assert list(Headers().feed(headers)) == [b"abc"]


def test_headers_without_end_are_given_up() -> None:
    reader = Headers()
    assert [type(found) for found in reader.feed(b"x" * 20_000)] == [TooLong]
    assert list(reader.feed(b"Content-Length: 1\r\n\r\n5")) == [b"5"]


@pytest.mark.parametrize("bad", [b"Content-Length: abc", b"Content-Length: " + b"9" * 5_000, b"Content-Type: x"])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_after_headers_without_a_length_reading_goes_on_with_the_next_good_ones(bad: bytes, step: int) -> None:
    data = bad + b'\r\n\r\n{"a":"Content-Length: 3"}' + Headers().frame(["1", "22"])
    reader = Headers()
    found = [body for at in range(0, len(data), step) for body in reader.feed(data[at : at + step])]
    assert [body if isinstance(body, bytes) else type(body) for body in found] == [NoLength, b"1", b"22"]


def test_a_message_longer_than_its_headers_say_costs_no_other_message() -> None:
    found = list(Headers().feed(b"Content-Length: 2\r\n\r\n[1]" + Headers().frame(["1"])))
    assert [body if isinstance(body, bytes) else type(body) for body in found] == [b"[1", NoLength, b"1"]
