"""Checkpoints where not all is one thread's: forks, other threads, and text that an editor has not saved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from fakes.editing import Desk, kinds
from treadle.core.errors import RequestRefused
from treadle.core.ops import ForkThread
from treadle.runtime.agent import ThreadState

A, B = b"one\ntwo\nthree\nfour\n", b"one\ntwo\nTHREE\nfour\n"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    await desk.close()


async def test_another_threads_changes_are_merged_like_the_users(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)
    first = desk.thread_id
    desk.model.scripts.append([])
    desk.model.scripts.clear()
    desk.thread_id = ""
    await desk.patches(a=B + b"five\n")
    assert desk.thread_id != first
    desk.thread_id = first
    assert kinds(await desk.restore(turn)) == {"a": "merge"}
    assert desk.read("a") == A + b"five\n"


async def test_a_fork_can_undo_what_the_turns_that_it_has_did(desk: Desk) -> None:
    desk.write("a", A)
    turn = await desk.patches(a=B)
    restored = await desk.restore(turn)
    await desk.redo(restored.id)
    later = await desk.patches(b=b"b\n")
    copy = await desk.agent.submit(ForkThread(desk.thread_id, last_turn_id=turn), desk.client)
    assert isinstance(copy, ThreadState)
    desk.thread_id = copy.meta.id
    assert [each.files for each in await desk.list()] == [1]
    assert kinds(await desk.restore(turn)) == {"a": "restore"}
    assert (desk.read("a"), desk.read("b")) == (A, b"b\n")
    with pytest.raises(RequestRefused, match="no turn"):
        await desk.restore(later)


class Editor:
    """Documents by path, as an editor has them that is connected."""

    def __init__(self, **documents: str) -> None:
        self.documents = documents

    async def fetch(self, paths: Sequence[str]) -> None:
        """It tells of every change by itself."""

    def text(self, path: str) -> str | None:
        return self.documents.get(path)

    def version(self, path: str) -> int | None:
        return 1 if path in self.documents else None

    async def write(self, changes: Sequence[tuple[str, str, str]]) -> None:
        for path, _, new in changes:
            self.documents[path] = new


async def test_text_that_is_not_saved_counts_and_is_changed_in_the_editor(desk: Desk) -> None:
    desk.write("a", A)
    desk.write("b", A)
    turn = await desk.patches(a=B, b=B, made=b"made\n")
    unsaved = "zero\n" + B.decode()
    editor = Editor(**{desk.path("a"): unsaved, desk.path("b"): "one\ntwo\ntyped\nfour\n", desk.path("made"): "made\n"})
    desk.files.buffers = editor  # type: ignore[assignment]
    done = await desk.restore(turn, on_conflict="skip")
    assert kinds(done) == {"a": "merge", "b": "conflict", "made": "delete"}
    assert editor.documents[desk.path("a")] == "zero\n" + A.decode()
    assert editor.documents[desk.path("b")] == "one\ntwo\ntyped\nfour\n"
    assert (desk.read("a"), desk.read("b"), desk.read("made")) == (B, B, None)
