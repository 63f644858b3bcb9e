"""Bytes at the doors: whatever comes, what is good in it is answered once, what is bad is said to be, and the door goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fakes.agent import ScriptedAgent
from treadle.server import framing
from treadle.server.framing import Headers, Lines

from . import ordinary
from .common import fuzzed
from .doors import Line, Name, doors, opened
from .junk import Sent, bodies, told

_END = b"\r\n\r\n"


def _styled(length: int, style: tuple[str, bool, list[bytes], bool]) -> bytes:
    """Headers of a good message, in any manner that is allowed."""
    case, spaced, others, last = style
    name = {"usual": b"Content-Length", "lower": b"content-length", "upper": b"CONTENT-LENGTH", "odd": b"cOnTeNt-LeNgTh"}[case]
    own = name + (b":  %d " if spaced else b": %d") % length
    return b"\r\n".join([*others, own] if last else [own, *others]) + _END


_good_headers = st.tuples(
    st.sampled_from(["usual", "lower", "upper", "odd"]),
    st.booleans(),
    st.lists(
        st.sampled_from([b"Content-Type: application/vscode-jsonrpc; charset=utf-8", b"X-A: \xff", b"X:", b"Content-Length: 3"]),
        max_size=2,
    ),
    st.just(True),
)
_bad_headers = st.sampled_from(
    [
        *(
            b"Content-Length: -5",
            b"Content-Length: 1.5",
            b"Content-Length: abc",
            b"Content-Length:",
            b"Content-Length 12",
            b"Content-Lenght: 5",
        ),
        *(
            b"Content-Type: x",
            b"\xff\xfe",
            b"GET / HTTP/1.1\r\nHost: x",
            b"Content-Length: " + b"9" * 400,
            b"\0" * 10,
            b"Content-Length: 0x10",
        ),
        *(b"Content-Length: 5 5", b"Content-Length: \xd9\xa3", b"{}", b"Content-Length: +5"),
    ]
)


# the framing alone


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                [b"\n", b"\r\n", b"\r", _END, b"Content-Length: 4\r\n\r\n", b"content-length:0", b"12", b"{}", b"x" * 70]
            ),
            st.integers(-1, 100).map(lambda n: b"Content-Length: %d\r\n\r\n" % n),
        ),
        max_size=12,
    ).map(b"".join),
    st.lists(st.integers(1, 25), max_size=30),
    st.sampled_from([Lines, Headers]),
)
@example(b"Content-Length: 2" + b" " * 60 + _END + b"{}", [1] * 90, Headers)
@fuzzed(150)
def test_any_bytes_are_read_the_same_however_they_are_cut(data: bytes, cuts: list[int], kind: type[Lines | Headers]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("MAX_MESSAGE", 60), ("_MAX_HEADERS", 50), ("_TAIL", 30)):
            patch.setattr(framing, name, value)
        whole = [body if isinstance(body, bytes) else type(body) for body in kind().feed(data)]
        reader, found, at = kind(), list[Any](), 0
        for cut in [*cuts, len(data)]:
            found += [body if isinstance(body, bytes) else type(body) for body in reader.feed(data[at : at + cut])]
            at += cut
    assert found == whole


# whole doors


def opened_on_a_script(door: Name) -> Any:
    """A client of a door with a scripted agent behind it."""
    agent = ScriptedAgent()

    async def open_agent() -> Any:
        return agent

    return opened(door, open_agent)


async def _converse(door: Name, early: list[Sent], later: list[Sent], styles: list[Any], step: int) -> None:
    """Junk before and after the greeting, and then what must be true."""
    async with opened_on_a_script(door) as line:
        await line.write(b"".join(line.framed(one.body) for one in early), step)
        await line.greet()
        await line.write(b"".join(_framed(line, one, styles, number) for number, one in enumerate(later)), step)
        await line.fence()
        sent = [*early, *later]
        for one in sent:
            if one.id is not None:
                await line.answer(one.id)
        least, most = sum(one.least for one in sent), sum(one.most for one in sent)
        assert least <= len(line.unnamed) <= most, f"{least} to {most} refusals are due: {line.unnamed}"
        await ordinary.turn(line)


def _framed(line: Line, one: Sent, styles: list[Any], number: int) -> bytes:
    if line.door == "serve" and styles:
        return _styled(len(one.body), styles[number % len(styles)]) + one.body
    return line.framed(one.body)


def _for(door: Name, body: bytes) -> Sent:
    return told(body if door == "serve" else body.replace(b"\n", b" "))


@doors()
@given(
    st.lists(bodies, max_size=6),
    st.integers(0, 6),
    st.lists(_good_headers, max_size=3),
    st.sampled_from([0, 0, 1, 3, 64, 1000]),
)
@fuzzed(25, 0.5)
def test_junk_among_messages_is_refused_and_the_door_goes_on(
    door: Name, junk: list[bytes], early: int, styles: list[Any], step: int
) -> None:
    assume(sum(map(len, junk)) < 2_000 or not 0 < step < 64)
    sent = [_for(door, body) for body in junk]
    ids = [one.id for one in sent if one.id is not None]
    assume(len(set(ids)) == len(ids))
    asyncio.run(_converse(door, sent[:early], sent[early:], styles, step))
