"""Code lenses of hunks: where they stand, what they say, and what their commands name."""

from __future__ import annotations

from treadle.core.hunks import Hunk
from treadle.runtime.answers import HunkFile
from treadle.server.lenses import MAX_HUNKS, lenses

URI = "file:///w/a.py"


def hunk(id: str, start: int, removed: int = 1, added: int = 1, *, whole: bool = False) -> Hunk:
    return Hunk(id, "/w/a.py", start, start, ("old\n",) * removed, ("new\n",) * added, ("turn",), whole)


def shown(file: HunkFile, last_line: int = 10) -> list[tuple[int, str]]:
    return [(lens.range.start.line, lens.command.title) for lens in lenses("t", file, URI, last_line) if lens.command]


def test_one_hunk_has_a_keep_and_an_undo_that_name_it() -> None:
    keep, undo = lenses("t", HunkFile("/w/a.py", "update", [hunk("h1", 3, 1, 2)]), URI, 10)
    assert keep.command is not None and undo.command is not None
    assert (keep.command.title, undo.command.title) == ("Keep change (+2 \u22121)", "Undo")
    assert (keep.command.command, undo.command.command) == ("treadle.hunk.keep", "treadle.hunk.undo")
    assert keep.command.arguments == undo.command.arguments == [{"uri": URI, "threadId": "t", "ids": ["h1"]}]
    assert keep.range.start == keep.range.end == undo.range.start


def test_several_hunks_have_both_for_the_file_too() -> None:
    file = HunkFile("/w/a.py", "update", [hunk("h1", 3), hunk("h2", 7)])
    assert shown(file)[:2] == [(0, "Keep all 2 changes"), (0, "Undo all 2 changes")]
    first = lenses("t", file, URI, 10)[0].command
    assert first is not None and first.arguments == [{"uri": URI, "threadId": "t"}]


def test_lines_that_are_gone_from_the_end_are_shown_at_the_last_line() -> None:
    assert shown(HunkFile("/w/a.py", "update", [hunk("h1", 11, 3, 0)]), 10)[0] == (10, "Keep change (+0 \u22123)")
    assert shown(HunkFile("/w/a.py", "update", [hunk("h1", 1, 3, 0)]), 0)[0][0] == 0


def test_whole_files_and_what_cannot_be_undone_say_what_they_are() -> None:
    assert shown(HunkFile("/w/a.py", "add", [hunk("h1", 0, whole=True)])) == [
        (0, "Keep this new file"),
        (0, "Undo this new file"),
    ]
    large = HunkFile("/w/a.py", "update", [hunk("h1", 0)], omitted="it is larger than 10 MB")
    assert shown(large) == [(0, "Keep this change")]


def test_a_file_with_very_many_hunks_has_a_bounded_number_of_lenses() -> None:
    file = HunkFile("/w/a.py", "update", [hunk(f"h{number}", number * 2) for number in range(5_000)])
    assert len(lenses("t", file, URI, 100_000)) == 2 + 2 * MAX_HUNKS
    assert shown(file)[0][1] == "Keep all 5000 changes"


def test_an_editor_that_can_ask_has_an_ask_beside_each_hunk() -> None:
    file = HunkFile("/w/a.py", "update", [hunk("h1", 3), hunk("h2", 7)])
    found = [lens.command for lens in lenses("t", file, URI, 10, ask=True) if lens.command]
    assert [one.title for one in found[2:5]] == ["Keep change (+1 \u22121)", "Undo", "Ask"]
    assert sum(one.title == "Ask" for one in found) == 2
    assert (found[4].command, found[4].arguments) == ("treadle.hunk.ask", [{"uri": URI, "threadId": "t", "ids": ["h1"]}])
