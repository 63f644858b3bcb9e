"""Where chunks go, against a model that tries every place: one way only, or a refusal that names the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import diff
from treadle.core.patch import Chunk, PatchError, Update, parse, shown
from treadle.core.patch_apply import apply, edited
from treadle.core.patch_text import Lines


def chunks(*lines: str) -> tuple[Chunk, ...]:
    (update,) = parse("\n".join(("*** Begin Patch", "*** Update File: f", *lines, "*** End Patch")))
    assert isinstance(update, Update)
    return update.chunks


def refused(content: str, *lines: str) -> str:
    with pytest.raises(PatchError) as error:
        apply(content, chunks(*lines), "f")
    return str(error.value)


TWICE = "class A:\n    def f(self):\n        return 1\n\nclass B:\n    def f(self):\n        return 1\n"


def test_a_chunk_that_fits_two_places_is_refused_with_both() -> None:
    assert refused(TWICE, "@@", "     def f(self):", "-        return 1", "+        return 2") == (
        "Ambiguous: the chunk for f fits 2 places equally well, and no @@ line says which:\n"
        "--- line 2, below `class A:`:\nclass A:\n    def f(self):\n        return 1\n\n"
        "--- line 6, below `class B:`:\n\nclass B:\n    def f(self):\n        return 1\n"
        "Give more context lines, or name what encloses the right place after @@, so that only one place fits."
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["@@ class B:", "-        return 1", "+        return 2"],
        ["@@ class B:", "@@     def f(self):", "-        return 1", "+        return 2"],
        ["@@", " class B:", "     def f(self):", "-        return 1", "+        return 2"],
        ["@@", "-        return 1", "+        return 2", "*** End of File"],
    ],
)
def test_what_narrows_it_down_is_obeyed(lines: list[str]) -> None:
    assert apply(TWICE, chunks(*lines), "f") == TWICE[: TWICE.rindex("1")] + "2\n"


def test_an_anchor_that_occurs_twice_means_the_first_below() -> None:
    assert apply(TWICE, chunks("@@     def f(self):", "-        return 1", "+        return 2"), "f") == TWICE.replace(
        "1", "2", 1
    )


def test_a_chunk_is_not_ambiguous_when_the_others_leave_it_one_place() -> None:
    assert apply("a\nb\na\n", chunks("@@", "-a", "+1", "@@", "-a", "+2"), "f") == "1\nb\n2\n"
    assert apply("a\nb\na\n", chunks("@@", "-a", "+1", "@@", "-b"), "f") == "1\na\n"
    assert apply("a\nb\na\n", chunks("@@", "-b", "@@", "-a", "+1"), "f") == "a\n1\n"


def test_the_refused_chunk_is_numbered() -> None:
    assert "chunk 2 of 3 for f fits 2 places" in refused("x\na\nb\na\ny\n", "@@", "-x", "@@", "-a", "@@", "-y")


def test_places_are_equal_only_within_one_pass() -> None:
    assert apply("  a\na\n", chunks("@@", "-a", "+b"), "f") == "  a\nb\n"
    assert "fits 2 places" in refused("  a\n    a\n", "@@", "-a", "+b")


def test_overlapping_places_are_two_places() -> None:
    assert "fits 2 places" in refused("a\na\na\n", "@@", "-a", " a")


def test_many_candidates_are_counted_and_few_are_shown() -> None:
    said = refused("\n".join("x" * 5000 for _ in range(3000)) + "\n", "@@", "-" + "x" * 5000)
    assert "fits more than 999 places" in said and said.count("--- line") == 5
    assert len(said) < 10_000


def test_a_failed_search_shows_what_is_there_now() -> None:
    said = refused(
        "import os\n\ndef total(items):\n    return sum(items) + 1\n", "@@", " def total(items):", "-    return sum(items)"
    )
    assert said.endswith("The closest lines are now, from line 2 on:\n\ndef total(items):\n    return sum(items) + 1")
    assert refused("a\n", "@@", "-zzz") == "Failed to find expected lines in f:\nzzz"
    assert "from line 1 on:\nthe quick brown fox" in refused("the quick brown fox\nb\n", "@@", "-the quick red fox")


def test_what_is_said_of_a_failed_search_is_bounded() -> None:
    said = refused("b\n", "@@", *("-" + "long " * 10_000 for _ in range(100)))
    assert len(said) < 12_000 and "(60 more lines)" in said


def test_paths_are_shown_escaped_and_short() -> None:
    assert shown("a\x1b[2Jb\r\u2028\u202e") == "a\\x1b[2Jb\\r\\u2028\\u202e"
    assert len(shown("x" * 100_000)) <= 201
    with pytest.raises(PatchError, match=r"lines in a\\x1bb"):
        apply("a\n", chunks("@@", "-b"), "a\x1bb")


def test_lines_copied_from_a_garbled_display_still_find_their_place() -> None:
    assert apply("caf\udce9 1\nb\n", chunks("@@", "-caf\ufffd 1", "+x"), "f") == "x\nb\n"
    assert apply("café 1\nb\n", chunks("@@", " caf\ufffd 1", "-b"), "f") == "café 1\n"


@pytest.mark.parametrize(
    ("before", "lines", "after"),
    [
        pytest.param("a\r\nb\nc\n", ["@@", "-a", "+A"], "A\r\nb\nc\n", id="a replaced line keeps its end"),
        pytest.param(
            "a\r\nb\nc\r\n", ["@@", "-a", "-b", "+A", "+B", "+C"], "A\r\nB\nC\nc\r\n", id="one by one, the last for the rest"
        ),
        pytest.param("a\r\nb\nc\n", ["@@", " a", "+x"], "a\r\nx\r\nb\nc\n", id="an inserted line ends as the one above"),
        pytest.param("a\nb\r\nc", ["@@", " c", "+d"], "a\nb\r\nc\r\nd\r\n", id="a last line that needs an end"),
        pytest.param("a\nb\r", ["@@", "-a", "+A"], "A\nb\r", id="a CR that ends nothing is content"),
        pytest.param("a\r\nb\r", ["@@", "-a", "+A"], "A\r\nb\r", id="a CR that ends nothing in a CRLF file"),
        pytest.param("a\rb\rc\n", ["@@", "-a\rb\rc", "+x"], "x\n", id="a CR inside a line"),
    ],
)
def test_line_ends(before: str, lines: list[str], after: str) -> None:
    assert apply(before, chunks(*lines), "f") == after


@dataclass(frozen=True)
class Edit:
    """Lines [start, stop) become `new`; `above` and `below` lines of context are given."""

    start: int
    stop: int
    new: list[str]
    above: int
    below: int


WORDS = st.sampled_from(["a", "b", " a", "", "  b", "x = 1", "}", "*** End Patch", "@@"])


@st.composite
def edited_files(draw: st.DrawFn) -> tuple[list[str], list[Edit]]:
    old = draw(st.lists(WORDS, min_size=1, max_size=25))
    edits: list[Edit] = []
    at = 0
    for _ in range(draw(st.integers(1, 4))):
        if at >= len(old):
            break
        start = draw(st.integers(at, len(old) - 1))
        stop = draw(st.integers(start, min(start + 3, len(old))))
        above = draw(st.integers(0, min(3, start - at)))
        below = draw(st.integers(0, min(3, len(old) - stop)))
        new = draw(st.lists(WORDS, max_size=3))
        if stop - start + above + below == 0 or (stop == start and not new):
            continue
        edits.append(Edit(start, stop, new, above, below))
        at = stop + below
    return old, edits


def as_chunks(old: list[str], edits: list[Edit]) -> list[str]:
    lines: list[str] = []
    for edit in edits:
        lines.append("@@")
        lines += (" " + line for line in old[edit.start - edit.above : edit.start])
        lines += ("-" + line for line in old[edit.start : edit.stop])
        lines += ("+" + line for line in edit.new)
        lines += (" " + line for line in old[edit.stop : edit.stop + edit.below])
    return lines


def by_hand(old: list[str], edits: list[Edit]) -> list[str]:
    new = list(old)
    for edit in reversed(edits):
        new[edit.start : edit.stop] = edit.new
    return new


def ways(old: list[str], patterns: list[list[str]], start: int = 0) -> int:
    """In how many ways the patterns fit, in their order and without overlap; counted up to a few."""
    if not patterns:
        return 1
    first, rest = patterns[0], patterns[1:]
    found = 0
    for at in range(start, len(old) - len(first) + 1):
        if old[at : at + len(first)] == first:
            found += ways(old, rest, at + len(first))
            if found > 5:
                break
    return found


@given(edited_files(), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from(["", "\ufeff"]))
def test_the_engine_does_what_the_model_does_or_says_that_it_is_ambiguous(
    made: tuple[list[str], list[Edit]], end: str, cut: bool, mark: str
) -> None:
    old, edits = made
    if not edits:
        return
    content = mark + "".join(line + end for line in old)
    # The last line loses its newline when no edit is near: what happens to it otherwise is another test's.
    cut = cut and edits[-1].stop + edits[-1].below < len(old) and old[-1] != ""
    content = content.removesuffix(end) if cut else content
    wanted = mark + "".join(line + end for line in by_hand(old, edits))
    wanted = wanted.removesuffix(end) if cut else wanted
    patterns = [old[e.start - e.above : e.stop + e.below] for e in edits]
    try:
        result = apply(content, chunks(*as_chunks(old, edits)), "f")
    except PatchError as error:
        assert str(error).startswith("Ambiguous")
        assert ways(old, patterns) > 1
    else:
        assert ways(old, patterns) == 1
        assert result == wanted


@given(edited_files(), st.sampled_from(["\n", "\r\n"]))
def test_applying_and_taking_back_gives_the_old_file(made: tuple[list[str], list[Edit]], end: str) -> None:
    old, edits = made
    numbered = [f"{number} {line}" for number, line in enumerate(old)]
    content = "".join(line + end for line in numbered)
    new = by_hand(numbered, edits)
    shift, back = 0, []
    for edit in edits:
        start = edit.start + shift
        back.append(Edit(start, start + len(edit.new), numbered[edit.start : edit.stop], edit.above, edit.below))
        shift += len(edit.new) - (edit.stop - edit.start)
    if not edits or any(edit.above + edit.below + len(edit.new) == 0 for edit in edits):
        return
    after = apply(content, chunks(*as_chunks(numbered, edits)), "f")
    try:
        assert apply(after, chunks(*as_chunks(new, back)), "f") == content
    except PatchError as error:
        # Only what was written may be ambiguous: the old lines are all different.
        assert str(error).startswith("Ambiguous")


@given(st.lists(WORDS, max_size=30), st.lists(WORDS, min_size=1, max_size=3), st.data())
def test_the_joined_search_is_the_search_line_by_line(lines: list[str], wanted: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(lines)))
    searched = Lines(lines)
    for number, normal in enumerate((str, str.rstrip, str.strip)):
        have, want = [normal(line) for line in lines], [normal(line) for line in wanted]
        places = [at for at in range(len(have) - len(want) + 1) if have[at : at + len(want)] == want]
        assert searched.next(wanted, start, number) == next((at for at in places if at >= start), None)
        assert searched.last(wanted, start, number) == next((at for at in reversed(places) if at + len(want) <= start), None)


@given(edited_files(), st.booleans())
def test_the_known_ranges_give_a_true_diff(made: tuple[list[str], list[Edit]], cut: bool) -> None:
    old, edits = made
    numbered = [f"{number} {line}" for number, line in enumerate(old)]
    content = "\n".join(numbered) + ("" if cut else "\n")
    result = edited(content, chunks(*as_chunks(numbered, edits)), "f") if edits else None
    if result is None:
        return
    shown_diff = diff.unified(content, result.text, result.ranges)
    assert shown_diff.added - shown_diff.removed == diff.count_lines(result.text) - diff.count_lines(content)
    assert patched_by_numbers(content, shown_diff.text) == result.text


def patched_by_numbers(content: str, text: str) -> str:
    """What `patch` would make of a unified diff, trusting its line numbers."""
    source = content.split("\n")
    lines = [line + "\n" for line in source[:-1]] + ([source[-1]] if source[-1] else [])
    out: list[str] = []
    done, just_added = 0, False
    for line in text.split("\n")[:-1]:
        if line.startswith("@@ "):
            start, _, length = line.split()[1][1:].partition(",")
            begin = int(start) - (length != "0")
            out += lines[done:begin]
            done = begin
        elif line.startswith("\\"):
            if just_added:
                out[-1] = out[-1].removesuffix("\n")
        elif line[:1] == "+":
            out.append(line[1:] + "\n")
            just_added = True
        else:
            assert lines[done].removesuffix("\n") == line[1:]
            just_added = False
            if line[0] == " ":
                out.append(lines[done])
            done += 1
    return "".join(out + lines[done:])


def test_an_enormous_file_of_equal_lines_is_searched_in_linear_time() -> None:
    content = "a\n" * 500_000
    said = refused(content, "@@", *(" a" for _ in range(400)), "-b")
    assert said.startswith("Failed to find expected lines")
