"""What files held, on a real disk."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.versions import MemoryVersions
from treadle.adapters.versions import SqliteVersions
from treadle.core.checkpoints import Restored
from treadle.runtime.ports import FileVersion, HunkBase, Versions


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[SqliteVersions]:
    kept = SqliteVersions(tmp_path / "home")
    yield kept
    kept.close()


@pytest.fixture(params=["disk", "memory"])
def any_versions(request: pytest.FixtureRequest, versions: SqliteVersions) -> Versions:
    return versions if request.param == "disk" else MemoryVersions()


def change(before: str | None, after: str | None, **more: Any) -> FileVersion:
    fields: dict[str, Any] = {"thread_id": "thread", "turn_id": "turn", "path": "/w/a.py", "at": 1.0}
    return FileVersion(**{**fields, "before": before, "after": after, **more})


def test_a_content_is_found_by_its_key_and_kept_once(any_versions: Versions):
    for data in (b"", b"print(1)\n" * 500, bytes(range(256)), b"no end of line"):
        key = any_versions.put(data)
        assert any_versions.put(data) == key
        assert any_versions.get(key) == data


def test_a_content_that_is_not_kept_is_a_key_error(any_versions: Versions):
    with pytest.raises(KeyError):
        any_versions.get("00" * 32)


def test_the_changes_of_one_turn_to_a_file_are_one(any_versions: Versions):
    one, two, three = (any_versions.put(data) for data in (b"1", b"2", b"3"))
    any_versions.record([change(one, two, mode_before=0o644, mode_after=0o644)])
    any_versions.record([change(two, three, at=2.0, mode_before=0o644, mode_after=0o755)])
    assert any_versions.of("thread") == [change(one, three, mode_before=0o644, mode_after=0o755)]


def test_what_somebody_else_wrote_between_two_changes_of_a_turn_parts_them(any_versions: Versions):
    one, two, users, three = (any_versions.put(data) for data in (b"1", b"2", b"user", b"3"))
    rows = [change(one, two), change(users, three)]
    for row in rows:
        any_versions.record([row])
    assert any_versions.of("thread") == rows


def test_changes_are_listed_oldest_first_and_by_thread(any_versions: Versions):
    key = any_versions.put(b"1")
    rows = [change(None, key, turn_id=turn, path=f"/w/{turn}") for turn in ("c", "a", "b")]
    for row in rows:
        any_versions.record([row])
    any_versions.record([change(None, key, thread_id="other")])
    assert any_versions.of("thread") == rows


def test_a_base_is_replaced_and_taken_away(any_versions: Versions):
    one, two = any_versions.put(b"1"), any_versions.put(b"2")
    base = HunkBase("/w/a.py", one, two, ("t1", "t2"), "marks, as they are")
    any_versions.set_base("thread", "/w/a.py", HunkBase("/w/a.py", None, one, ("t1",)))
    any_versions.set_base("thread", "/w/a.py", base)
    assert any_versions.bases("thread") == [base]
    any_versions.set_base("thread", "/w/a.py", None)
    assert any_versions.bases("thread") == []


def test_a_copy_of_a_thread_names_what_its_turns_did(any_versions: Versions):
    one, two = any_versions.put(b"1"), any_versions.put(b"2")
    mine = [change(one, two, turn_id="t1"), change(two, one, turn_id="r1"), change(None, one, turn_id="t2", path="/w/b")]
    for row in mine:
        any_versions.record([row])
    for id, last in (("r1", "t1"), ("r2", "t2")):
        any_versions.add_restored(Restored("thread", id, "t1", "files", 1.0, last))
    any_versions.copy("thread", "copy", ["t1"])
    assert any_versions.of("copy") == [replace(row, thread_id="copy") for row in mine[:2]]
    assert [each.id for each in any_versions.restored("copy")] == ["r1"]
    any_versions.forget("thread")
    assert any_versions.get(two) == b"2" and any_versions.restored("thread") == []


def test_a_restore_that_did_not_happen_leaves_nothing(any_versions: Versions):
    key = any_versions.put(b"1")
    any_versions.record([change(None, key)])
    any_versions.add_restored(Restored("thread", "r1", "turn", "both", 1.0, "turn", redo_of="r0"))
    any_versions.record([change(key, None, turn_id="r1")])
    assert any_versions.restored("thread") == [Restored("thread", "r1", "turn", "both", 1.0, "turn", redo_of="r0")]
    any_versions.withdraw("thread", "r1")
    assert any_versions.of("thread") == [change(None, key)] and any_versions.restored("thread") == []


def test_a_forgotten_thread_takes_along_what_only_it_names(versions: SqliteVersions, tmp_path: Path):
    own, shared, base = (versions.put(data) for data in (b"own secret words", b"shared", b"base"))
    versions.record([change(own, shared), change(None, shared, thread_id="other")])
    versions.set_base("thread", "/w/a.py", HunkBase("/w/a.py", base, shared))
    versions.forget("thread")
    assert versions.of("thread") == [] and versions.bases("thread") == []
    assert versions.get(shared) == b"shared"
    for gone in (own, base):
        with pytest.raises(KeyError):
            versions.get(gone)
    assert not any(b"own secret words" in path.read_bytes() for path in (tmp_path / "home").iterdir())


def test_what_was_put_and_not_named_yet_outlives_the_deletion_of_another_thread(versions: SqliteVersions, tmp_path: Path):
    key = versions.put(b"1")
    versions.record([change(None, key)])
    with closing(SqliteVersions(tmp_path / "home")) as other:
        assert other.put(b"1") == key
        versions.forget("thread")
        other.record([change(None, key, thread_id="other")])
        assert other.get(key) == b"1"
        other.forget("other")
        with pytest.raises(KeyError):
            other.get(key)


def test_what_is_never_named_is_deleted_when_its_time_is_over(versions: SqliteVersions, tmp_path: Path):
    key = versions.put(b"1")
    with closing(sqlite3.connect(tmp_path / "home" / "versions.sqlite3")) as db:
        db.execute("UPDATE hold SET until=0")
        db.commit()
    # whoever put it may yet name it: it is another process that tidies up after one that does not
    with closing(SqliteVersions(tmp_path / "home")) as another:
        another.forget("any")
    with pytest.raises(KeyError):
        versions.get(key)


def test_the_replaced_end_of_a_change_is_not_kept(versions: SqliteVersions):
    one, two, three = (versions.put(data) for data in (b"1", b"2", b"3"))
    versions.record([change(one, two)])
    versions.record([change(two, three)])
    with pytest.raises(KeyError):
        versions.get(two)
    assert (versions.get(one), versions.get(three)) == (b"1", b"3")


def test_all_of_it_is_for_the_user_alone_and_survives_a_restart(tmp_path: Path):
    with closing(SqliteVersions(tmp_path)) as first:
        key = first.put(b"1")
        row = change(None, key, path="/w/b\udcffd.py", omitted=None)
        first.record([row])
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("versions.sqlite3*")}
    assert modes == {0o600}
    with closing(SqliteVersions(tmp_path)) as second:
        assert second.of("thread") == [row] and second.get(key) == b"1"


def test_nothing_is_made_before_it_is_used(tmp_path: Path):
    SqliteVersions(tmp_path / "home").close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_an_os_error_in_words(tmp_path: Path):
    (tmp_path / "versions.sqlite3").mkdir()
    with closing(SqliteVersions(tmp_path)) as versions, pytest.raises(OSError, match="cannot be kept"):
        versions.put(b"1")


def test_a_file_of_a_newer_treadle_is_left_alone(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "versions.sqlite3")) as db:
        db.execute("PRAGMA user_version=99")
    with closing(SqliteVersions(tmp_path)) as versions, pytest.raises(OSError, match="newer Treadle"):
        versions.put(b"1")


def test_several_processes_and_threads_keep_the_same_contents(tmp_path: Path):
    script = (
        "import sys, pathlib\n"
        "from treadle.adapters.versions import SqliteVersions\n"
        "from treadle.runtime.ports import FileVersion\n"
        "versions = SqliteVersions(pathlib.Path(sys.argv[1]))\n"
        "for n in range(60):\n"
        "    key = versions.put(b'%d' % (n % 20) * 100)\n"
        "    versions.record([FileVersion(sys.argv[2], f't{n}', '/w/a', None, key, 1.0)])\n"
        "    if n % 15 == 14 and sys.argv[2] == 'gone':\n"
        "        versions.forget('gone')\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), thread]) for thread in ("gone", "stays")]
    with closing(SqliteVersions(tmp_path)) as versions:

        def work(name: str) -> None:
            for n in range(60):
                versions.record([change(None, versions.put(b"%d" % (n % 20) * 100), thread_id=name, turn_id=f"t{n}")])

        threads = [threading.Thread(target=work, args=(f"thread {n}",)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [other.wait(60) for other in others] == [0, 0]
        for thread in ("thread 0", "thread 1", "stays"):
            rows = versions.of(thread)
            assert len(rows) == 60
            assert all(versions.get(row.after or "") == b"%d" % (n % 20) * 100 for n, row in enumerate(rows))
