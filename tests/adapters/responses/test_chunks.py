"""Joining the chunks of a body changes nothing but their number."""

from __future__ import annotations

from itertools import pairwise

import h11
from hypothesis import example, given
from hypothesis import strategies as st

from treadle.adapters.responses.chunks import ChunkJoiner

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PARTS = st.lists(st.binary(min_size=1, max_size=30), max_size=8)


def chunked(parts: list[bytes], extension: bytes = b"", trailer: bytes = b"") -> bytes:
    return b"".join(b"%x%b\r\n%b\r\n" % (len(p), extension, p) for p in parts) + b"0\r\n" + trailer + b"\r\n"


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(c, len(stream)) for c in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(places) if a < b]


def read(pieces: list[bytes], joiner: ChunkJoiner | None) -> tuple[bytes, str, int]:
    """What the HTTP library makes of an answer: (body, how it ended, number of pieces of body)."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    if joiner:
        joiner.sent()
    body, count = b"", 0
    for piece in [*pieces, None]:
        data = b"" if piece is None else joiner.feed(piece) if joiner else piece
        if piece is not None and not data:
            continue
        connection.receive_data(data)
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError:
                return body, "malformed", count
            if isinstance(event, h11.Data):
                body, count = body + event.data, count + 1
            elif isinstance(event, h11.EndOfMessage):
                return body, "end", count
            elif event is h11.NEED_DATA:
                break
    return body, "cut", count


@given(
    PARTS,
    st.sampled_from([b"", b";x=1", b"  "]),
    st.sampled_from([b"", b"X-T: 1\r\n"]),
    st.lists(st.integers(0, 400), max_size=10),
)
def test_any_splitting_gives_the_same_body_and_end(parts: list[bytes], extension: bytes, trailer: bytes, cuts: list[int]) -> None:
    for front in (HEAD, b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD):
        stream = front + chunked(parts, extension, trailer)
        body, end, _ = read(cut(stream, cuts), ChunkJoiner())
        assert (body, end) == (b"".join(parts), "end")


@given(PARTS, st.integers(0, 200), st.binary(max_size=4), st.lists(st.integers(0, 400), max_size=6))
@example([b"abc"], len(HEAD) + 6, b"XY", [])
def test_a_damaged_body_is_judged_as_the_library_judges_it(parts: list[bytes], at: int, junk: bytes, cuts: list[int]) -> None:
    whole = chunked(parts)
    at = min(at, len(whole))
    stream = HEAD + whole[:at] + junk + whole[at + len(junk) :]
    body, end, _ = read(cut(stream, cuts), ChunkJoiner())
    expected, verdict, _ = read([stream], None)
    if verdict == "end":
        assert (body, end) == (expected, verdict)
    else:
        # The library gives no body for a chunk whose line end has not come; nothing may be made up, and no end be invented.
        assert end != "end"
        assert body.startswith(expected) or expected.startswith(body)


def test_chunks_that_arrive_together_are_one() -> None:
    stream = HEAD + chunked([b"data: x\n\n"] * 500)
    assert read([stream], None)[2] == 500
    assert read([stream], ChunkJoiner()) == (b"data: x\n\n" * 500, "end", 1)


def test_what_is_not_chunked_passes_and_the_next_answer_is_judged_anew() -> None:
    joiner = ChunkJoiner()
    plain = b"HTTP/1.1 400 Bad\r\nContent-Length: 14\r\n\r\n1\r\nx\r\n1\r\ny\r\n0"
    joiner.sent()
    assert joiner.feed(plain) == plain
    joiner.sent()
    assert joiner.feed(HEAD + chunked([b"a", b"b"])) == HEAD + chunked([b"ab"])


def test_a_chunk_is_handed_on_before_it_is_complete() -> None:
    joiner = ChunkJoiner()
    joiner.sent()
    assert joiner.feed(HEAD) == HEAD
    assert joiner.feed(b"ffff\r\nhello") == b"5\r\nhello\r\n"
    assert joiner.feed(b" there") == b"6\r\n there\r\n"
