"""What the paths of writable folders mean, and go on to mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from treadle.adapters.sandbox.mounts import writable
from treadle.adapters.sandbox.roots import Roots
from treadle.core.errors import TreadleError
from treadle.core.settings import SandboxPolicy


def reached(roots: Roots, *paths: Path) -> list[str]:
    given = tuple(str(path) for path in paths)
    policy = SandboxPolicy("workspace-write", writable_roots=given, exclude_slash_tmp=True, exclude_tmpdir=True)
    return list(writable(policy, {}, roots).roots)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (made := tmp_path / "workspace").mkdir()
    (tmp_path / "outside").mkdir()
    return made


def test_a_new_root_is_not_followed_through_a_link_that_a_command_could_make(workspace: Path) -> None:
    roots = Roots()
    reached(roots, workspace)
    (workspace / "inner").symlink_to("../outside")
    with pytest.raises(TreadleError, match=r"inner is a link, in a place that commands may write"):
        reached(roots, workspace, workspace / "inner")
    (workspace / "deep").mkdir()
    (workspace / "deep" / "up").symlink_to("..")
    with pytest.raises(TreadleError, match=r"up is a link"):
        reached(roots, workspace / "deep" / "up")


def test_neither_is_one_that_was_a_folder_and_missing_in_between(workspace: Path) -> None:
    roots, inner = Roots(), workspace / "inner"
    inner.mkdir()
    assert reached(roots, workspace, inner) == [str(workspace), str(inner)]
    inner.rmdir()
    with pytest.raises(TreadleError, match="does not exist"):
        reached(roots, workspace, inner)
    inner.symlink_to("../outside")
    with pytest.raises(TreadleError, match="inner is a link"):
        reached(roots, workspace, inner)


def test_links_of_the_user_are_followed(workspace: Path) -> None:
    outside = workspace.parent / "outside"
    (workspace / "data").symlink_to(outside)
    (workspace.parent / "way").symlink_to("workspace/../workspace")
    roots = Roots()
    assert reached(roots, workspace.parent / "way", workspace / "data") == [str(workspace), str(outside)]
    assert reached(roots, workspace / "data") == [str(outside)], "as it was when no command had run yet"


def test_links_in_a_circle_end(workspace: Path) -> None:
    (workspace / "a").symlink_to("b")
    (workspace / "b").symlink_to("a")
    with pytest.raises(TreadleError, match="cannot be made writable"):
        reached(Roots(), workspace / "a")
