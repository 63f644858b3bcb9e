"""A commit that fails, is stopped or is killed at any of its steps: all of it or nothing, and nothing left lying about."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from treadle.adapters import file_commit
from treadle.adapters.file_commit import Bounds, Commit
from treadle.adapters.file_journal import Journal
from treadle.adapters.file_read import read
from treadle.adapters.files import DiskFiles
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import FileState

FULL = SandboxPolicy("danger-full-access")
CHANGING = ("write", "link", "rename", "unlink", "ftruncate", "fdatasync", "fchmod", "setxattr", "mkdir", "rmdir")


class Interposed:
    """The module os, but for calls that change the disk: `before` is told the number of each."""

    def __init__(self, before: Callable[[int, str, tuple[Any, ...]], None]) -> None:
        self._before = before
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CHANGING and name != "open":
            return real

        def call(*args: Any, **options: Any) -> Any:
            if name != "open" or args[1] & (os.O_CREAT | os.O_WRONLY):
                self.count += 1
                self._before(self.count, name, args)
            return real(*args, **options)

        return call


def make(folder: Path) -> tuple[list[FileState], list[FileState]]:
    """Files of every kind, and what shall become of them: before, after."""
    (folder / "sub").mkdir(parents=True)
    for name in ("changed", "deleted", "moved", "hard"):
        (folder / name).write_bytes(f"old {name}\n".encode())
    (folder / "changed").chmod(0o640)
    with suppress(OSError):
        # Not every file system has them; then there is nothing to keep.
        os.setxattr(folder / "changed", "user.note", b"kept")
    os.link(folder / "hard", folder / "sub/other name")
    (folder / "link").symlink_to("changed")
    paths = ["link", "deleted", "moved", "hard", "new/deep/file", "sub/target"]
    before = [read(os.path.realpath(folder / path)) for path in paths]
    linked, deleted, moved, hard, made, target = before
    after = [
        FileState(deleted.path, None),
        FileState(linked.path, b"new changed\n", linked.mode),
        FileState(moved.path, None),
        FileState(target.path, b"new target\n", moved.mode),
        FileState(hard.path, b"new\n", hard.mode),
        FileState(made.path, b"new file\n"),
    ]
    return before, after


OLD = {"changed": b"old changed\n", "deleted": b"old deleted\n", "moved": b"old moved\n", "hard": b"old hard\n"}
NEW = {"changed": b"new changed\n", "hard": b"new\n", "new/deep/file": b"new file\n", "sub/target": b"new target\n"}


def whole(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {**contents, "link": contents["changed"], "sub/other name": contents["hard"]}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def folders(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_dir())


def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The changing calls that a commit makes to get all in its place."""
    before, after = make(tmp_path / "counted")
    names: list[str] = []
    counter = Interposed(lambda number, name, args: names.append(name))
    monkeypatch.setattr(file_commit, "os", counter)
    commit = Commit(before, after, Bounds(None), Journal(tmp_path / "counting"))
    commit.put()
    put = list(names)
    commit.finish()
    monkeypatch.undo()
    assert contents(tmp_path / "counted") == whole(NEW)
    assert folders(tmp_path / "counted") == ["new", "new/deep", "sub"]
    assert list((tmp_path / "counting").iterdir()) == []
    return put


def test_what_belongs_to_a_file_is_kept(tmp_path: Path) -> None:
    before, after = make(tmp_path)
    attributes = os.listxattr(tmp_path / "changed")
    commit = Commit(before, after, Bounds((str(tmp_path.resolve()),)), None)
    commit.put()
    commit.finish()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "changed").stat().st_mode & 0o777 == 0o640
    assert os.listxattr(tmp_path / "changed") == attributes
    assert (tmp_path / "hard").stat().st_ino == (tmp_path / "sub/other name").stat().st_ino
    assert contents(tmp_path) == whole(NEW)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_failure_at_any_step_leaves_the_disk_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    for at in range(1, len(steps(tmp_path, monkeypatch)) + 1):
        folder = tmp_path / f"ws{at}"
        before, after = make(folder)
        inode = (folder / "changed").stat().st_ino
        failed: list[str] = []

        def fail(number: int, name: str, args: tuple[Any, ...], at: int = at, failed: list[str] = failed) -> None:
            if number == at:
                failed.append(name)
                raise OSError(error, os.strerror(error))

        monkeypatch.setattr(file_commit, "os", Interposed(fail))
        commit = Commit(before, after, Bounds(None), Journal(tmp_path / "journal"))
        survived = False
        try:
            commit.put()
            survived = True
        except OSError as raised:
            assert raised.errno == error
            assert "could not be put back" not in str(raised)
        monkeypatch.undo()
        if survived:
            # Links and attributes are only used where the disk has them.
            assert failed in (["link"], ["setxattr"])
            commit.undo()
        assert contents(folder) == whole(OLD), f"step {at}: {failed}"
        assert folders(folder) == ["sub"]
        assert (folder / "changed").stat().st_ino == inode or failed == ["link"]
        assert (folder / "changed").stat().st_mode & 0o777 == 0o640
        assert (folder / "hard").stat().st_nlink == 2
    assert list((tmp_path / "journal").glob("*")) == []


def test_a_stop_at_any_step_leaves_the_disk_as_it_was(tmp_path: Path) -> None:
    for at in range(1, 40):
        folder = tmp_path / f"ws{at}"
        before, after = make(folder)
        asked = iter(range(1, 1000))
        commit = Commit(before, after, Bounds(None), Journal(tmp_path / "journal"))
        try:
            commit.put(lambda asked=asked, at=at: next(asked) == at)
        except InterruptedError:
            assert contents(folder) == whole(OLD)
            assert folders(folder) == ["sub"]
        else:
            assert at > len(after) * 3
            commit.undo()
            assert contents(folder) == whole(OLD)
            return
    raise AssertionError("a commit has an end")


@pytest.mark.parametrize("torn", [False, True])
def test_a_process_killed_at_any_step_has_changed_nothing_once_the_next_one_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: bool
) -> None:
    names = steps(tmp_path, monkeypatch)
    through = len(names)
    for at in range(1, 1_000):
        folder = tmp_path / f"ws{at}"
        before, after = make(folder)
        killed = commit_and_die(at, before, after, tmp_path / "journal", torn)
        Journal(tmp_path / "journal").recover()
        assert contents(folder) == whole(OLD if at <= through else NEW), f"step {at} of {through}"
        # folders are made before the record is, but stay empty then
        assert at > through or folders(folder) == ["sub"] or at <= names.index("open")
        assert list((tmp_path / "journal").glob("*")) == []
        if not killed:
            return
    raise AssertionError("a commit has an end")


def commit_and_die(at: int, before: list[FileState], after: list[FileState], journal: Path, torn: bool = False) -> bool:
    """In a process of its own, killed at this step; false when there are not so many."""

    def die(number: int, name: str, args: tuple[Any, ...]) -> None:
        if number == at:
            if torn and name == "write":
                os.write(args[0], bytes(args[1])[:2])
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        file_commit.os = Interposed(die)  # type: ignore[assignment]
        commit = Commit(before, after, Bounds(None), Journal(journal))
        commit.put()
        commit.finish()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_files_that_somebody_changed_after_the_kill_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    through = len(steps(tmp_path, monkeypatch))
    before, after = make(tmp_path / "ws")
    assert commit_and_die(through, before, after, tmp_path / "journal")
    (tmp_path / "ws/changed").write_bytes(b"the user's")
    (tmp_path / "ws/new/deep/mine").write_bytes(b"the user's")
    (tmp_path / "ws/deleted").write_bytes(b"the user's")
    Journal(tmp_path / "journal").recover()
    theirs = {name: b"the user's" for name in ("changed", "new/deep/mine", "deleted")}
    assert contents(tmp_path / "ws") == whole({**OLD, **theirs})


def test_what_the_user_wrote_after_the_kill_is_not_mended_away(tmp_path: Path) -> None:
    target = tmp_path / "f"
    target.write_bytes(b"old old old")
    os.link(target, tmp_path / "g")
    state = read(str(target))
    child = os.fork()
    if child == 0:
        file_commit._sync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
        Commit([state], [FileState(str(target), b"new")], Bounds(None), Journal(tmp_path / "journal")).put()
    os.waitpid(child, 0)
    target.write_bytes(b"the user's")
    Journal(tmp_path / "journal").recover()
    assert target.read_bytes() == b"the user's"
    assert list((tmp_path / "journal").glob("*")) == []


def test_a_commit_under_way_in_another_process_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".f.0123456789ab.tmp").write_bytes(b"staged")
    record = Journal(tmp_path / "journal").begin([(str(tmp_path), ".f.0123456789ab.tmp")], [])
    assert record is not None
    Journal(tmp_path / "journal").recover()
    assert (tmp_path / ".f.0123456789ab.tmp").exists()
    record.close()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"temporary": [["/", "etc"]], "overwrites": [[1]]}'])
def test_a_broken_record_harms_nobody(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/x.json").write_bytes(body)
    Journal(tmp_path / "journal").recover()


def test_only_names_of_ours_are_cleared_and_never_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/.f.0123456789ab.tmp").write_bytes(b"")
    (tmp_path / "real/mine").write_bytes(b"")
    (tmp_path / "linked").symlink_to("real")
    record = Journal(tmp_path / "journal").begin(
        [(str(tmp_path / "linked"), ".f.0123456789ab.tmp"), (str(tmp_path / "real"), "mine")], []
    )
    assert record is not None
    record._file.close()
    Journal(tmp_path / "journal").recover()
    assert sorted(os.listdir(tmp_path / "real")) == [".f.0123456789ab.tmp", "mine"]


def test_a_file_made_by_somebody_else_in_the_last_moment_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "f"

    def meanwhile(number: int, name: str, args: tuple[Any, ...]) -> None:
        if name == "link":
            target.write_bytes(b"the user's")

    monkeypatch.setattr(file_commit, "os", Interposed(meanwhile))
    with pytest.raises(FileExistsError):
        Commit([FileState(str(target), None)], [FileState(str(target), b"ours")], Bounds(None), None).put()
    assert target.read_bytes() == b"the user's"
    assert os.listdir(tmp_path) == ["f"]


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "f"
    target.write_bytes(b"old")
    target.chmod(0o444)
    # Root may write anything: say what an ordinary user would be told.
    monkeypatch.setattr(file_commit.os, "access", lambda path, mode, **options: mode != os.W_OK)
    with pytest.raises(PermissionError, match="read-only"):
        Commit([read(str(target))], [FileState(str(target), b"new")], Bounds(None), None).put()
    assert os.listdir(tmp_path) == ["f"]


def test_an_owner_that_cannot_be_kept_is_kept_by_writing_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "f"
    target.write_bytes(b"old")
    inode = target.stat().st_ino
    monkeypatch.setattr(file_commit, "_keeps_owner", lambda fd, found: False)
    commit = Commit([read(str(target))], [FileState(str(target), b"new")], Bounds(None), None)
    commit.put()
    assert (target.read_bytes(), target.stat().st_ino) == (b"new", inode)
    commit.undo()
    assert (target.read_bytes(), target.stat().st_ino) == (b"old", inode)
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_renamed_in_case_only_is_not_lost_where_cases_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "readme").write_bytes(b"old")
    real = os.stat

    def caseless(path: Any, **options: Any) -> os.stat_result:
        return real(path.lower() if isinstance(path, str) and "/" not in path else path, **options)

    monkeypatch.setattr(file_commit.os, "stat", caseless)
    before = [read(str(tmp_path / "readme")), FileState(str(tmp_path / "README"), None)]
    after = [FileState(str(tmp_path / "README"), b"new"), FileState(str(tmp_path / "readme"), None)]
    commit = Commit(before, after, Bounds(None), None)
    commit.put()
    commit.finish()
    # This disk does tell cases apart, so that both are there: what matters is that nothing was deleted.
    assert contents(tmp_path) == {"README": b"new", "readme": b"old"}


async def test_a_cancelled_commit_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = make(tmp_path / "ws")
    reached, go_on = threading.Event(), threading.Event()

    def hold(number: int, name: str, args: tuple[Any, ...]) -> None:
        if name == "rename" and not reached.is_set():
            reached.set()
            assert go_on.wait(60)

    monkeypatch.setattr(file_commit, "os", Interposed(hold))
    work = asyncio.create_task(DiskFiles().commit(before, after, FULL))
    assert await asyncio.to_thread(reached.wait, 60)
    work.cancel()
    await asyncio.sleep(0)
    work.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert contents(tmp_path / "ws") == whole(OLD)
    assert folders(tmp_path / "ws") == ["sub"]


async def test_long_names_have_short_temporary_names(tmp_path: Path) -> None:
    name = "é" * 127
    await DiskFiles().commit([], [FileState(str(tmp_path / name), b"x")], FULL)
    assert os.listdir(tmp_path) == [name]
    with pytest.raises(OSError, match="name too long"):
        await DiskFiles().commit([], [FileState(str(tmp_path / ("é" * 128)), b"x")], FULL)
