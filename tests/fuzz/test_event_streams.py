"""The stream of a model's answer, broken in every way: it ends in a named outcome, and the thread stays one that can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakes import call, custom, item, reasoning, reply, text
from fakes.prefix import compare
from fakes.replies import Reply, wire
from treadle.adapters.responses.errors import Faults
from treadle.adapters.responses.events import ReplyReader
from treadle.adapters.responses.sse import EventTooLarge, SseParser
from treadle.core.errors import ModelError
from treadle.core.replies import Delta, ItemBegun, ItemDone, ReplyCompleted, ReplyEvent
from treadle.core.settings import Provider

from .common import cases, fuzzed, pieces
from .doors import Unlawful, judge
from .doors import text as json_text
from .junk import values
from .places import Place, placed
from .shapes import SPOILING, spoil

FAULTS = Faults(Provider(id="fake", name="Fake", base_url="http://x/v1"), "m")
PLAN = {"plan": [{"step": "look", "status": "pending"}]}
ANSWERS = (
    reply(reasoning("why", encrypted="é=="), text("héllo — wörld", deltas=3), call("update_plan", PLAN, deltas=2)),
    reply(
        text("one"),
        call("update_plan", PLAN),
        call("no_such_tool", {}),
        custom("apply_patch", "*** Begin Patch\n*** End Patch\n"),
    ),
    reply(item({"type": "web_search_call", "id": "ws_1", "status": "completed"}), text("two")),
    reply(text("three"), style="llama", done_marker=True),
    reply(text("four"), end="failed", error={"code": "server_error", "message": "no"}),
    reply(text("five"), end="incomplete"),
)


def _events(answer: Reply) -> list[dict[str, Any]]:
    blocks = [event for event in wire(answer, 0, 10) if isinstance(event, bytes) and b"[DONE]" not in event]
    return [json.loads(block.split(b"data: ", 1)[1]) for block in blocks]


EVENTS = [_events(answer) for answer in ANSWERS]
_FIELDS = st.sampled_from(
    ["output_index", "item_id", "type", "delta", "item", "response", "summary_index", "call_id", "sequence_number"]
)
_CHANGES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["drop", "double", "last", "first"]), st.integers(0, 40), st.none()),
        st.tuples(st.just("spoil"), st.integers(0, 40), SPOILING),
        st.tuples(st.just("field"), st.integers(0, 40), st.tuples(_FIELDS, values)),
        st.tuples(st.just("index"), st.integers(0, 40), st.sampled_from([-1, 0, 1, 2, 10**12, 1.0, True, "0", None])),
        st.tuples(st.just("of"), st.integers(0, 40), st.integers(0, 40)),
        st.tuples(
            st.just("strange"),
            st.integers(0, 40),
            st.sampled_from([5, "x", None, [], {}, {"type": "response.no.such"}, {"type": 5}]),
        ),
    ),
    max_size=4,
)
_LINES = st.sampled_from([b"\n", b"\r\n", b"\r"])
_NOISE = st.sampled_from(
    [b": comment", b"retry: 5", b"id: 7", b"id", b"event", b"nonsense", b"data", b"data:", b"\xff\xfe: x", b": " + b"x" * 5_000]
)


def changed(events: list[dict[str, Any]], changes: list[tuple[str, int, Any]]) -> list[Any]:
    """The events of a good answer, with what a bad gateway might do to them."""
    found: list[Any] = json.loads(json.dumps(events))
    for kind, where, given_ in changes:
        if not found:
            break
        at = where % len(found)
        match kind:
            case "drop":
                del found[at]
            case "double":
                found.insert(at, found[at])
            case "last":
                found.append(found.pop(at))
            case "first":
                found.insert(0, found.pop(at))
            case "spoil":
                found[at] = spoil(found[at], given_)
            case "field" if isinstance(found[at], dict):
                found[at] = {**found[at], given_[0]: given_[1]}
            case "index" if isinstance(found[at], dict):
                found[at] = {**found[at], "output_index": given_}
            case "of" if isinstance(found[at], dict) and isinstance(other := found[given_ % len(found)], dict):
                found[at] = {**found[at], **{key: other[key] for key in ("item_id", "output_index", "item") if key in other}}
            case "strange":
                found.insert(at, given_)
            case _:
                pass
    return found


def written(events: list[Any], ends: list[bytes], noise: list[bytes], tail: bool) -> bytes:
    """On the wire, with these line ends in turn, this noise in between, and no blank line behind the last one without `tail`."""
    out, used = bytearray(), 0
    for number, event in enumerate(events):
        kind = event.get("type") if isinstance(event, dict) else None
        lines = [
            f"event: {kind}".encode("utf-8", "replace").replace(b"\n", b"").replace(b"\r", b""),
            b"data: " + json_text(event).encode(),
        ]
        if noise and number % 2:
            lines.insert(used % 2, noise[used % len(noise)])
            used += 1
        end = ends[number % len(ends)] if ends else b"\n"
        out += b"".join(line + end for line in lines) + (end if tail or number < len(events) - 1 else b"")
    return bytes(out)


streams: st.SearchStrategy[bytes] = st.builds(
    written,
    st.builds(changed, st.sampled_from(EVENTS), _CHANGES),
    st.lists(_LINES, max_size=3),
    st.lists(_NOISE, max_size=3),
    st.booleans(),
)
_any_bytes = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                b"\n\n",
                b"\r\r",
                b"\r\n\r\n",
                b"data: ",
                b"event: x\n",
                b"data: [DONE]\n\n",
                b"\xef\xbb\xbf",
                b'data: {"type":"error"}\n\n',
            ]
        ),
        st.builds(lambda event: b"data: " + json_text(event).encode() + b"\n\n", values),
    ),
    max_size=10,
).map(b"".join)


def read(*chunks: bytes) -> tuple[list[ReplyEvent], str]:
    """What is made of these chunks, and how it ended."""
    parser, reader, found = SseParser(limit=100_000), ReplyReader(FAULTS), list[ReplyEvent]()
    try:
        for chunk in chunks:
            reader.read(parser.feed(chunk), found)
            if reader.completed:
                return found, "completed"
    except (ModelError, EventTooLarge) as error:
        return found, repr(error)
    return found, "ended early"


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    found, at = list[bytes](), 0
    for size in cuts:
        found.append(data[at : at + size])
        at += size
    return [*found, data[at:]]


def _merged(events: list[ReplyEvent]) -> list[str]:
    return [repr(event) for event in events]


@given(st.one_of(streams, _any_bytes), st.lists(st.integers(0, 60), max_size=40))
@example(b"\xef\xbb\xbfdata: 5\n\n", [1, 1, 1])
@fuzzed(200)
def test_a_stream_says_the_same_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    whole, end = read(data)
    again, again_end = read(*cut(data, cuts))
    assert (_merged(again), again_end) == (_merged(whole), end)


@given(st.one_of(streams, _any_bytes))
@fuzzed(200)
def test_what_is_read_is_well_formed_and_small(data: bytes) -> None:
    events, _ = read(data)
    begun, done = set[str](), set[str]()
    for event in events:
        match event:
            case ItemBegun(key=key):
                begun.add(key)
            case ItemDone(key=key, payload=payload):
                assert key in begun and isinstance(payload, dict) and isinstance(payload["type"], str)
                done.add(key)
            case Delta(text=said):
                said.encode()
            case _:
                pass
    assert sum(isinstance(event, ReplyCompleted) for event in events) <= 1
    # a line of input is read into no more than a few objects
    assert len(events) <= 3 * data.count(b"\n") + 3 * data.count(b"\r") + 60


# through the whole sidecar


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed("app-server", tmp_path_factory.mktemp("streams")) as found:
        yield found


async def _turn(place: Place, thread_id: str) -> dict[str, Any]:
    line = place.line
    said = {"threadId": thread_id, "input": [{"type": "text", "text": "go"}]}
    turn_id = (await line.result("turn/start", said))["turn"]["id"]

    def ended() -> Any:
        told = (m for m in line.told if m.get("method") == "turn/completed")
        return next((m["params"]["turn"] for m in told if m["params"]["turn"]["id"] == turn_id), None)

    return await line.until(ended, "the turn did not end")


async def _answered(place: Place, data: bytes) -> None:
    line, before = place.line, len(place.server.requests)
    thread_id = await place.thread()
    place.speeches[:] = [Reply((data,), end="none")] if data else []
    turn = await _turn(place, thread_id)
    if turn["status"] not in ("completed", "failed") or (turn["status"] == "failed") is not (turn["error"] is not None):
        raise Unlawful(f"a turn without a named end: {turn}")
    if turn["error"]:
        judge({"code": -32000, "message": turn["error"]["message"]})
    place.speeches.clear()
    again = await _turn(place, thread_id)
    assert again["status"] == "completed", again
    _cards_are_closed(line.told)
    raws = [request.raw for request in place.server.requests[before:]]
    for one, next_ in pairwise(raws):
        assert compare(one, next_) is None
    _calls_are_answered(json.loads(raws[-1])["input"])
    await line.result("thread/resume", {"threadId": thread_id})
    await place.settled()
    del place.server.requests[:]


def _cards_are_closed(told: list[dict[str, Any]]) -> None:
    started = [m["params"]["item"]["id"] for m in told if m.get("method") == "item/started"]
    completed = [m["params"]["item"]["id"] for m in told if m.get("method") == "item/completed"]
    assert len(set(started)) == len(started), f"started twice: {started}"
    assert sorted(started) == sorted(completed), f"{started} were started, {completed} completed"


def _calls_are_answered(entries: list[dict[str, Any]]) -> None:
    calls = [entry["call_id"] for entry in entries if entry.get("type") in ("function_call", "custom_tool_call")]
    outputs = [entry["call_id"] for entry in entries if str(entry.get("type")).endswith("_call_output")]
    assert sorted(calls) == sorted(outputs), f"calls {calls}, outputs {outputs}"
    assert len(set(calls)) == len(calls), f"an id of a call twice: {calls}"


@given(st.one_of(streams, streams, _any_bytes))
@fuzzed(40, 0.5)
def test_a_broken_answer_ends_the_turn_in_words_and_the_thread_goes_on(place: Place, data: bytes) -> None:
    place.run(_answered(place, data))


@pytest.mark.parametrize("path", cases("sse", "*.txt"))
def test_a_kept_stream_ends_the_turn_in_words(place: Place, path: Path) -> None:
    chunks = pieces(path)
    assert read(*chunks) == read(b"".join(chunks))
    place.run(_answered(place, b"".join(chunks)))
