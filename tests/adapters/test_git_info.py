"""What is read of real repositories, made by git itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from treadle.adapters.git import info
from treadle.core.git_info import GitInfo, without_credentials

ENVIRON = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *words], cwd=folder, env=ENVIRON, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "deep" / "er").mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", "https://me:token@example.com/x/y.git")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    git(folder, "checkout", "-q", "-b", "feature/x")
    return folder


def test_branch_commit_and_origin_are_those_that_git_says(repository: Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    wanted = GitInfo(sha, "feature/x", "https://example.com/x/y.git")
    assert info(str(repository)) == info(str(repository / "deep" / "er")) == wanted
    git(repository, "pack-refs", "--all")
    assert info(str(repository)) == wanted


def test_a_commit_that_is_checked_out_has_no_branch(repository: Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", sha)
    assert info(str(repository)) == GitInfo(sha, None, "https://example.com/x/y.git")


def test_a_worktree_has_a_branch_of_its_own_and_the_origin_of_all(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    found = info(str(tmp_path / "tree"))
    assert found == GitInfo(git(repository, "rev-parse", "other"), "other", "https://example.com/x/y.git")


def test_a_repository_without_commits_or_origin_has_a_branch_only(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert info(str(tmp_path)) == GitInfo(None, "main", None)


NONSENSE = [b"", b"\xff\x00", b"ref: ../../../etc/passwd", b"gitdir: nowhere", b"ref: refs/heads/x\n" * 9]


@pytest.mark.parametrize("content", NONSENSE)
def test_what_is_no_repository_is_no_reason_to_fail(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".git").write_bytes(content)
    assert info(str(tmp_path)) is None or isinstance(info(str(tmp_path)), GitInfo)
    (tmp_path / ".git").unlink()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_bytes(content)
    found = info(str(tmp_path))
    assert found is not None and found.sha is None
    (tmp_path / ".git" / "HEAD").unlink()
    os.mkfifo(tmp_path / ".git" / "HEAD")
    assert info(str(tmp_path)) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/a@b", "https://host/a@b"),
        ("https://token@host/a", "https://host/a"),
        ("ssh://git@host/a", "ssh://host/a"),
        ("git@host:a/b.git", "git@host:a/b.git"),
        ("/srv/git/a@b", "/srv/git/a@b"),
    ],
)
def test_an_address_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
