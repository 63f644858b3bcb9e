"""Hunks of one file, pure: what is whose, what keep and undo make of it, and which ids last."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.growth import grows_evenly
from treadle.core import hunk_files, hunk_notes
from treadle.core.changes import Changed
from treadle.core.hunk_files import HunkRefused, State, Whole
from treadle.core.hunks import Hunk, Review, hunks, kept, patched, typed, undone
from treadle.core.line_edits import line_edits, lines


def review_of(before: str, *after: str) -> Review:
    review = Review("f", lines(before), lines(before))
    for number, text in enumerate(after):
        review = patched(review, lines(text), f"turn{number}")
    return review


def text(of: Sequence[str]) -> str:
    return "".join(of)


def numbered(count: int) -> list[str]:
    return [f"line {number}\n" for number in range(count)]


def change(state: State | None, before: bytes | None, after: bytes | None, turn: str, *, mode: int | None = None) -> State | None:
    return hunk_files.changed(state, Changed("thread", turn, "f", before, after, "patch", mode))


def only(found: Sequence[Hunk]) -> Hunk:
    (hunk,) = found
    return hunk


# one character is one line: short texts with many lines that are alike
TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "}\n", "d\r\n", "a\r\n"]), max_size=12).flatmap(
    lambda full: st.sampled_from(["", "end", "a"]).map(lambda end: "".join(full) + end)
)


def test_a_hunk_says_what_it_took_and_what_it_put_there() -> None:
    hunk = only(hunks(review_of("a\nb\nc\nd\n", "a\nX\nY\nd\n")))
    assert (hunk.base_start, hunk.start, hunk.removed, hunk.added) == (1, 1, ("b\n", "c\n"), ("X\n", "Y\n"))
    assert hunk.turns == ("turn0",)


def test_changes_with_a_blank_line_between_them_are_one_hunk() -> None:
    assert len(hunks(review_of("a\n\nb\nc\nd\n", "X\n\nY\nc\nZ\n"))) == 2


def test_what_the_user_types_elsewhere_survives_the_undo() -> None:
    review = typed(review_of("a\nb\nc\n", "a\nB\nc\n"), lines("mine\na\nB\nc\nmine too\n"))
    assert text(undone(review, {only(hunks(review)).id}).current) == "mine\na\nb\nc\nmine too\n"
    assert text(review.base) == "mine\na\nb\nc\nmine too\n"


def test_what_the_user_types_into_a_hunk_belongs_to_it() -> None:
    review = typed(review_of("a\nb\nc\n", "a\nB1\nB2\nc\n"), lines("a\nB1\nmine\nB2\nc\n"))
    assert only(hunks(review)).added == ("B1\n", "mine\n", "B2\n")


def test_lines_typed_right_after_a_hunk_are_the_users() -> None:
    review = typed(review_of("a\nb\n", "a\nNEW\nb\n"), lines("a\nNEW\nmine\nb\n"))
    assert text(undone(review, {only(hunks(review)).id}).current) == "a\nmine\nb\n"


def test_a_name_that_the_user_changes_in_and_beside_a_hunk_is_changed_in_both() -> None:
    review = typed(review_of("a\nx\nb\n", "a\nX1\nX2\nb\n"), lines("a'\nX1'\nX2'\nb'\n"))
    hunk = only(hunks(review))
    assert hunk.added == ("X1'\n", "X2'\n")
    assert text(undone(review, {hunk.id}).current) == "a'\nx\nb'\n"


def test_lines_that_the_user_deletes_across_a_hunks_edge_stay_deleted_outside_of_it() -> None:
    review = typed(review_of("a\nx\ny\nb\nc\n", "a\nX\nY\nb\nc\n"), lines("a\nX\nc\n"))
    assert text(undone(review, {only(hunks(review)).id}).current) == "a\nx\ny\nc\n"


def test_lines_typed_where_the_agent_deleted_some_do_not_bring_them_back() -> None:
    review = typed(review_of("a\nb\nc\n", "a\nc\n"), lines("a\nmine\nc\n"))
    hunk = only(hunks(review))
    assert (hunk.removed, hunk.added) == (("b\n",), ())
    assert sorted(undone(review, {hunk.id}).current) == ["a\n", "b\n", "c\n", "mine\n"]


def test_a_hunk_that_the_user_takes_back_by_hand_is_gone_and_comes_back_with_its_text() -> None:
    review = review_of("a\nb\nc\n", "a\nB\nc\n")
    back = typed(review, lines("a\nb\nc\n"))
    assert hunks(back) == []
    assert hunks(typed(back, lines("a\nB\nc\n"))) == hunks(review)


def test_a_line_that_is_only_in_passing_as_it_was_stays_in_its_hunk() -> None:
    review = typed(review_of("{\n}\n", "{\n}x\n"), lines("{\n}\n"))
    review = typed(review, lines("{\n};\n"))
    assert text(undone(review, {only(hunks(review)).id}).current) == "{\n}\n"


def test_ids_stay_while_the_text_above_changes_and_other_hunks_come_and_go() -> None:
    before = numbered(60)
    after = ["X\n" if number in {10, 30, 50} else line for number, line in enumerate(before)]
    review = patched(Review("f", before, before), after, "t")
    first, second, third = (hunk.id for hunk in hunks(review))
    review = typed(review, ["top\n", *review.current])
    review = undone(review, {first})
    assert [hunk.id for hunk in hunks(review)] == [second, third]
    review = kept(review, {second})
    assert [hunk.id for hunk in hunks(review)] == [third]
    review = patched(review, ["new\n", *review.current], "t2")
    assert [hunk.id for hunk in hunks(review)][1:] == [third]


def test_hunks_that_are_alike_have_ids_of_their_own() -> None:
    before = numbered(40)
    after = ["X\n", *before[:20], "X\n", *before[20:], "X\n"]
    found = [hunk.id for hunk in hunks(patched(Review("f", before, before), after, "t"))]
    assert len(set(found)) == 3


def test_a_later_change_to_a_hunk_is_in_it_and_names_both_turns() -> None:
    review = review_of("a\nb\nc\nd\n", "a\nB\nc\nd\n")
    first = only(hunks(review)).id
    review = patched(review, lines("a\nBB\nC\nd\n"), "later")
    hunk = only(hunks(review))
    assert (hunk.id, hunk.turns, hunk.removed) == (first, ("turn0", "later"), ("b\n", "c\n"))


def test_a_hunk_that_the_agent_splits_keeps_its_id_in_the_first_part() -> None:
    review = review_of("a\nb\nc\nd\n", "A\nB\nC\nD\n")
    first = only(hunks(review)).id
    found = hunks(patched(review, lines("A\nb\nc\nD\n"), "later"))
    assert [hunk.removed for hunk in found] == [("a\n",), ("d\n",)]
    assert found[0].id == first != found[1].id


def test_line_ends_that_change_are_hunks_and_the_rest_stays_matched() -> None:
    review = review_of("a\nb\nc", "a\r\nb\nc\n")
    assert [hunk.added for hunk in hunks(review)] == [("a\r\n",), ("c\n",)]
    assert text(undone(review, {hunk.id for hunk in hunks(review)}).current) == "a\nb\nc"


def test_an_editor_that_evens_out_line_ends_moves_no_hunk() -> None:
    review = typed(review_of("a\r\nb\nc\r\n", "a\r\nB\nc\r\n"), lines("a\r\nB\r\nc\r\n"))
    assert only(hunks(review)).start == 1


@given(TEXTS, st.lists(st.tuples(st.booleans(), TEXTS), max_size=6))
def test_keeping_all_ends_at_the_text_and_undoing_all_at_the_base(before: str, steps: list[tuple[bool, str]]) -> None:
    review = Review("f", lines(before), lines(before))
    for number, (agent, after) in enumerate(steps):
        review = patched(review, lines(after), f"t{number}") if agent else typed(review, lines(after))
        assert text(review.current) == after
        assert outside(review.base, review, base=True) == outside(review.current, review, base=False)
        ids = [mark.id for mark in review.marks]
        assert len(set(ids)) == len(ids)
    all_ids = {mark.id for mark in review.marks}
    assert text(kept(review, all_ids).base) == text(review.current)
    assert text(undone(review, all_ids).current) == text(review.base)


def outside(of: Sequence[str], review: Review, *, base: bool) -> list[list[str]]:
    """The lines between marks."""
    out: list[list[str]] = []
    at = 0
    for mark in review.marks:
        start, end = (mark.base_start, mark.base_end) if base else (mark.start, mark.end)
        assert at <= start <= end
        out.append(list(of[at:start]))
        at = end
    return [*out, list(of[at:])]


@given(TEXTS, TEXTS, st.randoms(use_true_random=False))
def test_keep_and_undo_commute(before: str, after: str, random: object) -> None:
    review = review_of(before, after)
    ids = [hunk.id for hunk in hunks(review)]
    steps = [(number % 2 == 0, one) for number, one in enumerate(ids)]
    shuffled = list(steps)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def end(of: list[tuple[bool, str]]) -> Review:
        found = review
        for keep, one in of:
            found = kept(found, {one}) if keep else undone(found, {one})
            assert [hunk.id for hunk in hunks(found)] == [x for x in (h.id for h in hunks(review)) if x not in done(of, one)]
        return found

    assert text(end(steps).current) == text(end(shuffled).current) == text(end(steps).base)


def done(of: list[tuple[bool, str]], until: str) -> set[str]:
    names = [one for _, one in of]
    return set(names[: names.index(until) + 1])


@given(st.text("ab\n\f\v\x1c\x85\u2028", max_size=20))
def test_odd_separators_end_no_line(before: str) -> None:
    found = lines(before)
    assert [line.removesuffix("\n") for line in found] == (before.removesuffix("\n").split("\n") if before else [])
    assert text(found) == before


@given(TEXTS, TEXTS)
def test_edits_turn_the_one_text_into_the_other_and_never_touch(before: str, after: str) -> None:
    old, new = lines(before), lines(after)
    assert (text(old), text(new)) == (before, after)
    out: list[str] = []
    at = 0
    edits = line_edits(old, new)
    for a, b, c, d in edits:
        out += old[at:a] + new[c:d]
        assert a < b or c < d
        at = b
    assert out + old[at:] == new
    assert all(one[1] < other[0] for one, other in pairwise(edits))


@given(st.lists(st.integers(0, 30), unique=True, max_size=6), st.lists(st.integers(0, 30), max_size=8), st.randoms())
def test_lines_that_the_user_types_outside_of_hunks_survive_any_undo(
    changes: list[int], inserts: list[int], random: object
) -> None:
    before = numbered(31)
    after = [f"agent {number}\n" if number in changes else line for number, line in enumerate(before)]
    review = patched(Review("f", before, before), after, "t")
    mine: list[str] = []
    for number, place in enumerate(inserts):
        inside = any(mark.start < place < mark.end for mark in review.marks)
        if inside:
            continue
        mine.append(f"mine {number}\n")
        review = typed(review, [*review.current[:place], mine[-1], *review.current[place:]])
    ids = [hunk.id for hunk in hunks(review)]
    random.shuffle(ids)  # type: ignore[attr-defined]
    for one in ids:
        review = undone(review, {one})
        assert all(line in review.current for line in mine)
    assert sorted(review.current) == sorted([*before, *mine])


@given(TEXTS, TEXTS, TEXTS)
def test_what_is_noted_is_recalled(before: str, after: str, later: str) -> None:
    state = change(None, before.encode(), after.encode(), "t1")
    state = change(state, after.encode(), later.encode(), "t2")
    if state is None:
        return
    again = hunk_notes.recalled(
        "f", hunk_files.base_bytes(state), hunk_files.current_bytes(state), ("t1", "t2"), hunk_notes.noted(state)
    )
    assert again is not None
    assert hunk_files.shown(again) == hunk_files.shown(state)


def test_notes_that_make_no_sense_are_measured_anew() -> None:
    for notes in ("", "[]", "{}", '{"marks": [[1]], "serial": 0}', '{"marks": [["x", 0, 0, 0, 0]], "serial": 0}', "null"):
        state = hunk_notes.recalled("f", b"a\nb\n", b"a\nB\n", ("t",), notes)
        assert state is not None, notes
        assert [hunk.removed for hunk in hunk_files.shown(state)] == [("b\n",)]


def test_a_created_file_goes_as_the_agent_left_it() -> None:
    state = change(None, None, b"new\n", "t")
    assert isinstance(state, Whole)
    hunk = only(hunk_files.shown(state))
    assert (hunk.added, hunk.whole, hunk_files.kind(state)) == (("new\n",), True, "add")
    assert hunk_files.after_undo(state, {hunk.id}, b"new\n") == (None, None)


def test_a_created_file_that_the_user_edited_does_not_go() -> None:
    state = change(None, None, b"new\n", "t")
    state = change(state, b"new\nmine\n", b"new\nmine\nmore\n", "t2")
    assert isinstance(state, Whole)
    with pytest.raises(HunkRefused, match="was created by the agent and has been edited since"):
        hunk_files.after_undo(state, {state.id}, b"new\nmine\nmore\n")


def test_a_deleted_file_comes_back_also_after_earlier_changes() -> None:
    before = "gr\u00fc\u00dfe\nb\n".encode("cp1252")
    state = change(None, before, before.replace(b"b", b"B"), "t1")
    state = change(state, before.replace(b"b", b"B"), None, "t2", mode=0o755)
    assert isinstance(state, Whole)
    assert (hunk_files.kind(state), state.turns, state.mode) == ("delete", ("t1", "t2"), 0o755)
    assert hunk_files.after_undo(state, {state.id}, None) == (None, before)


def test_a_file_that_the_agent_made_and_removed_leaves_nothing() -> None:
    state = change(None, None, b"x", "t")
    assert change(state, b"x", None, "t") is None


def test_what_is_no_text_is_one_hunk_without_lines() -> None:
    state = change(None, b"\0\1\2", b"\0\2\2", "t")
    assert state is not None
    hunk = only(hunk_files.shown(state))
    assert (hunk.removed, hunk.added, hunk.whole) == ((), (), True)
    assert hunk_files.after_undo(state, {hunk.id}, b"\0\2\2") == (None, b"\0\1\2")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_an_undo_keeps_the_files_encoding(codec: str) -> None:
    before, after = "\u00fc\r\nb\r\nc".encode(codec), "\u00fc\r\nB\r\nc".encode(codec)
    state = change(None, before, after, "t")
    assert state is not None
    assert hunk_files.after_undo(state, {only(hunk_files.shown(state)).id}, after) == (None, before)


def test_an_empty_file_that_is_filled_is_no_created_file() -> None:
    state = change(None, b"", b"x\n", "t")
    assert state is not None
    assert hunk_files.after_undo(state, {only(hunk_files.shown(state)).id}, b"x\n") == (None, b"")


def test_fifty_changes_in_two_thousand_lines_are_fifty_hunks() -> None:
    before = numbered(2000)
    after = [f"changed {number}\n" if number % 40 == 0 else line for number, line in enumerate(before)]
    review = Review("f", before, before)
    assert len(hunks(patched(review, after, "t"))) == 50


@pytest.mark.parametrize("pattern", [["a\n"], ["a\n", "b\n"], ["{\n", "}\n", "\n"]])
def test_files_of_lines_that_are_all_alike_take_bounded_time(pattern: list[str]) -> None:
    def made(count: int) -> tuple[list[str], list[str]]:
        return pattern * count, ["x\n", *pattern * (count * 3 // 4), "y\n", *pattern * (count // 10), "z\n"]

    assert grows_evenly(lambda files: patched(Review("f", files[0], files[0]), files[1], "t"), made, 1250)
    before, after = made(20_000)
    review = patched(Review("f", before, before), after, "t")
    assert text(undone(review, {mark.id for mark in review.marks}).current) == text(before)
