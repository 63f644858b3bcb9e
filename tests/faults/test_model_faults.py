"""Threads work while a proxy between sidecar and model does its worst: turns end, threads stay valid, nothing is lost.

Short here; `make faults` runs a thousand. FAULT_RUNS says how many runs, FAULT_SEED where the seeds begin. Each failure is
printed with the command that repeats it.
"""

from __future__ import annotations

import io
import json
import os
import random

import pytest

from fakes import call, reply, text
from fakes.replies import wire

from .disturbing import ANSWER_KINDS, chunks, drawn, paced, place
from .sweep import sweep, table

_EVENTS = list(wire(reply(text("naïve 漢字 words", deltas=4), call("exec_command", {"cmd": "./did x"}, deltas=2)), 1, 10))
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ANSWER = _HEAD + b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in _EVENTS if isinstance(event, bytes)) + b"0\r\n\r\n"


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_whatever_the_network_does_turns_end_in_a_named_state_and_threads_stay_valid() -> None:
    first, count = int(os.environ.get("FAULT_SEED", "0")), int(os.environ.get("FAULT_RUNS", "60"))
    said = io.StringIO()
    reports = sweep(range(first, first + count), said)
    assert len(reports) == count
    assert not said.getvalue(), said.getvalue()
    assert all(report.ends for report in reports), table(reports)


def test_the_same_source_gives_the_same_disturbance() -> None:
    for kind, disturb in ANSWER_KINDS.items():
        for seed in range(20):
            assert disturb(ANSWER, random.Random(seed)) == disturb(ANSWER, random.Random(seed)), kind


@pytest.mark.parametrize("kind", ANSWER_KINDS)
def test_every_kind_changes_bytes_or_time_or_the_end(kind: str) -> None:
    changed = 0
    for seed in range(50):
        answer = ANSWER_KINDS[kind](ANSWER, random.Random(seed))
        sent = b"".join(piece.data for piece in answer.pieces)
        changed += sent != ANSWER or answer.end != "keep" or any(piece.pause for piece in answer.pieces)
    assert changed > 40


def test_what_is_only_paced_or_late_is_sent_whole_and_in_order() -> None:
    for seed in range(200):
        assert b"".join(piece.data for piece in paced(ANSWER, random.Random(seed))) == ANSWER
        for kind in ("late", "stalled", "dripping"):
            pieces = ANSWER_KINDS[kind](ANSWER, random.Random(seed)).pieces
            assert b"".join(piece.data for piece in pieces) == ANSWER, kind


def test_repeated_and_lost_events_still_make_a_body_of_whole_chunks() -> None:
    known = [event for event in _EVENTS if isinstance(event, bytes)]
    for seed in range(100):
        for kind, more in (("repeated", True), ("lost events", False)):
            sent = b"".join(piece.data for piece in ANSWER_KINDS[kind](ANSWER, random.Random(seed)).pieces)
            events = [sent[chunk.data : chunk.data_end] for chunk in chunks(sent)]
            assert set(events) <= set(known)
            assert (len(events) > len(known)) is more and len(events) != len(known)


def test_events_with_other_types_can_still_be_read() -> None:
    for seed in range(200):
        sent = b"".join(piece.data for piece in ANSWER_KINDS["other types"](ANSWER, random.Random(seed)).pieces)
        for chunk in chunks(sent):
            json.loads(sent[chunk.data : chunk.data_end].partition(b"data: ")[2])


def test_places_lie_in_the_head_at_chunks_in_lines_and_in_characters() -> None:
    places = {place(ANSWER, random.Random(seed)) for seed in range(2000)}
    head = len(_HEAD)
    parts = chunks(ANSWER)
    assert min(places) >= 0 and max(places) <= len(ANSWER)
    assert any(at < head for at in places)
    assert places & {part.start for part in parts} and places & {part.data for part in parts}


def test_all_kinds_are_drawn() -> None:
    rng = random.Random(1)
    found = {drawn(rng, 0.5) for _ in range(3000)}
    assert {None, *ANSWER_KINDS} < found
