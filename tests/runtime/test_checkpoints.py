"""Checkpoints of patches: real files and a real database; the model is scripted."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.editing import Desk, kinds
from treadle.core.checkpoints import Restored
from treadle.core.errors import RequestRefused
from treadle.core.events import CheckpointChanged
from treadle.core.items import Context, TurnBegan
from treadle.core.ops import Overrides, StartThread
from treadle.runtime.agent import ThreadState
from treadle.runtime.ports import FileState, Scope

A, B, C = b"one\ntwo\nthree\nfour\n", b"one\ntwo\nTHREE\nfour\n", b"ONE\ntwo\nTHREE\nfour\n"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    await desk.close()


async def test_files_come_back_as_they_were_before_a_turn_and_redo_takes_that_back(desk: Desk) -> None:
    desk.write("a", A)
    first = await desk.patches(a=B, new=b"new\n")
    second = await desk.patches(a=C)
    assert kinds(await desk.preview(second)) == {"a": "restore"}
    assert kinds(await desk.preview(first)) == {"a": "restore", "new": "delete"}
    done = await desk.restore(first)
    assert kinds(done) == {"a": "restore", "new": "delete"}
    assert (desk.read("a"), desk.read("new")) == (A, None)
    redone = await desk.redo(done.id)
    assert kinds(redone) == {"a": "restore", "new": "create"}
    assert (desk.read("a"), desk.read("new")) == (C, b"new\n")
    again = await desk.redo(redone.id)
    assert (desk.read("a"), desk.read("new")) == (A, None)
    await desk.redo(again.id)
    assert (desk.read("a"), desk.read("new")) == (C, b"new\n")


async def test_a_deleted_file_comes_back_with_its_mode(desk: Desk) -> None:
    desk.write("tool", A)
    os.chmod(desk.path("tool"), 0o750)
    turn = await desk.patches(tool=None)
    assert desk.read("tool") is None
    await desk.restore(turn)
    assert desk.read("tool") == A
    assert os.stat(desk.path("tool")).st_mode & 0o777 == 0o750


async def test_what_the_user_changed_since_is_merged(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)
    desk.write("a", b"zero\n" + B)
    done = await desk.restore(turn)
    assert kinds(done) == {"a": "merge"}
    assert desk.read("a") == b"zero\n" + A
    assert done.files[0].diff == "@@ -1,5 +1,5 @@\n zero\n one\n two\n-THREE\n+three\n four\n"
    await desk.redo(done.id)
    assert desk.read("a") == b"zero\n" + B


async def test_what_the_user_changed_between_two_turns_survives_too(desk: Desk) -> None:
    desk.write("a", A)
    first = await desk.patches(a=B)
    desk.write("a", B + b"five\n")
    await desk.patches(a=C + b"five\n")
    await desk.restore(first)
    assert desk.read("a") == A + b"five\n"


async def test_what_the_user_wrote_between_two_patches_of_one_turn_survives(desk: Desk) -> None:
    desk.write("a", A)

    async def user(scope: Scope) -> None:
        desk.write("a", B + b"five\n")

    turn = await desk.turn(desk.patch(a=B), user, desk.patch(a=C + b"five\n"))
    await desk.restore(turn)
    assert desk.read("a") == A + b"five\n"


async def test_a_conflict_stops_everything_or_is_skipped_and_is_never_overwritten(desk: Desk) -> None:
    desk.write("a", A)
    desk.write("b", A)
    turn = await desk.patches(a=B, b=B)
    users = b"one\ntwo\nthe user's\nfour\n"
    desk.write("a", users)
    stopped = await desk.restore(turn)
    assert (stopped.id, kinds(stopped)) == (None, {"a": "conflict", "b": "restore"})
    assert stopped.files[0].reason == "it was changed since in the same place, at line 3"
    assert (desk.read("a"), desk.read("b")) == (users, B)
    done = await desk.restore(turn, on_conflict="skip")
    assert done.id is not None
    assert (desk.read("a"), desk.read("b")) == (users, A)
    await desk.redo(done.id)
    assert (desk.read("a"), desk.read("b")) == (users, B)


async def test_a_file_that_the_user_filled_deleted_or_replaced_by_a_link_is_a_conflict(desk: Desk) -> None:
    for name in ("deleted", "linked"):
        desk.write(name, A)
    turn = await desk.patches(deleted=B, linked=B, made=b"agent's\n")
    os.unlink(desk.path("deleted"))
    os.unlink(desk.path("linked"))
    os.symlink("made", desk.path("linked"))
    desk.write("made", b"agent's\nand the user's\n")
    done = await desk.restore(turn)
    assert set(kinds(done).values()) == {"conflict"}
    assert {plan.reason for plan in done.files} == {
        "it was deleted since",
        "a symbolic link leads elsewhere now",
        "it was changed since, and cannot be merged",
    }
    assert desk.read("made") == b"agent's\nand the user's\n"


async def test_what_was_moved_out_of_a_file_with_a_conflict_is_not_taken_from_where_it_is_now(desk: Desk) -> None:
    desk.write("a", b"the user's first words\n")
    turn = await desk.patches(a=None, moved=b"the user's first words\n", other=b"the agent's\n")
    desk.write("a", b"the user's next words\n")
    done = await desk.restore(turn, on_conflict="skip")
    assert kinds(done) == {"a": "conflict", "moved": "conflict", "other": "delete"}
    assert done.files[1].reason == "it holds what was moved out of a, which has a conflict"
    assert (desk.read("a"), desk.read("moved")) == (b"the user's next words\n", b"the user's first words\n")


async def test_a_restore_survives_a_restart_and_can_still_be_taken_back(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)
    done = await desk.restore(turn)
    await desk.restart()
    redone = await desk.redo(done.id)
    assert desk.read("a") == B
    await desk.restart()
    await desk.redo(redone.id)
    assert desk.read("a") == A
    await desk.restore(turn)
    assert desk.read("a") == A


async def test_turns_after_a_restore_are_undone_on_their_own(desk: Desk) -> None:
    desk.write("a", A)
    first = await desk.patches(a=B)
    await desk.restore(first)
    second = await desk.patches(a=A + b"five\n")
    await desk.restore(second)
    assert desk.read("a") == A
    desk.write("a", A)
    await desk.restore(first)
    assert desk.read("a") == A


async def test_a_failed_restore_changes_nothing_and_leaves_no_trace(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B, b=b"new\n")
    commit = desk.files.commit

    async def user_comes_first(before: list[FileState], after: list[FileState], policy: object) -> None:
        desk.write("a", C)
        await commit(before, after, policy)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.files, "commit", user_comes_first)
    with pytest.raises(RequestRefused, match=r"nothing was restored: .*/a: the file changed"):
        await desk.restore(turn)
    monkeypatch.undo()
    assert (desk.read("a"), desk.read("b")) == (C, b"new\n")
    assert desk.versions.restored(desk.thread_id) == []
    done = await desk.restore(turn)
    assert kinds(done) == {"a": "merge", "b": "delete"}
    assert desk.read("a") == b"ONE\ntwo\nthree\nfour\n"


async def test_the_conversation_goes_and_comes_back_with_the_files(desk: Desk) -> None:
    desk.write("a", A)
    await desk.turn(words="hello")
    turn = await desk.patches(a=B)
    await desk.patches(a=C)
    plan = await desk.preview(turn, what="both")
    assert (plan.turns, kinds(plan)) == (2, {"a": "restore"})
    done = await desk.restore(turn, "both")
    assert (done.turns, desk.read("a")) == (2, A)
    assert [each.words for each in await desk.list()] == ["hello"]
    assert (await desk.preview(restore_id=done.id)).turns == 2
    redone = await desk.redo(done.id)
    assert (redone.turns, desk.read("a")) == (2, C)
    assert [each.words for each in await desk.list()] == ["hello", "go", "go"]
    await desk.redo(redone.id)
    assert [each.words for each in await desk.list()] == ["hello"]
    assert desk.read("a") == A
    await desk.turn(words="something else")
    with pytest.raises(RequestRefused, match="something new was said since"):
        await desk.redo(done.id)


async def test_the_conversation_alone_leaves_files_alone(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)
    done = await desk.restore(turn, "conversation")
    assert (done.files, done.turns, desk.read("a")) == ((), 1, B)
    assert await desk.list() == []
    assert kinds(await desk.restore(turn)) == {"a": "restore"}
    assert desk.read("a") == A


async def test_the_model_learns_which_files_the_user_has_put_back(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)
    done = await desk.restore(turn)
    await desk.redo(done.id)
    await desk.turn()
    told = [item for item in desk.store.load(desk.thread_id)[1] if isinstance(item, Context)]
    words = [section.text for item in told for section in item.sections if section.name == "restored_files"]
    assert len(words) == 2 and all(desk.path("a") in text for text in words)
    assert "is undone" in words[0] and "changed again" in words[1]
    sent = b",".join(desk.model.requests[-1].fragments)
    assert sent.count(b"<restored_files>") == 2


async def test_the_model_learns_what_could_not_be_put_back_with_its_conversation(desk: Desk) -> None:
    desk.write("a", A)
    await desk.turn()
    turn = await desk.patches(a=B)
    desk.write("a", b"one\ntwo\nusers\nfour\n")
    done = await desk.restore(turn, "both", on_conflict="skip")
    await desk.redo(done.id)
    await desk.restore(turn, "both", on_conflict="skip")
    await desk.turn()
    sent = b",".join(desk.model.requests[-1].fragments)
    assert sent.count(b"could not be restored") == 1


async def test_a_list_names_every_turn_with_its_files(desk: Desk) -> None:
    desk.write("a", A)
    first = await desk.turn(desk.patch(a=B), desk.patch(a=C, b=b"b\n"), words="  Do this,\n please  ")
    second = await desk.turn(words="And that")
    found = await desk.list()
    assert [(each.turn_id, each.words, each.files) for each in found] == [(first, "Do this, please", 2), (second, "And that", 0)]
    began = [item for item in desk.store.load(desk.thread_id)[1] if isinstance(item, TurnBegan)]
    assert [each.at for each in found] == [item.at for item in began]


async def test_clients_are_told_once_of_each_file_of_a_turn_and_of_a_restore(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.turn(desk.patch(a=B), desk.patch(a=C), desk.patch(b=b"b\n"))
    assert [event for event in desk.client.events if isinstance(event, CheckpointChanged)] == [
        CheckpointChanged(desk.thread_id, turn)
    ] * 2
    await desk.restore(turn)
    assert len([event for event in desk.client.events if isinstance(event, CheckpointChanged)]) == 3


async def test_a_restore_that_is_cancelled_while_it_is_written_down_leaves_no_trace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)
    add, begun = desk.versions.add_restored, asyncio.Event()
    go_on, added = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def late(restored: Restored) -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(30)
        add(restored)
        added.set()

    monkeypatch.setattr(desk.versions, "add_restored", late)
    restoring = asyncio.ensure_future(desk.restore(turn))
    await begun.wait()
    restoring.cancel()
    loop.call_soon(go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await restoring
    assert await asyncio.to_thread(added.wait, 30)
    assert (desk.read("a"), desk.versions.restored(desk.thread_id)) == (B, [])


async def test_nothing_is_restored_while_a_turn_runs(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)

    async def try_it(scope: Scope) -> None:
        with pytest.raises(RequestRefused, match="a turn is running"):
            await desk.restore(turn)
        assert kinds(await desk.preview(turn)) == {"a": "restore"}

    await desk.turn(try_it)
    assert desk.read("a") == B


async def test_a_patch_whose_content_cannot_be_kept_does_not_happen(desk: Desk) -> None:
    desk.write("a", A)

    async def patch(scope: Scope) -> None:
        desk.versions.close()
        shutil.rmtree(desk.home, ignore_errors=True)
        desk.home.write_bytes(b"no folder")
        with pytest.raises(OSError, match=r"File exists|cannot be kept"):
            await desk.patch(a=B)(scope)

    await desk.turn(patch)
    assert desk.read("a") == A


async def test_a_patch_that_failed_counts_for_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("a", A)

    async def patch(scope: Scope) -> None:
        async def fails(*_: object) -> None:
            raise OSError("disk full")

        with monkeypatch.context() as patched:
            patched.setattr(desk.files, "commit", fails)
            with pytest.raises(OSError, match="disk full"):
                await desk.patch(a=B)(scope)

    turn = await desk.turn(patch)
    assert (await desk.list())[0].files == 0
    desk.write("a", C)
    assert kinds(await desk.restore(turn)) == {"a": "unchanged"}
    assert desk.read("a") == C


async def test_an_ephemeral_thread_leaves_nothing_on_disk(desk: Desk) -> None:
    state = await desk.agent.submit(StartThread(Overrides(), ephemeral=True), desk.client)
    assert isinstance(state, ThreadState)
    desk.thread_id = state.meta.id
    desk.write("a", A)
    turn = await desk.patches(a=B)
    assert desk.read("a") == B
    assert not desk.home.exists()
    assert (await desk.list())[0].files == 0
    assert (await desk.preview(turn)).files == ()


async def test_unknown_turns_and_restores_are_refused_in_words(desk: Desk) -> None:
    await desk.turn()
    with pytest.raises(RequestRefused, match="no turn with the id nowhere"):
        await desk.restore("nowhere")
    with pytest.raises(RequestRefused, match="no turn with the id nowhere"):
        await desk.restore("nowhere", "both")
    with pytest.raises(RequestRefused, match="nothing was restored in this thread with the id nothing"):
        await desk.redo("nothing")


async def test_what_was_moved_on_and_on_from_a_file_with_a_conflict_is_left_where_it_is(desk: Desk) -> None:
    desk.write("a", A)
    first = await desk.patches(a=None, b=A)
    desk.write("a", b"the user's\n")
    await desk.patches(b=None, c=A)
    await desk.patches(c=None, d=A)
    done = await desk.restore(first, on_conflict="skip")
    assert kinds(done) == {"a": "conflict", "b": "unchanged", "c": "unchanged", "d": "conflict"}
    assert (desk.read("a"), desk.read("d")) == (b"the user's\n", A)


async def test_a_damaged_database_is_told_in_a_sentence(desk: Desk) -> None:
    desk.write("a", A)
    await desk.patches(a=B)
    await desk.restart()
    for path in desk.home.glob("versions.sqlite3*"):
        path.write_bytes(b"garbage" * 1000)
    with pytest.raises(RequestRefused, match="earlier contents of files cannot be kept or read"):
        await desk.list()
