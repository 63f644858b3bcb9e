"""The Files port on a real disk: all or nothing, only where the policy allows, whatever symlinks are in the way."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from treadle.adapters import file_commit
from treadle.adapters.file_commit import Commit
from treadle.adapters.files import MAX_BYTES, DiskFiles
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import FileState

FULL = SandboxPolicy("danger-full-access")


def inside(*roots: Path) -> SandboxPolicy:
    return SandboxPolicy("workspace-write", tuple(map(str, roots)), exclude_slash_tmp=True, exclude_tmpdir=True)


def state(path: Path, data: bytes | None, mode: int | None = None) -> FileState:
    return FileState(str(path), data, mode)


async def test_reading_gives_content_and_mode_and_none_for_what_is_absent(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x\0")
    (tmp_path / "f").chmod(0o640)
    files = DiskFiles()
    assert await files.read(str(tmp_path / "f")) == state(tmp_path / "f", b"x\0", 0o640)
    assert await files.read(str(tmp_path / "no/such")) == state(tmp_path / "no/such", None)


async def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(MAX_BYTES + 1)
    for name in (".", "pipe", "huge"):
        with pytest.raises(OSError, match=r"is a directory|is not a regular file|is larger than 16 MiB"):
            await DiskFiles().read(str(tmp_path / name))


async def test_a_commit_writes_creates_folders_keeps_modes_and_deletes(tmp_path: Path) -> None:
    script, doomed, new = tmp_path / "run.sh", tmp_path / "doomed", tmp_path / "a/b/new"
    script.write_bytes(b"1")
    script.chmod(0o755)
    doomed.write_bytes(b"2")
    files = DiskFiles()
    before = [await files.read(str(path)) for path in (script, doomed, new)]
    await files.commit(before, [state(script, b"one"), state(doomed, None), state(new, b"three")], inside(tmp_path))
    assert script.read_bytes() == b"one"
    assert script.stat().st_mode & 0o777 == 0o755
    assert not doomed.exists()
    assert new.read_bytes() == b"three"
    assert leftovers(tmp_path) == []


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob("*.tmp"))


async def test_a_stale_file_stops_the_whole_commit_and_leaves_nothing_behind(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    two.write_bytes(b"user's")
    with pytest.raises(FileExistsError) as refused:
        await DiskFiles().commit(
            [state(one, None), state(two, b"old")],
            [state(one, b"new"), state(two, b"new"), state(tmp_path / "x/y/z", b"new")],
            inside(tmp_path),
        )
    assert refused.value.filename == str(two)
    assert sorted(os.listdir(tmp_path)) == ["two"]
    assert two.read_bytes() == b"user's"


async def test_a_file_that_appeared_meanwhile_is_stale_too(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"user's")
    with pytest.raises(FileExistsError):
        await DiskFiles().commit([state(tmp_path / "f", None)], [state(tmp_path / "f", b"new")], inside(tmp_path))
    assert (tmp_path / "f").read_bytes() == b"user's"


async def test_a_failure_half_way_puts_everything_back(tmp_path: Path) -> None:
    first, gone = tmp_path / "first", tmp_path / "gone"
    first.write_bytes(b"1")
    first.chmod(0o600)
    gone.write_bytes(b"2")
    before = [state(first, b"1", 0o600), state(gone, b"2", 0o644)]
    # The second name of one file cannot go away twice: this fails when everything else is in place already.
    twice = [state(tmp_path / "./gone", None), FileState(f"{tmp_path}/.//gone", None)]
    after = [state(first, b"new"), state(tmp_path / "n/e/w", b"new"), *twice]
    with pytest.raises(FileNotFoundError):
        await DiskFiles().commit(before, after, inside(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["first", "gone"]
    assert (first.read_bytes(), first.stat().st_mode & 0o777, gone.read_bytes()) == (b"1", 0o600, b"2")


async def test_a_read_only_policy_allows_nothing(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="read-only"):
        await DiskFiles().commit([], [state(tmp_path / "f", b"x")], SandboxPolicy("read-only", (str(tmp_path),)))


@pytest.mark.parametrize("mode", ["danger-full-access", "external"])
async def test_a_policy_that_does_not_confine_allows_all(tmp_path: Path, mode: str) -> None:
    policy = SandboxPolicy(mode)  # type: ignore[arg-type]
    await DiskFiles().commit([], [state(tmp_path / ".git/config", b"x")], policy)
    assert (tmp_path / ".git/config").read_bytes() == b"x"


async def test_temporary_folders_are_writable_unless_excluded(tmp_path: Path) -> None:
    root, temporary = tmp_path / "root", tmp_path / "temporary"
    root.mkdir()
    temporary.mkdir()
    files = DiskFiles(tmpdir=str(temporary))
    policy = SandboxPolicy("workspace-write", (str(root),), exclude_slash_tmp=True)
    await files.commit([], [state(temporary / "f", b"x")], policy)
    assert (temporary / "f").exists()
    with pytest.raises(PermissionError):
        await files.commit([], [state(temporary / "g", b"x")], inside(root))


@pytest.mark.parametrize(
    "name",
    [".git/config", ".git", ".codex/config.toml", ".agents/skills/x", ".vscode/tasks.json", "sub/repo/.git/hooks/pre-commit"],
)
@pytest.mark.parametrize("data", [b"x", None])
async def test_protected_paths_stay_as_they_are(tmp_path: Path, name: str, data: bytes | None) -> None:
    with pytest.raises(PermissionError, match="is protected"):
        await DiskFiles().commit([], [state(tmp_path / name, data)], inside(tmp_path))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "spelling", ["../out/f", "sub/../../out/f", "out-link/f", "file-link", "out-link/new/f", "git-link/config"]
)
async def test_no_spelling_and_no_symlink_leads_out_of_the_roots(tmp_path: Path, spelling: str) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    for folder in (root / "sub", root / ".git", out):
        folder.mkdir(parents=True)
    (out / "f").write_bytes(b"old")
    (root / "out-link").symlink_to(out)
    (root / "file-link").symlink_to(out / "f")
    (root / "git-link").symlink_to(".git")
    with pytest.raises(PermissionError):
        await DiskFiles().commit([], [FileState(f"{root}/{spelling}", b"new")], inside(root))
    assert (out / "f").read_bytes() == b"old"
    assert os.listdir(out) == ["f"]
    assert os.listdir(root / ".git") == []


async def test_a_symlink_within_the_roots_is_followed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "link").symlink_to("f")
    await DiskFiles().commit([state(tmp_path / "link", b"old")], [state(tmp_path / "link", b"new")], inside(tmp_path))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "f").read_bytes() == b"new"


async def test_a_symlink_swapped_in_after_the_check_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    (root / "sub").mkdir(parents=True)
    out.mkdir()
    check = file_commit.refusal

    def swap(path: str, roots: tuple[str, ...] | None, own: tuple[str, ...]) -> str | None:
        answer = check(path, roots, own)
        (root / "sub").rmdir()
        (root / "sub").symlink_to(out)
        return answer

    monkeypatch.setattr(file_commit, "refusal", swap)
    with pytest.raises(OSError):
        await DiskFiles().commit([], [state(root / "sub/f", b"x")], inside(root))
    assert os.listdir(out) == []


async def test_a_root_replaced_by_a_symlink_does_not_take_its_permission_along(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    files = DiskFiles()
    await files.commit([], [state(root / "f", b"x")], inside(root))
    root.rename(tmp_path / "moved")
    root.symlink_to(out)
    with pytest.raises(PermissionError):
        await files.commit([], [state(root / "g", b"x")], inside(root))
    assert os.listdir(out) == []


async def test_content_over_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="larger than 16 MiB"):
        await DiskFiles().commit([], [state(tmp_path / "f", bytes(MAX_BYTES + 1))], FULL)
    assert os.listdir(tmp_path) == []


async def test_the_agents_own_folder_is_refused_inside_a_root(tmp_path: Path):
    (tmp_path / "codex").mkdir()
    (tmp_path / "link").symlink_to("codex")
    files = DiskFiles(own=(str(tmp_path / "codex"),))
    for name in ("codex/config.toml", "link/AGENTS.md"):
        with pytest.raises(PermissionError, match="own folder"):
            await files.commit([], [state(tmp_path / name, b"x")], inside(tmp_path))
    assert list((tmp_path / "codex").iterdir()) == []


@pytest.mark.parametrize("fails", [False, True])
async def test_a_commit_that_is_cancelled_once_it_is_written_down_as_done_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    finish = Commit.finish

    def held(commit: Commit) -> None:
        finish(commit)
        reached.set()
        assert go_on.wait(60)
        if fails:
            raise OSError("the disk")

    monkeypatch.setattr(Commit, "finish", held)
    (tmp_path / "f").write_bytes(b"old")
    work = await changing(tmp_path / "f", DiskFiles(journal=tmp_path / "journal"))
    assert await asyncio.to_thread(reached.wait, 60)
    work.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await work
    assert (tmp_path / "f").read_bytes() == b"new"
    assert (leftovers(tmp_path), os.listdir(tmp_path / "journal")) == ([], [])


async def test_a_commit_that_is_cancelled_before_it_is_written_down_as_done_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    put = Commit.put

    def held(commit: Commit, stopped: Callable[[], bool]) -> None:
        put(commit, stopped)
        reached.set()
        assert go_on.wait(60)

    monkeypatch.setattr(Commit, "put", held)
    (tmp_path / "f").write_bytes(b"old")
    work = await changing(tmp_path / "f", DiskFiles(journal=tmp_path / "journal"))
    assert await asyncio.to_thread(reached.wait, 60)
    assert (tmp_path / "f").read_bytes() == b"new"
    work.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert (tmp_path / "f").read_bytes() == b"old"
    assert (leftovers(tmp_path), os.listdir(tmp_path / "journal")) == ([], [])


async def changing(file: Path, files: DiskFiles) -> asyncio.Task[None]:
    before = await files.read(str(file))
    return asyncio.create_task(files.commit([before], [state(file, b"new")], FULL))
