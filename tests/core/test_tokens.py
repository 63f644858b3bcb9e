"""core.tokens: the estimate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from treadle.core import tokens


def test_four_bytes_are_a_token_and_a_rest_counts_as_one():
    assert [tokens.estimate("x" * n) for n in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]


def test_bytes_count_not_characters():
    assert tokens.estimate("🙂") == 1
    assert tokens.estimate("€€€") == 3


@given(st.text(), st.text())
def test_the_estimate_of_a_text_is_never_below_that_of_its_beginning(a: str, b: str):
    assert tokens.estimate(a) <= tokens.estimate(a + b) <= tokens.estimate(a) + tokens.estimate(b)


def test_a_lone_surrogate_has_a_size():
    assert tokens.estimate("\ud800") == 1
