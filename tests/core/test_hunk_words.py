"""What the model reads of undone hunks: in words, and never more than the caps."""

from __future__ import annotations

from treadle.core import hunk_files, hunk_words
from treadle.core.changes import Changed
from treadle.core.hunk_files import State


def state_of(before: bytes | None, after: bytes | None) -> State:
    state = hunk_files.changed(None, Changed("thread", "t", "/w/f", before, after, "patch"))
    assert state is not None
    return state


def entries(before: bytes | None, after: bytes | None) -> list[str]:
    state = state_of(before, after)
    return [hunk_words.entry(state, hunk) for hunk in hunk_files.shown(state)]


def test_an_undone_hunk_is_told_as_what_went_and_what_is_back() -> None:
    told = hunk_words.section({"/w/f": entries(b"a\nb\nc\n", b"a\nB\nBB\nc\n")})
    assert told.name == "undone_hunks"
    assert told.text.endswith("\n/w/f, at line 2:\n-B\n-BB\n+b")


def test_whole_files_are_told_in_a_sentence() -> None:
    assert entries(None, b"new\n") == ["the file that you created was deleted"]
    assert entries(b"old\n", None) == ["the file is back"]
    assert entries(b"\0\1\2", b"\0\3\4") == ["all of it is as before"]


def test_what_is_told_has_a_cap_and_no_broken_characters() -> None:
    (long,) = entries(b"", b"x" * 100_000 + b"\xff\n")
    assert len(long) < hunk_words.MOST_HUNK_CHARS + 50
    told = hunk_words.section({f"/w/{number}\udcff": [long, long] for number in range(100)}).text
    assert len(told) <= hunk_words.MOST_CHARS
    assert told.endswith("read the files before you change them]")
    told.encode()
