"""core.truncate: head, tail and a marker; whole characters; the same bytes every time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import tokens, truncate

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_a_text_that_fits_is_left_alone():
    assert truncate.middle("x" * 400, 100) == "x" * 400


def test_the_middle_goes_and_the_marker_counts_the_tokens_that_went():
    cut = truncate.middle("a" * 40 + "b" * 80 + "c" * 40, 20)
    assert cut == "a" * 40 + "…20 tokens truncated…" + "c" * 40


def test_a_budget_of_nothing_leaves_the_marker_alone():
    assert truncate.middle("abcdefgh", 0) == "…2 tokens truncated…"


@given(TEXT, st.integers(0, 12))
def test_cuts_keep_whole_characters_from_both_ends_within_the_budget(text: str, budget: int):
    cut = truncate.middle(text, budget)
    assert cut == truncate.middle(text, budget)
    if tokens.size(text) <= budget * 4:
        assert cut == text
        return
    assert "\ufffd" not in cut or "\ufffd" in text
    found = [m for m in re.finditer(r"…(\d+) tokens truncated…", cut)]
    assert any(
        text.startswith(cut[: m.start()])
        and text.endswith(cut[m.end() :])
        and tokens.size(cut) - tokens.size(m.group()) <= budget * 4
        for m in found
    )


@given(st.lists(TEXT, max_size=20), st.integers(2, 64))
def test_a_bounded_buffer_keeps_both_ends_and_knows_what_is_missing(parts: list[str], limit: int):
    buffer = truncate.HeadTail(limit)
    for part in parts:
        buffer.append(part)
    whole, kept = "".join(parts), buffer.kept()
    assert len(buffer) == kept.bytes == tokens.size(whole)
    assert kept.lines == len(whole.split("\n")) - (whole.endswith("\n") or not whole)
    assert whole.startswith(kept.head)
    assert whole.endswith(kept.tail)
    assert tokens.size(kept.head) + tokens.size(kept.tail) <= max(limit, 2)
    if not kept.omitted:
        assert kept.text() == whole


def test_a_bounded_buffer_holds_no_more_than_its_limit_however_small_the_chunks():
    buffer = truncate.HeadTail(1000)
    for _ in range(100_000):
        buffer.append("line\n")
    kept = buffer.kept()
    assert (kept.head, kept.tail, kept.omitted) == ("line\n" * 100, "line\n" * 100, 499_000)


def test_the_output_of_a_command_says_how_much_there_was():
    buffer = truncate.HeadTail(80)
    buffer.append("".join(f"{n:03}\n" for n in range(100)))
    said = "Warning: truncated output (original token count: 100)\nTotal output lines: 100\n\n"
    assert truncate.command_output(buffer.kept(), 4) == said + "000\n001\n…96 tokens truncated…098\n099\n"


def test_output_that_the_buffer_could_not_hold_is_marked_even_when_the_budget_would_have_fitted_it():
    buffer = truncate.HeadTail(8)
    buffer.append("0123456789abcdef")
    assert truncate.command_output(buffer.kept(), 1000).endswith("\n\n0123…2 tokens truncated…cdef")


@given(TEXT, st.integers(4, 9))
def test_pieces_join_to_the_text_and_none_is_too_long(text: str, limit: int):
    found = truncate.pieces(text, limit)
    assert "".join(found) == text
    assert all(0 < tokens.size(piece) <= limit for piece in found)


@pytest.mark.parametrize(("limit", "left"), [(12, "ääääää"), (11, "ääää…"), (10, "äää…")])
def test_a_clipped_text_says_so_within_the_limit(limit: int, left: str):
    assert truncate.clip("ääääää", limit) == left
