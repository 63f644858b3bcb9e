"""The order and the completeness of bubblewrap's mounts, as data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from treadle.adapters.sandbox import mounts
from treadle.adapters.sandbox.placeholders import Placeholders
from treadle.adapters.sandbox.protected import Protected, find
from treadle.adapters.sandbox.roots import Roots
from treadle.core.settings import SandboxPolicy


def plan(
    places: mounts.Writable, protected: Protected, standing: tuple[str, ...] = (), hidden: tuple[str, ...] = ()
) -> list[str]:
    argv = mounts.arguments(places, protected, standing, hidden, mounts.Pins(usable=False))
    return [f"{flag} {source}" for flag, source, _ in zip(argv[::3], argv[1::3], argv[2::3], strict=True)]


def test_protected_paths_come_after_every_writable_one_and_parents_first() -> None:
    places = mounts.Writable(("/w/a/b/project", "/w"), ("/tmp",))
    protected = Protected(existing={"/w/a/b/project/.git", "/w/.git"})
    assert plan(places, protected, standing=("/tmp/.git",)) == [
        "--bind /tmp",
        "--bind /w",
        "--bind /w/a",
        "--bind /w/a/b",
        "--bind /w/a/b/project",
        "--ro-bind /tmp/.git",
        "--ro-bind /w/.git",
        "--ro-bind /w/a/b/project/.git",
    ]


def test_nothing_is_bound_below_what_is_read_only() -> None:
    protected = Protected(existing={"/w/.git", "/w/.git/modules/m"})
    assert plan(mounts.Writable(("/w",)), protected) == ["--bind /w", "--ro-bind /w/.git"]


def test_what_is_hidden_comes_last_and_its_folders_cannot_be_renamed() -> None:
    assert plan(mounts.Writable(("/h",)), Protected(), hidden=("/h/c/auth.json",)) == [
        "--bind /h",
        "--bind /h/c",
        "--ro-bind /dev/null",
    ]


def test_a_read_only_policy_has_nothing_writable() -> None:
    policy = SandboxPolicy("read-only", ("/usr",))
    assert mounts.writable(policy, {"TMPDIR": "/tmp"}, Roots()) == mounts.Writable()


def test_a_folder_that_is_exchanged_before_the_mount_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    pins = mounts.Pins(usable=True)
    try:
        with pytest.raises(mounts.TreadleError, match="was replaced"):
            pins.bind(str(tmp_path / "link" / "inner"))
        with pytest.raises(OSError):
            pins.bind(str(tmp_path / "link"))
        assert pins.bind(str(tmp_path / "real"))[0] == "--bind-fd"
    finally:
        pins.close()


def test_reading_a_fifo_where_a_pointer_is_expected_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".git")
    assert str(tmp_path / ".git") in find([str(tmp_path)], [], []).existing


def test_placeholders_are_shared_and_removed_by_the_last(tmp_path: Path) -> None:
    place = tmp_path / "root" / ".git"
    place.parent.mkdir()
    one, two = Placeholders(tmp_path / "state"), Placeholders(tmp_path / "state")
    for holder in (one, one, two):
        assert holder.acquire([str(place)]) == (str(place),)
    one.release([str(place)])
    one.release([str(place)])
    assert place.is_dir()
    two.release([str(place)])
    assert not place.exists()
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["lock"]


def test_a_placeholder_is_removed_while_another_process_is_being_started(tmp_path: Path) -> None:
    path, placeholders = tmp_path / "ws" / ".codex", Placeholders(tmp_path / "state")
    path.parent.mkdir()
    assert placeholders.acquire([str(path)]) == (str(path),)
    waits, goes_on = os.pipe()
    # until it is another program it has all descriptors of who has started it
    started = os.fork()
    if started == 0:
        os.close(goes_on)
        os.read(waits, 1)
        os._exit(0)
    try:
        placeholders.release([str(path)])
        assert not path.exists()
    finally:
        os.close(goes_on)
        os.close(waits)
        os.waitpid(started, 0)


def test_a_folder_of_the_user_is_not_removed(tmp_path: Path) -> None:
    empty, filled = tmp_path / "empty", tmp_path / "filled"
    empty.mkdir()
    holder = Placeholders(tmp_path / "state")
    holder.acquire([str(empty), str(filled)])
    (filled / "mine").touch()
    holder.release([str(empty), str(filled)])
    assert empty.is_dir()
    assert (filled / "mine").exists()


@pytest.mark.parametrize("needs_one", [False, True])
def test_what_a_killed_sidecar_left_is_swept_by_the_next(tmp_path: Path, needs_one: bool) -> None:
    left, other = tmp_path / "left", tmp_path / "other"
    dead = Placeholders(tmp_path / "state")
    dead.acquire([str(left)])
    for _, *locks in dead._held.values():
        for lock in locks:
            os.close(lock)  # what the kernel does for a process that was killed
    nxt = Placeholders(tmp_path / "state")
    if needs_one:
        nxt.acquire([str(other)])
        nxt.release([str(other)])
    else:
        nxt.sweep()
    assert not left.exists()


def test_a_place_that_cannot_be_made_is_left_out(tmp_path: Path) -> None:
    holder = Placeholders(tmp_path / "state")
    assert holder.acquire([str(tmp_path / "no" / "such" / "parent")]) == ()
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["lock"]
