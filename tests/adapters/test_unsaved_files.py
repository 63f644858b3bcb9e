"""Files that are open in an editor: unsaved text counts, is changed by the editor alone, and never half with the disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from treadle.adapters.files import DiskFiles
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import FileState

FULL = SandboxPolicy("danger-full-access")


class Editor:
    """Documents by path; `declines` says whether edits are refused."""

    def __init__(self, *, declines: bool = False) -> None:
        self.documents: dict[str, str] = {}
        self.declines = declines
        self.versions: dict[str, int] = {}

    async def fetch(self, paths: Sequence[str]) -> None:
        """It tells of every change by itself."""

    def text(self, path: str) -> str | None:
        return self.documents.get(path)

    def version(self, path: str) -> int | None:
        return self.versions.get(path)

    async def write(self, changes: Sequence[tuple[str, str, str]]) -> None:
        if self.declines:
            raise OSError(errno.EBUSY, "declined", changes[0][0])
        for path, old, new in changes:
            assert self.documents[path] == old
            self.documents[path] = new


def files_with(editor: Editor) -> DiskFiles:
    files = DiskFiles()
    files.buffers = editor
    return files


async def test_unsaved_text_is_the_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"saved\n")
    editor = Editor()
    files = files_with(editor)
    editor.documents[str(path)] = "typed\n"
    state = await files.read(str(path))
    assert (state.data, state.unsaved) == (b"typed\n", True)
    state = await files.read(str(path), on_disk=True)
    assert (state.data, state.unsaved) == (b"saved\n", False)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\nb\n", "a\nb\n"),
        (b"a\r\nb\n", "a\r\nb\r\n"),
        (b"\xef\xbb\xbfa\n", "a\n"),
        ("\ufeffé\n".encode("utf-16-le"), "é\n"),
        (b"caf\xe9\n", "café\n"),
    ],
)
async def test_an_editor_that_shows_what_is_saved_makes_no_difference(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    editor = Editor()
    editor.documents[str(path)] = text
    files = files_with(editor)
    before = await files.read(str(path))
    assert (before.data, before.unsaved) == (data, False)
    await files.commit([before], [FileState(str(path), b"new\n")], FULL)
    assert path.read_bytes() == b"new\n"


async def test_a_document_of_a_file_that_is_gone_does_not_bring_it_back(tmp_path: Path) -> None:
    editor = Editor()
    editor.documents[str(tmp_path / "f")] = "typed\n"
    assert (await files_with(editor).read(str(tmp_path / "f"))).data is None


async def test_editor_and_disk_change_together(tmp_path: Path) -> None:
    typed, saved = tmp_path / "typed", tmp_path / "saved"
    typed.write_bytes(b"old\n")
    saved.write_bytes(b"1\n")
    editor = Editor()
    editor.documents[str(typed)] = "unsaved\n"
    files = files_with(editor)
    before = [await files.read(str(typed)), await files.read(str(saved))]
    after = [FileState(str(typed), b"unsaved and ours\n"), FileState(str(saved), b"2\n")]
    await files.commit(before, after, FULL)
    assert editor.documents[str(typed)] == "unsaved and ours\n"
    assert (typed.read_bytes(), saved.read_bytes()) == (b"old\n", b"2\n")


@pytest.mark.parametrize("declines", [True, False])
async def test_neither_changes_when_the_other_cannot(tmp_path: Path, declines: bool) -> None:
    typed, saved = tmp_path / "typed", tmp_path / "saved"
    typed.write_bytes(b"old\n")
    saved.write_bytes(b"1\n")
    editor = Editor(declines=declines)
    editor.documents[str(typed)] = "unsaved\n"
    files = files_with(editor)
    before = [await files.read(str(typed)), await files.read(str(saved))]
    if not declines:
        saved.write_bytes(b"somebody else's\n")
    after = [FileState(str(typed), b"ours\n"), FileState(str(saved), b"2\n"), FileState(str(tmp_path / "new/f"), b"3\n")]
    with pytest.raises(OSError, match="declined" if declines else "changed since"):
        await files.commit(before, after, FULL)
    assert editor.documents[str(typed)] == "unsaved\n"
    assert saved.read_bytes() == (b"1\n" if declines else b"somebody else's\n")
    assert sorted(os.listdir(tmp_path)) == ["saved", "typed"]


async def test_a_file_that_the_user_began_to_edit_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old\n")
    editor = Editor()
    files = files_with(editor)
    before = await files.read(str(path))
    editor.documents[str(path)] = "typing\n"
    with pytest.raises(FileExistsError, match="is editing the file"):
        await files.commit([before], [FileState(str(path), b"new\n")], FULL)
    assert path.read_bytes() == b"old\n"


async def test_the_roots_hold_for_documents_too(tmp_path: Path) -> None:
    root, path = tmp_path / "root", tmp_path / "f"
    root.mkdir()
    path.write_bytes(b"old\n")
    editor = Editor()
    editor.documents[str(path)] = "typed\n"
    files = files_with(editor)
    before = await files.read(str(path))
    policy = SandboxPolicy("workspace-write", (str(root),), exclude_slash_tmp=True, exclude_tmpdir=True)
    with pytest.raises(PermissionError, match="outside the writable folders"):
        await files.commit([before], [FileState(str(path), b"new\n")], policy)
    assert editor.documents[str(path)] == "typed\n"


async def test_a_file_with_unsaved_changes_is_not_deleted_and_an_editor_that_is_gone_takes_no_edits(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old\n")
    editor = Editor()
    editor.documents[str(path)] = "typed\n"
    files = files_with(editor)
    before = await files.read(str(path))
    with pytest.raises(OSError, match="ask the user to save"):
        await files.commit([before], [FileState(str(path), None)], FULL)
    files.buffers = None
    with pytest.raises(OSError, match="is gone"):
        await files.commit([before], [FileState(str(path), b"new\n")], FULL)
    assert path.read_bytes() == b"old\n"


async def test_an_editor_that_has_not_loaded_what_we_wrote_has_nothing_unsaved(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"first\n")
    editor = Editor()
    editor.documents[str(path)], editor.versions[str(path)] = "first\n", 7
    files = files_with(editor)
    for now in (b"second\n", b"third\n"):
        before = await files.read(str(path))
        assert not before.unsaved
        await files.commit([before], [FileState(str(path), now)], FULL)
    state = await files.read(str(path))
    assert (state.data, state.unsaved, path.read_bytes()) == (b"third\n", False, b"third\n")


async def test_the_users_own_undo_of_what_we_wrote_is_unsaved_text(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"first\n")
    editor = Editor()
    editor.documents[str(path)], editor.versions[str(path)] = "first\n", 7
    files = files_with(editor)
    await files.commit([await files.read(str(path))], [FileState(str(path), b"second\n")], FULL)
    editor.versions[str(path)] = 9  # loaded anew, and undone
    state = await files.read(str(path))
    assert (state.data, state.unsaved) == (b"first\n", True)


async def test_what_was_not_written_overtakes_no_editor(tmp_path: Path) -> None:
    path, other = tmp_path / "f", tmp_path / "g"
    path.write_bytes(b"first\n")
    other.write_bytes(b"1\n")
    editor = Editor()
    editor.documents[str(path)], editor.versions[str(path)] = "first\n", 7
    files = files_with(editor)
    before = [await files.read(str(path)), await files.read(str(other))]
    other.write_bytes(b"somebody else's\n")
    with pytest.raises(FileExistsError):
        await files.commit(before, [FileState(str(path), b"second\n"), FileState(str(other), b"2\n")], FULL)
    path.write_bytes(b"somebody else's\n")
    assert (await files.read(str(path))).unsaved
