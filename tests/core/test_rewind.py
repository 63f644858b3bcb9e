"""Undoing what was done to one file."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.rewind import Rewound, Step, key_of, rewind

A, B, C = b"one\ntwo\nthree\nfour\n", b"one\ntwo\nTHREE\nfour\n", b"one\ntwo\nTHREE\nFOUR\n"
KEPT: dict[str, bytes] = {}


def key(data: bytes | None) -> str | None:
    if data is not None:
        KEPT[key_of(data) or ""] = data
    return key_of(data)


def step(before: bytes | None, after: bytes | None, mode_before: int | None = None, mode_after: int | None = None) -> Step:
    return Step(key(before), key(after), mode_before, mode_after)


def test_without_other_changes_the_exact_earlier_content_comes_back():
    assert rewind([step(A, B), step(B, C)], C, 0o644, KEPT.__getitem__) == Rewound(A, 0o644)
    assert rewind([step(None, B), step(B, C)], C, 0o644, KEPT.__getitem__) == Rewound(None, None)
    assert rewind([step(A, None, 0o755)], None, None, KEPT.__getitem__) == Rewound(A, 0o755)
    assert rewind([step(A, B), step(B, A)], A, 0o644, KEPT.__getitem__) == Rewound(A, 0o644)


def test_what_is_in_between_need_not_be_kept():
    steps = [Step(key(A), "gone"), Step("gone", key(C))]
    assert rewind(steps, C, None, KEPT.__getitem__).data == A
    with pytest.raises(KeyError):
        rewind(steps, C + b"five\n", None, KEPT.__getitem__)


def test_later_changes_of_the_user_stay():
    assert rewind([step(A, B)], b"zero\n" + B, 0o644, KEPT.__getitem__) == Rewound(b"zero\n" + A, 0o644, merged=True)


def test_changes_of_the_user_between_two_steps_stay():
    users = b"zero\n" + B
    steps = [step(A, B), step(users, b"zero\n" + C)]
    assert rewind(steps, b"zero\n" + C, None, KEPT.__getitem__) == Rewound(b"zero\n" + A, None, merged=True)


def test_changes_of_the_user_in_the_same_place_are_a_conflict():
    users = b"one\ntwo\nmine\nfour\n"
    found = rewind([step(A, B)], users, 0o600, KEPT.__getitem__)
    assert found.conflicts and (found.data, found.mode) == (users, 0o600)


def test_a_file_that_the_user_filled_or_made_anew_is_a_conflict():
    assert rewind([step(None, B)], B + b"mine\n", 0o644, KEPT.__getitem__).conflicts
    assert rewind([step(A, None)], b"mine\n", 0o644, KEPT.__getitem__).conflicts
    assert rewind([step(A, B)], None, None, KEPT.__getitem__).conflicts


def test_what_the_user_has_undone_already_is_left_as_it_is():
    assert rewind([step(A, B)], A, 0o644, KEPT.__getitem__) == Rewound(A, 0o644)
    assert rewind([step(None, B)], None, None, KEPT.__getitem__) == Rewound(None, None)


def test_a_mode_comes_back_unless_the_user_has_set_another():
    chmod = [step(A, A, 0o644, 0o755)]
    assert rewind(chmod, A, 0o755, KEPT.__getitem__).mode == 0o644
    assert rewind(chmod, A, 0o700, KEPT.__getitem__).mode == 0o700
    assert rewind([step(A, B)], B, 0o640, KEPT.__getitem__).mode == 0o640


contents = st.sampled_from([None, A, B, C, b"", b"bin\0ary", b"no end"])


@given(st.lists(contents, min_size=1, max_size=6))
def test_a_chain_of_steps_leads_back_to_its_beginning(states: list[bytes | None]):
    steps = [step(before, after) for before, after in pairwise(states)]
    assert rewind(steps, states[-1], 0o644, KEPT.__getitem__).data == states[0]


@given(st.lists(contents, min_size=2, max_size=5), st.sampled_from([b"user's line\n", b"another of hers\n"]))
def test_a_line_of_the_user_survives_or_is_in_a_conflict(states: list[bytes | None], line: bytes):
    steps = [step(before, after) for before, after in pairwise(states)]
    now = line + (states[-1] or b"")
    found = rewind(steps, now, 0o644, KEPT.__getitem__)
    assert line in (found.data or b"")
    assert not found.conflicts or found.data == now
