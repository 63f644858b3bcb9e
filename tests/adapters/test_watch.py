"""What changed in a folder, found out on a real disk from the kernel's notifications."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.site import ME, Site
from treadle.adapters.file_journal import temporary_name
from treadle.adapters.versions import SqliteVersions
from treadle.adapters.versions.database import digest
from treadle.adapters.watch import DiskWatch
from treadle.adapters.watch import inotify as notifications
from treadle.adapters.watch.baseline import UNSURE
from treadle.adapters.watch.inotify import Happened, Inotify
from treadle.adapters.watch.sink import Stopped
from treadle.core.rewind import key_of
from treadle.core.settings import CheckpointRules

HOME = os.path.realpath(os.path.expanduser("~"))
FLOOD = """
limit = int(open("/proc/sys/fs/inotify/max_queued_events").read())
for n in range(limit):
    open(f"f{n % 7}", "w").close()
    open("g", "w").close()
open("a", "w").write("x")
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    yield site
    await site.watch.close()


async def test_changes_are_found_with_what_was_there_before(site: Site) -> None:
    site.write("a", "one\n")
    site.write("dir/gone", "two\n")
    await site.begin()
    assert await site.found() == []
    site.write("a", "changed\n")
    os.unlink(site.root / "dir/gone")
    site.write("new/deep/file", "three\n")
    found = {site.name(v): (site.content(v.before), site.content(v.after)) for v in await site.found()}
    assert found == {"a": (b"one\n", b"changed\n"), "dir/gone": (b"two\n", None), "new/deep/file": (None, b"three\n")}
    assert {site.name(version) for version in site.recorded()} == set(found)
    assert await site.found() == []


async def test_a_turn_without_changes_looks_at_no_file_and_one_change_at_one(site: Site) -> None:
    for number in range(3_000):
        site.write(f"d{number // 100}/f{number}")
    await site.begin()
    before = site.tree.looked
    assert before >= 3_000
    for _ in range(50):
        assert await site.found() == []
    assert site.tree.looked == before
    site.write("d7/f700", "changed\n")
    assert await site.names() == {"d7/f700"}
    assert site.tree.looked == before + 1


async def test_a_second_start_reads_only_what_changed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        site.write(f"f{number}")
    old = 1_600_000_000_000_000_000
    for number in range(50):
        os.utime(site.root / f"f{number}", ns=(old, old))
    await asyncio.sleep(0.05)  # what changed just now is read again
    await site.begin()
    await site.watch.close()
    site.write("f7", "changed meanwhile\n")
    read: list[str] = []
    real = os.open

    def opened(path: Any, *args: Any, **more: Any) -> int:
        read.append(str(path))
        return real(path, *args, **more)

    monkeypatch.setattr("treadle.adapters.watch.reading.os.open", opened)
    site.watch = DiskWatch(site.home)
    await site.begin()
    assert [name for name in read if name.startswith("f")] == ["f7"]
    assert await site.found() == []


async def test_a_file_that_was_written_just_before_it_was_read_is_read_again_however_long_that_took(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.begin()
    site.write("a", "one\n")
    clock = SimpleNamespace(now=os.stat(site.root / "a").st_ctime_ns, time_ns=lambda: clock.now, monotonic_ns=time.monotonic_ns)

    def slowly(data: bytes) -> bytes:
        clock.now += 1_000_000_000
        return digest(data)

    monkeypatch.setattr("treadle.adapters.watch.reading.time", clock)
    monkeypatch.setattr("treadle.adapters.watch.tree.digest", slowly)
    await site.found()
    assert site.tree._baseline is not None
    row = site.tree._baseline.entry("", "a")
    assert row is not None
    assert row.mtime == UNSURE, "what was written after it was read may have the same time"


async def test_what_changed_before_the_start_or_without_an_owner_is_nobodys(site: Site) -> None:
    site.write("a")
    await site.begin()
    site.write("a", "by the user\n")
    assert await site.found(mine=False) == []
    assert await site.found() == [] == site.recorded()
    site.write("a", "by a command\n")
    (version,) = await site.found()
    assert site.content(version.before) == b"by the user\n"


async def test_a_change_of_mode_alone_is_a_change_and_a_touch_is_none(site: Site) -> None:
    site.write("a")
    site.write("b")
    await site.begin()
    os.chmod(site.root / "a", 0o755)
    os.utime(site.root / "b")
    (version,) = await site.found()
    assert version.before == version.after
    assert (version.mode_before, version.mode_after) == (0o644, 0o755)


async def test_a_file_that_was_made_and_is_gone_again_is_no_change(site: Site) -> None:
    await site.begin()
    site.write("a/b")
    shutil.rmtree(site.root / "a")
    assert await site.found() == []


async def test_what_a_patch_writes_beside_a_file_before_it_takes_its_place_is_nobodys_change(site: Site) -> None:
    site.write("a", "one\n")
    await site.begin()
    beside = site.root / temporary_name("a")
    beside.write_text("two\n")
    assert await site.found() == []
    os.replace(beside, site.root / "a")
    found = {site.name(v): (site.content(v.before), site.content(v.after)) for v in await site.found()}
    assert found == {"a": (b"one\n", b"two\n")}


async def test_moved_folders_are_followed_and_what_happens_in_them_later_is_seen(site: Site) -> None:
    site.write("dir/sub/a", "one\n")
    site.write("dir/b", "two\n")
    await site.begin()
    os.rename(site.root / "dir", site.root / "moved")
    assert await site.names() == {"dir/sub/a", "dir/b", "moved/sub/a", "moved/b"}
    site.write("moved/sub/a", "changed\n")
    site.write("dir/sub/a", "another\n")
    assert await site.names() == {"moved/sub/a", "dir/sub/a"}
    os.rename(site.root / "moved", site.root / "back")
    site.write("back/sub/a", "again\n")
    assert await site.names() == {"moved/sub/a", "moved/b", "back/sub/a", "back/b"}


async def test_a_folder_that_was_replaced_by_another_is_compared(site: Site) -> None:
    site.write("dir/a", "one\n")
    site.write("dir/same", "same\n")
    await site.begin()
    shutil.rmtree(site.root / "dir")
    site.write("dir/same", "same\n")
    site.write("dir/b", "two\n")
    assert await site.names() == {"dir/a", "dir/b"}


async def test_a_file_becomes_a_folder_and_a_folder_a_file(site: Site) -> None:
    site.write("a", "one\n")
    site.write("b/c", "two\n")
    await site.begin()
    os.unlink(site.root / "a")
    site.write("a/inner")
    shutil.rmtree(site.root / "b")
    site.write("b")
    assert await site.names() == {"a", "a/inner", "b", "b/c"}


async def test_links_pipes_unreadable_and_huge_files_are_named_or_passed_over(site: Site) -> None:
    outside = site.root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret\n")
    site.write("huge", "x" * 2000)
    await site.begin(CheckpointRules(max_file_bytes=1000))
    os.symlink(outside, site.root / "link")
    os.mkfifo(site.root / "pipe")
    site.write("huge", "y" * 2001)
    site.write("small")
    found = {os.path.basename(version.path): version.omitted for version in await site.found()}
    assert set(found) == {"link", "huge", "small"}
    assert found["link"] == "a symbolic link" and str(found["huge"]).startswith("larger than") and found["small"] is None
    (outside / "secret").write_text("other\n")
    assert await site.found() == []


async def test_what_was_told_of_by_a_patch_is_not_found_again(site: Site) -> None:
    site.write("a", "one\n")
    site.write("b", "one\n")
    await site.begin()
    for name in "ab":
        site.watch.note(str(site.root / name), key_of(b"patched\n"))
        site.write(name, "patched\n")
    with closing(SqliteVersions(site.home)) as versions:
        versions.put(b"patched\n")  # as checkpoints do
    site.write("b", "and changed\n")
    (version,) = await site.found()
    assert (os.path.basename(version.path), site.content(version.before)) == ("b", b"patched\n")


async def test_a_command_changes_the_mode_of_what_was_read_before_it_was_told_of(site: Site) -> None:
    """A patch is put there, the baseline reads it, and only then is the patch told of."""
    site.write("a", "patched\n")
    os.chmod(site.root / "a", 0o644)
    await site.begin()
    site.watch.note(str(site.root / "a"), key_of(b"patched\n"))
    os.chmod(site.root / "a", 0o755)
    (version,) = await site.found()
    assert (version.mode_before, version.mode_after) == (0o644, 0o755)


async def test_a_mode_that_somebody_told_of_is_not_found_again(site: Site) -> None:
    site.write("a", "one\n")
    await site.begin()
    os.chmod(site.root / "a", 0o755)
    site.watch.note(str(site.root / "a"), key_of(b"one\n"), 0o755)
    assert await site.found() == []


async def test_lost_events_lead_to_one_comparison_and_the_same_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write("a", "one\n")
    site.write("dir/b", "two\n")
    await site.begin()
    site.write("a", "changed\n")
    os.unlink(site.root / "dir/b")
    site.write("new/c", "three\n")
    monkeypatch.setattr(Inotify, "happened", lambda _: Happened(lost=True))
    assert await site.names() == {"a", "dir/b", "new/c"}
    monkeypatch.undo()
    site.write("new/c", "changed\n")
    assert await site.names() == {"new/c"}


async def test_more_events_than_the_kernel_keeps_are_no_wrong_answer(site: Site) -> None:
    site.write("a", "one\n")
    await site.begin()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", FLOOD, cwd=site.root)
    assert await process.wait() == 0
    assert await site.names() == {"a", "g", *(f"f{n}" for n in range(7))}


@pytest.mark.parametrize("breaks", ["init", "add", "limit"])
async def test_without_notifications_everything_is_compared(site: Site, monkeypatch: pytest.MonkeyPatch, breaks: str) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "no space left on device")

    if breaks == "init":
        monkeypatch.setattr("treadle.adapters.watch.tree.Inotify", no_space)
    elif breaks == "add":
        monkeypatch.setattr(notifications.Inotify, "add", no_space)
    else:
        monkeypatch.setattr(notifications, "_limit", lambda: 2)
    site.write("a", "one\n")
    site.write("dir/b", "two\n")
    await site.begin()
    assert await site.found() == []
    site.write("a", "two\n")
    shutil.rmtree(site.root / "dir")
    site.write("c")
    assert await site.names() == {"a", "dir/b", "c"}


async def test_a_root_that_is_taken_away_and_comes_back_is_compared(site: Site) -> None:
    site.write("a", "one\n")
    await site.begin()
    shutil.rmtree(site.root)
    assert await site.names() == {"a"}
    site.root.mkdir()
    site.write("b")
    assert await site.names() == {"b"}


def test_what_goes_on_to_happen_keeps_nobody_from_what_has_happened(tmp_path: Path) -> None:
    class Busy(Inotify):
        """Somebody writes as fast as it reads."""

        taken = 0

        def _take(self, number: int, mask: int, name: bytes, found: Happened) -> None:
            self.taken += 1
            assert self.taken < 1_000
            (tmp_path / f"f{self.taken % 7}").touch()
            super()._take(number, mask, name, found)

    with closing(Busy(str(tmp_path))) as busy:
        busy.add("")
        assert not busy.anything()
        (tmp_path / "a").touch()
        assert busy.anything()
        assert ("", "a") in busy.happened().entries
        assert busy.anything()


async def test_rules_that_change_hide_and_show_without_making_anything_the_turns(site: Site) -> None:
    site.write(".gitignore", "hidden/\n")
    site.write("hidden/a", "the user's\n")
    site.write("shown/b", "the user's\n")
    await site.begin()
    site.write(".gitignore", "shown/\n")
    assert await site.names() == {".gitignore"}
    site.write("hidden/a", "changed\n")
    site.write("shown/b", "changed\n")
    assert await site.names() == {"hidden/a"}


async def test_a_look_that_is_stopped_loses_nothing(site: Site) -> None:
    await site.begin()
    for number in range(250):
        site.write(f"f{number}")
    assert site.tree.pending()
    stops = iter([False, False, True])
    with pytest.raises(Stopped):
        site.tree.look(ME, 1.0, lambda: next(stops))
    await site.found()
    assert {os.path.basename(version.path) for version in site.recorded()} == {f"f{number}" for number in range(250)}
