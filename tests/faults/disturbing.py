"""What networks and gateways do to one exchange with a model. Pure: from bytes and a random source to what is sent instead.

Promises: the same source gives the same disturbance; places are drawn where they hurt: in the head, at a chunk's border, within
a line, within a character, before the last event. Sends nothing itself and knows nothing of time but the pauses that it asks for.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

IDLE = 0.15
"Seconds: what the sidecar is told to wait for the next event. Stalls are shorter or longer than this."
HEAD = 0.25
"Seconds: what it waits for the head of an answer."

End = Literal["keep", "fin", "rst", "silence"]


@dataclass(frozen=True)
class Piece:
    """Bytes to send, after a pause."""

    data: bytes
    pause: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What the client is sent, and what becomes of the connection."""

    pieces: tuple[Piece, ...]
    end: End = "keep"


@dataclass(frozen=True)
class Chunk:
    """Of a chunked body: where it begins with its size, where its data lies, where it ends."""

    start: int
    data: int
    data_end: int
    end: int


REQUEST_KINDS = ("request reset", "request cut", "request lost", "request corrupted", "request late", "answered too early")


def chunks(answer: bytes) -> list[Chunk]:
    """Of an answer that is whole; the empty last one is left out."""
    at = answer.find(b"\r\n\r\n") + 4
    found: list[Chunk] = []
    while (line := answer.find(b"\r\n", at)) > 0 and (size := int(answer[at:line], 16)):
        found.append(Chunk(at, line + 2, line + 2 + size, line + 4 + size))
        at = found[-1].end
    return found


def place(answer: bytes, rng: random.Random) -> int:
    """An offset in the answer."""
    head = answer.find(b"\r\n\r\n") + 4
    parts = chunks(answer) if b"chunked" in answer[:head] else []
    last = answer.rfind(b"event: response.completed")
    wide = [match.start() + 1 for match in re.finditer(rb"[\xc2-\xf4][\x80-\xbf]", answer)]
    lines = [match.start() + rng.randrange(1, 6) for match in re.finditer(rb"\n(?:data|event):", answer)]
    choices: list[Callable[[], int]] = [
        lambda: rng.randrange(len(answer)),
        lambda: rng.randrange(head),
        lambda: rng.choice((rng.choice(parts).start, rng.choice(parts).data)) if parts else head,
        lambda: rng.choice(wide or [head]),
        lambda: rng.choice(lines or [head]),
        lambda: last if last > 0 else head,
        lambda: len(answer) - rng.randrange(1, 6),
    ]
    (chosen,) = rng.choices(choices, (4, 2, 3, 2, 2, 1, 1))
    return min(max(chosen(), 0), len(answer))


def paced(answer: bytes, rng: random.Random) -> tuple[Piece, ...]:
    """As it is, in some writes."""
    if rng.random() < 0.5:
        return (Piece(answer),)
    cuts = sorted({rng.randrange(len(answer)) for _ in range(rng.randrange(1, 6))} | {len(answer)})
    return tuple(Piece(answer[a:b], rng.choice((0.0, 0.001, 0.004))) for a, b in zip([0, *cuts], cuts, strict=False))


def _late(answer: bytes, rng: random.Random) -> Answer:
    return Answer((Piece(answer, rng.choice((0.01, 0.05, 0.1, HEAD * 1.6))),))


def _silent(answer: bytes, rng: random.Random) -> Answer:
    return Answer((Piece(answer[: rng.choice((0, place(answer, rng)))]),), "silence")


def _reset(answer: bytes, rng: random.Random) -> Answer:
    return Answer((Piece(answer[: place(answer, rng)]), Piece(b"", rng.choice((0.0, 0.01)))), "rst")


def _cut(answer: bytes, rng: random.Random) -> Answer:
    return Answer((Piece(answer[: place(answer, rng)]),), "fin")


def _corrupted(answer: bytes, rng: random.Random) -> Answer:
    data, at = bytearray(answer), place(answer, rng)
    for offset in range(at, min(at + rng.choice((1, 1, 1, 2, 6, 40)), len(data))):
        data[offset] = rng.randrange(256) if rng.random() < 0.5 else data[offset] ^ (1 << rng.randrange(8))
    return Answer(paced(bytes(data), rng))


def _in_chunks(answer: bytes, rng: random.Random, change: Callable[[list[bytes], int], None]) -> Answer:
    parts = chunks(answer)
    if not parts:
        return Answer((Piece(answer),))
    events = [answer[part.data : part.data_end] for part in parts]
    if len(events) == 1:
        events = [event + b"\n\n" for event in events[0].split(b"\n\n") if event]
    change(events, rng.randrange(len(events)))
    body = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events if event)
    return Answer(paced(answer[: parts[0].start] + body + b"0\r\n\r\n", rng))


def _repeated(answer: bytes, rng: random.Random) -> Answer:
    """Some events in a row come once more, at once or later."""

    def change(events: list[bytes], at: int) -> None:
        again = events[at : at + rng.choice((1, 1, 2, 5))]
        later = rng.choice((at + len(again), rng.randrange(at, len(events)) + 1))
        events[later:later] = again

    return _in_chunks(answer, rng, change)


def _lost(answer: bytes, rng: random.Random) -> Answer:
    """Some events in a row never come."""

    def change(events: list[bytes], at: int) -> None:
        del events[at : at + rng.choice((1, 1, 2, 5))]

    return _in_chunks(answer, rng, change)


def _retyped(answer: bytes, rng: random.Random) -> Answer:
    """A value somewhere in an event is of another type."""

    def change(events: list[bytes], at: int) -> None:
        whole = [place for place, event in enumerate(events) if b"output_item.done" in event or b"response.completed" in event]
        at = rng.choice(whole) if whole and rng.random() < 0.6 else at
        name, mark, data = events[at].partition(b"data: ")
        if mark:
            events[at] = name + mark + json.dumps(_with_other_value(json.loads(data), rng)).encode() + b"\n\n"

    return _in_chunks(answer, rng, change)


def _with_other_value(value: Any, rng: random.Random) -> Any:
    inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inside or rng.random() < 0.15:
        return rng.choice((None, True, 7, -1, 1e300, "", "\ud800", "x" * 300, [], [[]], [None], {}, {"type": 3}, ["text"]))
    key = rng.choice(inside)
    return (
        value | {key: _with_other_value(value[key], rng)}
        if isinstance(value, dict)
        else [_with_other_value(entry, rng) if place == key else entry for place, entry in enumerate(value)]
    )


def _stalled(answer: bytes, rng: random.Random) -> Answer:
    at = place(answer, rng)
    return Answer((Piece(answer[:at]), Piece(answer[at:], rng.choice((0.02, 0.08, IDLE * 1.5)))))


def _dripping(answer: bytes, rng: random.Random) -> Answer:
    """The first part byte by byte, so to speak; and the rest at once, or never."""
    size, pieces, at = rng.choice((1, 3, 17, 80)), list[Piece](), 0
    begin = rng.choice((0, max(place(answer, rng) - 20 * size, 0)))
    for at in range(begin, min(begin + 60 * size, len(answer)), size):
        pieces.append(Piece(answer[at : at + size], rng.choice((0.0, 0.0005, 0.003))))
    return Answer((Piece(answer[:begin]), *pieces, Piece(answer[at + size :])))


def _garbage(answer: bytes, rng: random.Random) -> Answer:
    at = rng.choice((0, place(answer, rng)))
    noise = rng.choice((rng.randbytes(rng.randrange(1, 3000)), b"\r\n" * 50, b"\x00" * 200, b"data: {\n\n" * 20))
    return Answer((Piece(answer[:at] + noise),), rng.choice(("keep", "fin", "silence", "rst")))


def _plain(status: str, kind: str, body: bytes, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body)}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


_HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Welcome to the hotel</h1></body></html>"
_WISHES = ("", "", "retry-after: 0", "retry-after: 0.05", "retry-after-ms: 30", "retry-after: Wed, 21 Oct 2015 07:28:00 GMT")
_WISHES = (*_WISHES, "retry-after: 86400", "retry-after: soon", "retry-after: -5")
_BODIES = (
    b"",
    _HTML,
    b"upstream connect error or disconnect/reset before headers",
    b'{"error": {"message": "Please try again in 20ms.", "type": "x", "code": null}}',
    b'{"error": "no"}',
    b'{"error": {"message": 5, "code": []}}',
    b"[[[[",
    b"\xff\xfe\x00",
)


def _status(code: int) -> Callable[[bytes, random.Random], Answer]:
    def made(answer: bytes, rng: random.Random) -> Answer:
        body = rng.choice(_BODIES)
        wish = [header for header in (rng.choice(_WISHES),) if header]
        kind = rng.choice(("application/json", "text/html", "text/plain", "text/event-stream"))
        data = _plain(f"{code} No", kind, body, *wish)
        if rng.random() < 0.3 and body:
            return Answer((Piece(data[: -rng.randrange(1, len(body) + 1)]),), rng.choice(("fin", "rst", "silence")))
        return Answer((Piece(data),), rng.choice(("keep", "keep", "fin")))

    return made


def _other_type(answer: bytes, rng: random.Random) -> Answer:
    kind = rng.choice((b"application/json", b"text/plain", b"TEXT/EVENT-STREAM; charset=utf-8", b"", b"video/mp4"))
    return Answer((Piece(answer.replace(b"text/event-stream", kind, 1)),))


def _html(answer: bytes, rng: random.Random) -> Answer:
    return Answer((Piece(_plain(rng.choice(("200 OK", "302 Found", "511 Sign In")), "text/html", _HTML, "location: /login")),))


def _huge_head(answer: bytes, rng: random.Random) -> Answer:
    first, _, rest = answer.partition(b"\r\n")
    size = rng.choice((8_000, 70_000, 300_000))
    header = b"x-filler: " + b"f" * size if rng.random() < 0.5 else b"\r\n".join(b"x-%d: y" % n for n in range(size // 10))
    return Answer((Piece(first + b"\r\n" + header + b"\r\n" + rest),))


ANSWER_KINDS: dict[str, Callable[[bytes, random.Random], Answer]] = {
    "late": _late,
    "silent": _silent,
    "reset": _reset,
    "cut": _cut,
    "corrupted": _corrupted,
    "repeated": _repeated,
    "lost events": _lost,
    "other types": _retyped,
    "stalled": _stalled,
    "dripping": _dripping,
    "garbage": _garbage,
    "429": _status(429),
    "500": _status(500),
    "503": _status(503),
    "401": _status(401),
    "400": _status(400),
    "other content-type": _other_type,
    "HTML page": _html,
    "huge head": _huge_head,
}
_WEIGHTS = {"cut": 3, "reset": 3, "corrupted": 5, "repeated": 4, "lost events": 3, "other types": 4, "stalled": 2, "401": 0.5}
_WEIGHTS |= {"400": 0.5, "HTML page": 0.5, "other content-type": 0.7}


def drawn(rng: random.Random, share: float) -> str | None:
    """The kind of disturbance that one exchange gets: none, but for this share of them."""
    if rng.random() >= share:
        return None
    kinds = [*ANSWER_KINDS, *REQUEST_KINDS]
    return rng.choices(kinds, [_WEIGHTS.get(kind, 1) for kind in kinds])[0]
