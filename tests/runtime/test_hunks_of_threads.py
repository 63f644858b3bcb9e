"""Keep and undo on real files: what the agent's tools and everybody else do, and what is left to keep or undo."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from fakes.reviewing import Stand
from fakes.world import begin, call, end, message
from treadle.core.changes import Changed
from treadle.core.errors import RequestRefused
from treadle.core.events import HunksChanged
from treadle.core.hunk_ops import ListHunks, UndoHunks
from treadle.core.ops import ResumeThread
from treadle.runtime.answers import HunkList


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


async def test_each_change_is_kept_or_undone_by_itself(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    turn = await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    (file,) = await stand.list()
    assert (file.path, file.kind, file.unsaved, file.version) == (str(path), "update", False, None)
    first, second = file.hunks
    assert (first.removed, first.added, first.turns) == (("one\n",), ("ONE\n",), (turn,))
    (left,) = await stand.undo(first.id)
    assert [hunk.id for hunk in left.hunks] == [second.id]
    assert path.read_text() == "one\ntwo\nTHREE\n"
    assert await stand.keep(second.id) == []
    assert await stand.list() == []
    assert path.read_text() == "one\ntwo\nTHREE\n"


async def test_what_others_wrote_into_the_file_survives_an_undo(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    path.write_text("mine\nONE\ntwo, mine\nTHREE\n")
    before = await stand.hunks()
    assert await stand.undo() == []
    assert path.read_text() == "mine\none\ntwo, mine\nthree\n"
    assert len(before) == 2


async def test_ids_and_hunks_outlive_the_process(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    before = await stand.hunks()
    await stand.restart()
    path.write_text("mine\n" + path.read_text())
    assert await stand.hunks() == before
    # the thread is not even loaded
    assert [file.path for file in await stand.undo(next(iter(before)))] == [str(path)]
    assert path.read_text() == "mine\none\ntwo\nTHREE\n"


async def test_an_unknown_id_is_named_and_nothing_is_changed(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    first, second = await stand.hunks()
    for act in (stand.keep, stand.undo):
        with pytest.raises(RequestRefused, match=r"no such hunk \(any more\): nonsense") as refused:
            await act(first, "nonsense")
        assert refused.value.data == {"ids": ["nonsense"]}
    assert list(await stand.hunks()) == [first, second]
    assert path.read_text() == "ONE\ntwo\nTHREE\n"
    await stand.undo(first)
    with pytest.raises(RequestRefused, match=first):
        await stand.undo(first)


async def test_a_turn_and_a_file_are_undone_by_themselves(stand: Stand) -> None:
    a, b = stand.path("a.py", "a\nx\n"), stand.path("b.py", "b\nx\n")
    first = await stand.turn(a_py="A\nx\n", b_py="B\nx\n")
    second = await stand.turn(a_py="A\nx\nmore\n")
    assert [file.path for file in await stand.list(turn_id=second)] == [str(a)]
    await stand.undo(turn_id=second)
    assert a.read_text() == "A\nx\n"
    await stand.undo(path=str(b))
    assert (a.read_text(), b.read_text()) == ("A\nx\n", "b\nx\n")
    await stand.undo(turn_id=first)
    assert a.read_text() == "a\nx\n"


async def test_a_created_file_goes_and_a_deleted_one_comes_back_with_its_mode(stand: Stand) -> None:
    old = stand.path("old.sh", "#!/bin/sh\n")
    old.chmod(0o755)
    await stand.turn(old_sh=None, new_py="new\n")
    assert {file.kind for file in await stand.list()} == {"add", "delete"}
    assert await stand.undo() == []
    assert not stand.path("new.py").exists()
    assert old.read_text() == "#!/bin/sh\n"
    assert old.stat().st_mode & 0o777 == 0o755


async def test_a_created_file_that_was_edited_refuses_and_holds_back_no_others(stand: Stand) -> None:
    a = stand.path("a.py", "a\n")
    await stand.turn(a_py="A\n", new_py="new\n")
    new = stand.path("new.py", "new\nmine\n")
    words = r"new\.py was created by the agent and has been edited since"
    ids = list(await stand.hunks())
    for which in ({"ids": tuple(ids)}, {"path": str(new)}):
        with pytest.raises(RequestRefused, match=words):
            await stand.agent.submit(UndoHunks(stand.thread, **which), stand.client)  # type: ignore[arg-type]
        assert (a.read_text(), new.read_text()) == ("A\n", "new\nmine\n")
    found = await stand.agent.submit(UndoHunks(stand.thread), stand.client)
    assert isinstance(found, HunkList)
    assert [file.path for file in found.files] == [str(new)]
    assert re.search(words, found.problems[0])
    assert (a.read_text(), new.read_text()) == ("a\n", "new\nmine\n")
    assert await stand.keep(path=str(new)) == []


async def test_a_file_that_the_user_deleted_has_no_hunks_until_it_is_back(stand: Stand) -> None:
    path = stand.path("a.py", "a\n")
    await stand.turn(a_py="A\n")
    before = await stand.hunks()
    path.unlink()
    assert await stand.list() == []
    path.write_text("A\n")
    assert await stand.hunks() == before


async def test_the_model_is_told_once_of_what_was_undone_and_not_of_what_was_kept(stand: Stand) -> None:
    stand.path("a.py", "one\ntwo\nthree\n")
    await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    first, second = await stand.hunks()
    await stand.undo(first)
    await stand.keep(second)
    # also when the process ended in between
    await stand.restart()
    await stand.agent.submit(ResumeThread(stand.thread), stand.client)
    await stand.turn(b_py="b\n")
    told = stand.told()
    assert "undid these parts" in told
    assert r"a.py, at line 1:\n-ONE\n+one" in told
    assert "THREE\\n+" not in told
    await stand.turn(c_py="c\n")
    assert stand.told().count("undid these parts") == 1
    assert stand.told().startswith(told[:-1]) or stand.told().startswith(told)


async def test_clients_are_told_once_of_many_changes(stand: Stand) -> None:
    stand.path("a.py", "a\n")
    stand.path("b.py", "b\n")
    await stand.turn(a_py="A\n", b_py="B\n")
    event = await stand.client.until(lambda event: isinstance(event, HunksChanged))
    assert event == HunksChanged(stand.thread, (str(stand.path("a.py")), str(stand.path("b.py"))))


async def test_two_threads_have_hunks_of_their_own_in_one_file(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    await stand.turn(a_py="ONE\ntwo\nthree\n")
    one, stand.thread = stand.thread, ""
    await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    two = stand.thread
    assert list((await stand.hunks(thread=one)).values()) == ["ONE\n"]
    assert list((await stand.hunks(thread=two)).values()) == ["THREE\n"]
    await stand.keep(thread=two)
    assert list((await stand.hunks(thread=one)).values()) == ["ONE\n"]
    await stand.undo(thread=one)
    assert path.read_text() == "one\ntwo\nTHREE\n"


async def test_undo_is_refused_while_the_agent_writes_the_file_and_allowed_beside_it(stand: Stand) -> None:
    a, b = stand.path("a.py", "a\n"), stand.path("b.py", "b\n")
    await stand.turn(a_py="A\n", b_py="B\n")
    changes = stand.agent._world.changes  # pyright: ignore[reportPrivateUsage]
    coming = [Changed(stand.thread, "t", str(a), b"A\n", b"AA\n", "patch")]
    await changes.announce(coming)
    for act in (stand.keep, stand.undo):
        with pytest.raises(RequestRefused, match="is just being changed"):
            await act()
    assert len(await stand.hunks()) == 2
    await stand.undo(path=str(b))
    await changes.withdraw(coming)
    await stand.undo()
    assert (a.read_text(), b.read_text()) == ("a\n", "b\n")


async def test_what_a_command_did_is_hunks_too_and_a_restore_takes_them_away(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\n")
    await stand.turn(a_py="ONE\ntwo\n")
    changes = stand.agent._world.changes  # pyright: ignore[reportPrivateUsage]
    path.write_text("ONE\ntwo\nby command\n")
    changes.tell([Changed(stand.thread, "t2", str(path), b"ONE\ntwo\n", b"ONE\ntwo\nby command\n", "command")])
    assert list((await stand.hunks()).values()) == ["ONE\n", "by command\n"]
    before = await stand.hunks()
    path.write_text("ONE\ntwo\n")
    changes.tell([Changed(stand.thread, "t3", str(path), b"ONE\ntwo\nby command\n", b"ONE\ntwo\n", "restore")])
    assert list((await stand.hunks()).values()) == ["ONE\n"]
    path.write_text("ONE\ntwo\nby command\n")
    changes.tell([Changed(stand.thread, "t4", str(path), b"ONE\ntwo\n", b"ONE\ntwo\nby command\n", "restore")])
    assert await stand.hunks() == before


async def test_a_file_whose_content_is_not_kept_can_be_kept_only(stand: Stand) -> None:
    path = stand.path("big.bin", "x")
    await stand.turn(a_py="a\n")
    await stand.keep()
    changes = stand.agent._world.changes  # pyright: ignore[reportPrivateUsage]
    changes.tell([Changed(stand.thread, "t2", str(path), None, None, "command", omitted="it is too large to keep")])
    (file,) = await stand.list()
    assert (file.omitted, file.hunks[0].whole) == ("it is too large to keep", True)
    with pytest.raises(RequestRefused, match="cannot be undone: it is too large to keep"):
        await stand.undo()
    assert await stand.keep() == []


async def test_a_folder_that_became_a_link_leads_no_undo_out_of_the_workspace(stand: Stand, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "f.py").write_text("A\n")
    inside = stand.folder / "d"
    inside.mkdir()
    (inside / "f.py").write_text("a\n")
    stand.model.scripts += [
        [*call("c", "write", json.dumps({str(inside / "f.py"): "A\n"})), *end()],
        [*message("done"), *end()],
    ]
    stand.thread, turn_id = await begin(stand.agent, stand.client)
    await stand.client.turn_end(turn_id)
    (inside / "f.py").unlink()
    inside.rmdir()
    inside.symlink_to(outside)
    with pytest.raises(RequestRefused, match="leads somewhere else by now"):
        await stand.undo()
    assert (outside / "f.py").read_text() == "A\n"


async def test_an_unknown_thread_is_refused_in_words(stand: Stand) -> None:
    with pytest.raises(RequestRefused, match="no thread with the id nobody"):
        await stand.list(thread="nobody")


async def test_two_undos_at_once_take_turns(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    await stand.turn(a_py="ONE\ntwo\nTHREE\n")
    await asyncio.gather(*(stand.undo(one) for one in await stand.hunks()))
    assert path.read_text() == "one\ntwo\nthree\n"


async def test_hunks_of_a_thread_that_another_process_has_open_are_listed_and_no_more(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stand.path("a.py", "a\n")
    await stand.turn(a_py="A\n")
    await stand.restart()
    monkeypatch.setattr(stand.store, "claim", lambda thread_id: False)
    assert len(await stand.hunks()) == 1
    for act in (stand.keep, stand.undo):
        with pytest.raises(RequestRefused, match="open in another process"):
            await act()
    assert path.read_text() == "A\n"


async def test_a_thread_that_is_kept_from_disk_is_let_go_after_an_undo(stand: Stand) -> None:
    path = stand.path("a.py", "a\n")
    await stand.turn(a_py="A\n")
    await stand.restart()
    await stand.undo()
    assert path.read_text() == "a\n"
    assert not stand.store.claimed(stand.thread)


async def test_a_second_patch_meets_the_user_s_text_and_joins_the_hunk_that_it_touches(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    first = await stand.turn(a_py="one\nTWO\nthree\n")
    (id,) = await stand.hunks()
    path.write_text("mine\none\nTWO\nthree\n")
    second = await stand.turn(a_py="mine\none\nTWO!\nthree\n")
    ((file),) = await stand.list()
    (hunk,) = file.hunks
    assert (hunk.id, hunk.turns, hunk.removed, hunk.added) == (id, (first, second), ("two\n",), ("TWO!\n",))
    await stand.undo(turn_id=second)
    assert path.read_text() == "mine\none\ntwo\nthree\n"


async def test_what_one_thread_may_hold_is_bounded_and_said(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treadle.runtime.reviews.MAX_FILES", 1)
    stand.path("a.py", "a\n")
    stand.path("b.py", "b\n")
    await stand.turn(a_py="A\n", b_py="B\n")
    found = await stand.agent.submit(ListHunks(stand.thread), stand.client)
    assert isinstance(found, HunkList)
    assert (len(found.files), found.not_followed) == (1, 1)


async def test_texts_that_do_not_fit_in_memory_are_read_again(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("treadle.runtime.reviews.MAX_CHARS", 1)
    stand.path("a.py", "a\n")
    stand.path("b.py", "b\n")
    await stand.turn(a_py="A\n", b_py="B\n")
    assert list((await stand.hunks()).values()) == ["A\n", "B\n"]


async def test_a_change_during_which_the_process_dies_is_a_hunk_if_it_happened(stand: Stand) -> None:
    path = stand.path("a.py", "one\ntwo\nthree\n")
    await stand.turn(a_py="ONE\ntwo\nthree\n")
    before = await stand.hunks()
    changes = stand.agent._world.changes  # pyright: ignore[reportPrivateUsage]
    coming = [Changed(stand.thread, "t2", str(path), b"ONE\ntwo\nthree\n", b"ONE\ntwo\nTHREE\n", "patch")]
    await changes.announce(coming)
    await stand.restart()
    assert await stand.hunks() == before
    path.write_text("ONE\ntwo\nTHREE\n")
    assert list((await stand.hunks()).values()) == ["ONE\n", "THREE\n"]
    await stand.undo()
    assert path.read_text() == "one\ntwo\nthree\n"


async def test_a_change_that_is_withdrawn_leaves_no_trace(stand: Stand) -> None:
    a, b = stand.path("a.py", "one\ntwo\n"), stand.path("b.py", "b\n")
    await stand.turn(a_py="ONE\ntwo\n")
    before, rows = await stand.hunks(), dict(stand.versions.hunk_bases)
    changes = stand.agent._world.changes  # pyright: ignore[reportPrivateUsage]
    coming = [
        Changed(stand.thread, "t2", str(a), b"ONE\ntwo\n", b"ONE\nTWO\n", "patch"),
        Changed(stand.thread, "t2", str(b), b"b\n", b"B\n", "patch"),
    ]
    await changes.announce(coming)
    await changes.withdraw(coming)
    await stand.agent._hunks.written()  # pyright: ignore[reportPrivateUsage]
    assert (await stand.hunks(), stand.versions.hunk_bases) == (before, rows)
    # of a change that was never announced to us nothing is taken back
    await changes.withdraw(coming)
    await stand.agent._hunks.written()  # pyright: ignore[reportPrivateUsage]
    assert (await stand.hunks(), stand.versions.hunk_bases) == (before, rows)


async def test_hunks_that_cannot_be_written_down_stop_no_patch_and_last_as_long_as_the_process(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    path = stand.path("a.py", "a\n")
    monkeypatch.setattr(stand.versions, "set_base", fails)
    monkeypatch.setattr(stand.versions, "bases", fails)
    await stand.turn(a_py="A\n")
    assert list((await stand.hunks()).values()) == ["A\n"]
    assert await stand.undo() == []
    assert path.read_text() == "a\n"
