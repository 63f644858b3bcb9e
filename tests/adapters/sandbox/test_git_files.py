"""What a repository says about other places, written by real git and read without it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from treadle.adapters.sandbox import git_files, protected

WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")


def git(folder: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *WHO, "-C", str(folder), *words], check=True, capture_output=True, env=environment)


def repository(folder: Path, *options: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", *options)
    (folder / "first").write_text("1")
    git(folder, "add", "first")
    git(folder, "commit", "-qm", "one")
    return folder


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A repository with a submodule that was never fetched, as after a plain clone."""
    repository(tmp_path / "library")
    parent = repository(tmp_path / "parent")
    for number in range(30):
        (parent / f"file{number}").write_text("content")
    git(parent, "submodule", "add", "-q", str(tmp_path / "library"), "lib/sub")
    git(parent, "add", "-A")
    git(parent, "commit", "-qm", "two")
    git(parent, "submodule", "deinit", "-f", "lib/sub")
    return parent


def missing(root: Path) -> set[str]:
    return protected.find((str(root),), (), ()).missing


def existing(root: Path) -> set[str]:
    return protected.find((str(root),), (), ()).existing


def test_a_submodule_is_known_by_the_index_when_gitmodules_is_gone(parent: Path) -> None:
    (parent / ".gitmodules").unlink()
    assert f"{parent}/lib/sub/.git" in missing(parent)


def test_a_submodule_whose_folder_is_gone_keeps_its_place(parent: Path) -> None:
    (parent / "lib" / "sub").rmdir()
    (parent / "lib").rmdir()
    assert f"{parent}/lib" in missing(parent)
    (parent / ".git" / "index").unlink()  # then nothing but .gitmodules speaks of it, and git does not look there
    assert f"{parent}/lib" not in missing(parent)


def test_a_submodule_of_a_submodule_is_found(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    parent.rename(tmp_path / "top" / "parent")
    assert f"{tmp_path}/top/parent/lib/sub/.git" in missing(tmp_path / "top")


def test_submodules_are_found_in_an_index_of_sha256_hashes(tmp_path: Path) -> None:
    folder = repository(tmp_path / "new", "--object-format=sha256")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 64},deep/one")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'2' * 64},two")
    assert set(git_files.in_index(str(folder), f"{folder}/.git")) == {f"{folder}/deep/one", f"{folder}/two"}


def test_a_file_whose_content_looks_like_a_submodule_is_none(tmp_path: Path) -> None:
    folder = repository(tmp_path / "plain")
    (folder / ("a" * 24 + "\\000\\000\\340\\000")).write_bytes(b"\0\0\xe0\0" * 100)
    git(folder, "add", "-A")
    assert git_files.in_index(str(folder), f"{folder}/.git") == ()


def test_a_linked_worktree_is_found_where_the_search_does_not_look(tmp_path: Path) -> None:
    folder = repository(tmp_path / "main")
    git(folder, "worktree", "add", "-q", str(folder / ".worktrees" / "feature"))
    assert f"{folder}/.worktrees/feature/.git" in existing(folder)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("core.hooksPath", ".githooks", ".githooks"),
        ("core.hooksPath", ".husky/_", ".husky"),
        ("core.fsmonitor", "./tools/watch --now", "tools/watch"),
        ("include.path", "../.gitconfig", ".gitconfig"),
        ("includeIf.gitdir:/.path", "../.gitconfig", ".gitconfig"),
    ],
)
def test_hooks_and_configuration_in_the_workspace_are_kept(tmp_path: Path, key: str, value: str, kept: str) -> None:
    folder = repository(tmp_path / "main")
    for name in (".githooks", ".husky/_", "tools"):
        (folder / name).mkdir(parents=True)
    (folder / "tools" / "watch").write_text("")
    (folder / ".gitconfig").write_text("")
    before = existing(folder)
    git(folder, "config", key, value)
    assert existing(folder) - before == {f"{folder}/{kept}"}


def test_configuration_that_is_included_is_followed(tmp_path: Path) -> None:
    folder = repository(tmp_path / "main")
    (folder / "hooks").mkdir()
    (folder / "shared").write_text("[core] hooksPath = hooks\n")
    git(folder, "config", "include.path", "../shared")
    assert {f"{folder}/hooks", f"{folder}/shared"} <= existing(folder)


def test_a_repository_cannot_name_folders_that_are_not_its_own(tmp_path: Path) -> None:
    root = repository(tmp_path / "root")
    (root / "source").mkdir()
    inner = repository(root / "inner")
    git(inner, "config", "core.hooksPath", str(root / "source"))
    assert f"{root}/source" not in existing(root)


def test_a_folder_between_two_roots_gets_no_repository(tmp_path: Path) -> None:
    (tmp_path / "outer" / "between" / "inner").mkdir(parents=True)
    outer, inner = str(tmp_path / "outer"), str(tmp_path / "outer" / "between" / "inner")
    found = protected.find((inner,), (outer,), ())
    assert f"{outer}/between/.git" in found.missing
    assert f"{outer}/between/.codex" not in found.missing
    repository(tmp_path / "outer")
    assert f"{outer}/between/.codex" in protected.find((outer, inner), (), ()).missing


def test_a_workspace_file_of_the_editor_is_kept(tmp_path: Path) -> None:
    (tmp_path / "all.code-workspace").write_text("{}")
    assert f"{tmp_path}/all.code-workspace" in existing(tmp_path)


def test_neither_a_fifo_nor_a_device_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    assert git_files.head(str(tmp_path / "fifo"), 10) == ""
    assert git_files.head(str(tmp_path / "device"), 10) == ""
