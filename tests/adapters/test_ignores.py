"""Which files are not looked at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from treadle.adapters.watch.ignores import Ignores


def entered(root: Path, *own: str) -> Ignores:
    ignores = Ignores(str(root), own)
    for folder, _, _ in os.walk(root):
        fd = os.open(folder, os.O_RDONLY)
        inside = os.path.relpath(folder, root)
        ignores.enter("" if inside == "." else inside, fd)
        os.close(fd)
    return ignores


FILES = [
    "a.log",
    "keep.log",
    "src/a.log",
    "src/b.py",
    "build/x",
    "src/build/x",
    "docs/build",
    "src/deep/t.tmp",
    "src/deep/u.tmp",
    "notes.txt",
]


def test_files_are_ignored_as_git_ignores_them(tmp_path: Path) -> None:
    (tmp_path / "src/deep").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("# logs\n*.log\n!keep.log\n/build/\ndocs/**\nnotes.tx?\n\n[broken\n[z-a]\n")
    (tmp_path / "src/.gitignore").write_text("!a.log\nbuild/\n")
    (tmp_path / "src/deep/.gitignore").write_text("*.tmp\n!u.tmp\n")
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    asked = subprocess.run(
        ["git", "check-ignore", "--stdin"], cwd=tmp_path, input="\n".join(FILES), capture_output=True, text=True, check=True
    )
    ignores = entered(tmp_path)
    found = [name for name in FILES if ignores.ignored(*os.path.split(name), is_folder=False)]
    assert found == asked.stdout.split()


@pytest.mark.parametrize("name", ["node_modules", ".git", "__pycache__", ".venv", "target"])
def test_what_is_nobodys_work_is_ignored_at_any_depth(tmp_path: Path, name: str) -> None:
    assert Ignores(str(tmp_path), ()).ignored(f"a/{name}/b", "c", is_folder=False)


def test_own_patterns_count_beside_those_of_git(tmp_path: Path) -> None:
    ignores = entered(tmp_path, "*.bin", "/data/")
    assert ignores.ignored("a", "b.bin", is_folder=False) and ignores.ignored("data", "x", is_folder=False)
    assert not ignores.ignored("a/data", "x", is_folder=False)


def test_the_rules_of_a_clone_that_are_not_checked_in_count(tmp_path: Path) -> None:
    (tmp_path / ".git/info").mkdir(parents=True)
    (tmp_path / ".git/info/exclude").write_text("private\n")
    assert entered(tmp_path).ignored("", "private", is_folder=False)
