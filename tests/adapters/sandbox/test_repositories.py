"""Which repositories the bounded search finds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from treadle.adapters.sandbox import repositories


def test_the_search_goes_six_levels_down_and_not_into_what_is_installed(tmp_path: Path) -> None:
    inside = ("a/b", "a/b/c", ".hidden", "1/2/3/4/5/6")
    beyond = ("1/2/3/4/5/6/7", ".hidden/x", "node_modules/x/y")
    for name in (*inside, *beyond):
        (tmp_path / name / ".git").mkdir(parents=True)
    (tmp_path / "worktree").mkdir()
    (tmp_path / "worktree/.git").write_text("gitdir: elsewhere")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / ".git").mkdir()
    expected = {str(tmp_path / name) for name in (*inside, "worktree")}
    assert set(repositories.nested(str(tmp_path))) == expected


def test_a_large_tree_is_searched_nearest_first_and_no_further_than_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "_FOLDERS", 4)
    for name in ("p", "q", "r"):
        (tmp_path / name / "near" / ".git").mkdir(parents=True)
        (tmp_path / name / "near" / "far" / ".git").mkdir(parents=True)
    assert set(repositories.nested(str(tmp_path))) == {str(tmp_path / name / "near") for name in ("p", "q", "r")}


def test_a_kept_answer_forgets_a_folder_that_became_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root/a/.git").mkdir(parents=True)
    (tmp_path / "root/b/.git").mkdir(parents=True)
    root = str(tmp_path / "root")
    monkeypatch.setitem(repositories._kept, root, (time.monotonic() + 3600, (f"{root}/a", f"{root}/b")))
    (tmp_path / "root/a").rename(tmp_path / "outside")
    (tmp_path / "root/a").symlink_to("../outside")
    assert repositories.nested(root) == (f"{root}/b",)


def test_what_was_found_cannot_be_crowded_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "_REPOSITORIES", 3)
    monkeypatch.setattr(repositories, "_KEPT_SECONDS", 0.0)
    (tmp_path / "z/deep/.git").mkdir(parents=True)
    found = str(tmp_path / "z" / "deep")
    assert repositories.nested(str(tmp_path)) == (found,)
    for name in "abcdef":
        (tmp_path / name / ".git").mkdir(parents=True)
    assert found in repositories.nested(str(tmp_path))
    assert len(repositories.nested(str(tmp_path))) == 3
