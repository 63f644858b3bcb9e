"""How much of a folder is watched, by whom, how long anybody waits for it, and what is said where it cannot be."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from fakes.site import ME, RULES, Site
from treadle.adapters.versions.database import FILE, Database
from treadle.adapters.watch import DiskWatch
from treadle.adapters.watch.baseline import Baseline
from treadle.adapters.watch.tree import Tree
from treadle.core.rewind import key_of
from treadle.core.settings import CheckpointRules

HOME = os.path.realpath(os.path.expanduser("~"))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    yield site
    await site.watch.close()


async def test_no_more_is_kept_than_the_rules_allow(site: Site) -> None:
    for name in "abcd":
        site.write(name, name * 400)
    await site.begin(CheckpointRules(max_total_bytes=1000))
    for name in "abcd":
        site.write(name, "changed" * 50)
    found = await site.found()
    assert sorted(version.omitted is None for version in found) == [False, False, True, True]
    assert {version.omitted for version in found if version.omitted} <= {"1000 bytes of the workspace are kept already"}


async def test_a_folder_with_too_many_files_is_known_in_part_and_says_so(site: Site) -> None:
    for number in range(20):
        site.write(f"f{number}")
    site.watch.begin([str(site.root)], CheckpointRules(max_files=10))
    why = await site.watch.ready([str(site.root)], 60, site.said.append)
    assert why == "the workspace has more than 10 files"


async def test_a_second_process_has_a_baseline_of_its_own(site: Site) -> None:
    site.write("a", "one\n")
    await site.begin()
    other = DiskWatch(site.home)
    other.begin([str(site.root)], RULES)
    assert await other.ready([str(site.root)], 60, site.said.append) is None
    site.write("a", "two\n")
    assert await site.found(mine=False) == []
    (version,) = await other.look([str(site.root)], ("thread", "other turn"), 1.0)
    assert site.content(version.before) == b"one\n"
    await other.close()


async def test_a_baseline_is_claimed_before_another_process_can_see_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[tuple[int]]] = []
    real = Baseline._locked

    def locked(baseline: Baseline, id: int) -> int:
        with closing(sqlite3.connect(site.home / FILE)) as db:
            seen.append(db.execute("SELECT id FROM baseline").fetchall())
        return real(baseline, id)

    monkeypatch.setattr(Baseline, "_locked", locked)
    await site.begin()
    assert seen == [[]]


async def test_closing_ends_a_baseline_that_is_being_built(site: Site) -> None:
    for number in range(500):
        site.write(f"f{number}")
    site.watch.begin([str(site.root)], RULES)
    await site.watch.close()
    assert await site.watch.look([str(site.root)], ME, 1.0) == []
    await site.restart()


async def test_who_waits_is_told_and_waits_no_longer_than_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    build: Callable[..., None] = Tree.build

    def slowly(tree: Tree, stopped: Callable[[], bool]) -> None:
        assert go.wait(60)
        build(tree, stopped)

    monkeypatch.setattr(Tree, "build", slowly)
    monkeypatch.setattr("treadle.adapters.watch.disk._SAID_AFTER", 0.01)
    site.watch.begin([str(site.root)], RULES)
    why = await site.watch.ready([str(site.root)], 0.05, site.said.append)
    assert why == "its files were still being read when a command ran"
    assert site.said[-1] is None and "0 so far" in str(site.said[0])
    assert await site.watch.look([str(site.root)], ME, 1.0) == []
    go.set()
    assert await site.watch.ready([str(site.root)], 60, site.said.append) is None


@pytest.mark.parametrize("broken", ["__init__", "build"])
async def test_whatever_breaks_while_files_are_read_is_said_to_who_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("what nobody foresaw")

    monkeypatch.setattr(Tree, broken, breaks)
    site.watch.begin([str(site.root)], RULES)
    why = await asyncio.wait_for(site.watch.ready([str(site.root)], 120, site.said.append), 60)
    assert why is not None and "KeyError: 'what nobody foresaw'" in why
    assert await site.watch.look([str(site.root)], ME, 1.0) == []


async def test_without_a_thread_to_read_files_in_it_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        site.watch.begin([str(site.root)], RULES)
    assert await site.watch.ready([str(site.root)], 60, site.said.append) == "can't start new thread"


async def test_a_folder_in_the_way_is_named(site: Site) -> None:
    site.home.mkdir()
    (site.home / "baselines").write_text("in the way")
    site.watch.begin([str(site.root)], RULES)
    why = await site.watch.ready([str(site.root)], 60, site.said.append)
    assert why == f"File exists: {site.home}/baselines"


async def test_a_whole_home_folder_is_not_looked_after(site: Site) -> None:
    site.watch.begin([HOME], RULES)
    assert await site.watch.ready([HOME], 60, site.said.append) == "a whole home folder, or disk, is not looked after"


async def test_treadles_own_folder_in_the_workspace_is_not_looked_at(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.home = site.root / ".treadle"
    site.watch = DiskWatch(site.home)
    await site.begin()
    site.write("a")
    assert await site.names() == {"a"}
    # it tidies up after it has built, and whoever does keeps the others from asking
    site.watch._watched[str(site.root)].thread.join()  # type: ignore[union-attr]
    assert not site.tree.pending()
    await site.watch.close()


async def test_baselines_that_nobody_uses_are_deleted_with_their_contents(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write("a", "only here\n")
    await site.begin()
    await site.watch.close()
    with Database(site.home).writing() as db:
        db.execute("UPDATE baseline SET used=0")
    other = Site(site.root)
    other.home, other.watch = site.home, DiskWatch(site.home)
    await other.begin()
    other.watch._watched[str(other.root)].thread.join()  # type: ignore[union-attr]
    with pytest.raises(KeyError):
        site.content(key_of(b"only here\n"))
    await other.watch.close()


async def test_who_deletes_old_baselines_keeps_no_closing_process_waiting(site: Site) -> None:
    site.write("a", "only here\n")
    await site.begin()
    await site.watch.close()
    with Database(site.home).writing() as db:
        db.execute("UPDATE baseline SET used=0")
    other = Site(site.root)
    other.home = site.home
    tree = Tree(str(other.root), RULES, Database(site.home), site.home)
    tree.build(lambda: False)
    tree.tidy(lambda: True)
    assert site.content(key_of(b"only here\n")) == b"only here\n"
    tree.tidy(lambda: False)
    with pytest.raises(KeyError):
        site.content(key_of(b"only here\n"))
    tree.close()
