"""Keep and undo of files that are open in an editor, saved or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.reviewing import Stand, Typist
from treadle.core.events import HunksChanged


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


async def test_hunks_follow_what_is_typed_into_an_unsaved_document(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    editor = Typist(path, "zero, unsaved\none\ntwo\nthree\n")
    stand.agent.lend(editor)
    await stand.turn(a_py="zero, unsaved\none\nTWO\nthree\n")
    assert path.read_text() == "one\ntwo\nthree\n"
    (file,) = await stand.list()
    assert (file.unsaved, file.version, file.hunks[0].start) == (True, 2, 2)
    editor.type("top\n" + editor.now)
    editor.type(editor.now.replace("TWO\n", "TWO\nmine, inside\n").replace("three", "three, mine"))
    (file,) = await stand.list()
    (hunk,) = file.hunks
    assert (hunk.start, hunk.added, file.version) == (3, ("TWO\n",), 4)
    assert await stand.undo(hunk.id) == []
    assert editor.now == "top\nzero, unsaved\none\ntwo\nmine, inside\nthree, mine\n"
    assert path.read_text() == "one\ntwo\nthree\n"


async def test_the_editors_undo_and_redo_take_a_hunk_away_and_bring_it_back(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\n")
    editor = Typist(path, "one\ntwo\nunsaved\n")
    stand.agent.lend(editor)
    await stand.turn(a_py="one\nnew\ntwo\nunsaved\n")
    before = await stand.hunks()
    editor.type("one\ntwo\nunsaved\n")
    assert await stand.hunks() == {}
    editor.type("one\nnew\ntwo\nunsaved\n")
    assert await stand.hunks() == before


async def test_a_document_that_was_not_loaded_anew_yet_hides_no_hunks(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\n")
    editor = Typist(path, "one\ntwo\n")
    stand.agent.lend(editor)
    await stand.turn(a_py="one\nTWO\n")
    assert path.read_text() == "one\nTWO\n"
    before = await stand.hunks()
    assert len(before) == 1
    editor.type("one\nTWO\n")
    assert await stand.hunks() == before
    editor.type("one\ntwo\n")
    assert await stand.hunks() == {}, "by then it is the user's own undo"


async def test_hunks_of_a_file_that_the_editor_has_yet_to_load_are_about_no_document_and_told_again(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\n")
    editor = Typist(path, "one\ntwo\n")
    stand.agent.lend(editor)
    await stand.turn(a_py="one\nTWO\n")
    (file,) = await stand.list()
    assert (file.version, file.unsaved) == (None, False)
    await stand.client.until(lambda event: isinstance(event, HunksChanged))
    stand.client.events.clear()
    editor.type("one\nTWO\n")
    await stand.client.until(lambda event: isinstance(event, HunksChanged))
    (file,) = await stand.list()
    assert file.version == 2


async def test_what_an_undo_left_is_told_of_again_when_the_editor_has_loaded_it(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    editor = Typist(path, "one\ntwo\nthree\n")
    stand.agent.lend(editor)
    await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    editor.type("ONE\ntwo\nTHREE\n")
    first = next(iter(await stand.hunks()))
    (file,) = await stand.undo(first)
    assert (path.read_text(), file.version) == ("one\ntwo\nTHREE\n", None)
    await stand.client.until(lambda event: isinstance(event, HunksChanged))
    while stand.agent._hunks._to_tell:  # pyright: ignore[reportPrivateUsage]
        stand.client.events.clear()
        await stand.client.until(lambda event: isinstance(event, HunksChanged))
    stand.client.events.clear()
    editor.type("one\ntwo\nTHREE\n")
    await stand.client.until(lambda event: isinstance(event, HunksChanged))
    (file,) = await stand.list()
    assert file.version == 3


async def test_a_large_document_is_measured_when_it_is_looked_at(stand: Stand) -> None:
    lines = [f"line {number} of a long file\n" for number in range(60_000)]
    path = stand.path("a.py", "".join(lines))
    editor = Typist(path, "".join(lines) + "unsaved")
    stand.agent.lend(editor)
    lines[100] = "changed\n"
    await stand.turn(a_py="".join(lines) + "unsaved")
    editor.type("top\n" + editor.now)
    (file,) = await stand.list()
    assert [hunk.start for hunk in file.hunks] == [101]


async def test_clients_are_told_when_typing_moves_a_hunk_and_not_otherwise(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    editor = Typist(path, "one\ntwo\nthree\nunsaved\n")
    stand.agent.lend(editor)
    await stand.turn(a_py="one\nTWO\nthree\nunsaved\n")
    await stand.client.until(lambda event: isinstance(event, HunksChanged))
    stand.client.events.clear()
    editor.type(editor.now.replace("unsaved", "still unsaved"))
    editor.type(editor.now.replace("one", "one, mine"))
    assert stand.agent._hunks._to_tell == {}  # pyright: ignore[reportPrivateUsage]
    editor.type("above\n" + editor.now)
    event = await stand.client.until(lambda event: isinstance(event, HunksChanged))
    assert event == HunksChanged(stand.thread, (str(path),))
