"""Merging what two sides did to one text."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.merge import Conflict, Merged, merge

BASE = b"one\ntwo\nthree\nfour\nfive\nsix\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        (BASE, b"ONE\n", b"ONE\n"),
        (b"ONE\n", BASE, b"ONE\n"),
        (b"same\n", b"same\n", b"same\n"),
        (b"ONE\ntwo\nthree\nfour\nfive\nsix\n", b"one\ntwo\nthree\nfour\nfive\nSIX\n", b"ONE\ntwo\nthree\nfour\nfive\nSIX\n"),
        (b"zero\n" + BASE, BASE + b"seven\n", b"zero\n" + BASE + b"seven\n"),
        (b"one\nthree\nfour\nfive\nsix\n", b"one\ntwo\nthree\nfour\nsix\n", b"one\nthree\nfour\nsix\n"),
        (None, BASE, None),
        (None, None, None),
    ],
)
def test_changes_in_different_places_are_both_there(ours: bytes | None, theirs: bytes | None, merged: bytes | None):
    assert merge(BASE, ours, theirs) == Merged(merged)
    assert merge(BASE, theirs, ours).data == merged


def test_line_ends_encodings_and_a_missing_newline_come_through_byte_for_byte():
    base = b"caf\xe9\r\ntwo\r\nthree\nfour\rfive\nlast"
    ours = b"CAF\xc9\r\ntwo\r\nthree\nfour\rfive\nlast"
    theirs = b"caf\xe9\r\ntwo\r\nthree\nFOUR\rfive\nlast"
    assert merge(base, ours, theirs).data == b"CAF\xc9\r\ntwo\r\nthree\nFOUR\rfive\nlast"


@pytest.mark.parametrize(
    ("ours", "theirs", "conflict"),
    [
        (
            b"one\nMINE\nthree\nfour\nfive\nsix\n",
            b"one\nTHEIRS\nthree\nfour\nfive\nsix\n",
            Conflict(1, 2, ("two\n",), ("THEIRS\n",)),
        ),
        (b"one\nMINE\nthree\nfour\nfive\nsix\n", b"one\nthree\nfour\nfive\nsix\n", Conflict(1, 2, ("two\n",), ())),
        (b"one\nthree\nfour\nfive\nsix\n", b"one\ntwo\nTHREE\nfour\nfive\nsix\n", None),
        (BASE + b"mine", BASE + b"theirs", Conflict(6, 7, (), ("theirs",))),
    ],
)
def test_changes_that_touch_are_a_conflict_and_leave_ours_alone(ours: bytes, theirs: bytes, conflict: Conflict | None):
    found = merge(BASE, ours, theirs)
    assert found.data == ours
    assert found.conflicts and (conflict is None or found.conflicts == (conflict,))


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (b"a\0b", b"a\0mine", b"a\0theirs"),
        (b"a", b"mine", b"a\0theirs"),
        (None, b"mine", b"theirs"),
        (b"a", b"mine", None),
        (b"a", None, b"theirs"),
    ],
)
def test_what_is_no_text_or_no_file_is_one_whole(base: bytes | None, ours: bytes | None, theirs: bytes | None):
    found = merge(base, ours, theirs)
    assert found.data == ours and len(found.conflicts) == 1


LINES = ["a\n", "b\n", "c\r\n", "\n", "d\r", "é\n", "last"]
texts = st.lists(st.sampled_from(LINES), max_size=8).map(lambda parts: "".join(parts).encode())


@given(texts, texts, texts)
def test_no_line_of_ours_is_lost_but_those_that_theirs_took_away(base: bytes, ours: bytes, theirs: bytes):
    found = merge(base, ours, theirs)
    if found.conflicts:
        assert found.data == ours
        return
    assert found.data is not None
    for line in Counter(ours.splitlines()) - Counter(base.splitlines()):
        assert line in found.data


@given(texts, texts)
def test_one_side_alone_is_taken_whole(base: bytes, side: bytes):
    assert merge(base, side, base).data == side
    assert merge(base, base, side).data == side
    assert merge(base, side, side).data == side


@given(texts, texts, texts)
def test_the_sides_may_change_places(base: bytes, ours: bytes, theirs: bytes):
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert bool(one.conflicts) == bool(other.conflicts)
    assert one.conflicts or one.data == other.data
