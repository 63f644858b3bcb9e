"""core.git_folders: where a line changes repositories, as far as its words tell."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.core.git_folders import git_folders

LINES = [
    ("git commit -m x", ("/w",)),
    ("git status && git diff", ()),
    ("git status; git add .", ("/w",)),
    ("cd sub && git commit -m x", ("/w/sub",)),
    ("cd /a; cd ../b; git push", ("/b",)),
    ("cd $HOME && git pull", ("/w",)),
    ("git -C ../x commit", ("/x",)),
    ("git -C a -C b fetch", ("/w/a/b",)),
    ("git --work-tree=/y add .", ("/y",)),
    ("git -c user.name=a rebase main", ("/w",)),
    ("env A=1 git push", ("/w",)),
    ("sudo git gc", ("/w",)),
    ("bash -c 'cd sub; git commit'", ("/w/sub",)),
    ("(cd a; git add .)", ("/w/a",)),
    ("echo $(git commit)", ("/w",)),
    ("git add a && git -C lib checkout .", ("/w", "/w/lib")),
    ("echo git commit", ()),
    ("", ()),
]


@pytest.mark.parametrize(("line", "folders"), LINES)
def test_the_folders_of_a_line(line: str, folders: tuple[str, ...]) -> None:
    assert git_folders(line, "/w") == folders


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_line_is_too_strange(line: str) -> None:
    assert all(folder.startswith("/") for folder in git_folders(line, "/w"))
