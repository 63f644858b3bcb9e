"""What commands see of the agent's own folder, and who may take a placeholder away."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest
from sandbox_bench import Bench

from treadle.adapters.sandbox import mounts, placeholders
from treadle.adapters.sandbox.placeholders import Placeholders
from treadle.adapters.sandbox.protected import Protected
from treadle.core.errors import TreadleError


async def test_a_login_that_is_renewed_while_a_command_runs_stays_hidden(bench: Bench) -> None:
    login, seen = bench.home / "auth.json", bench.workspace / "go"
    script = f"until test -e {seen}; do sleep 0.02; done; cat {login}; cat {bench.home}/notes"
    (bench.home / "notes").write_text("free to read")
    process = await bench.start(f"echo begun; {script}")
    text = b""
    async for chunk in process.output():
        text += chunk
        if not seen.exists():
            (bench.home / "new").write_text("a newer secret")
            (bench.home / "new").rename(login)
            seen.touch()
    await process.kill()
    assert b"secret" not in text
    assert b"free to read" in text


@pytest.mark.parametrize("name", ["placeholders", "locks", "commits", "threads.sqlite3", "versions.sqlite3", "baselines"])
async def test_what_the_agent_locks_cannot_be_locked_by_a_command(bench: Bench, name: str) -> None:
    await bench.run("true")
    state = bench.home.parent / "state"
    if not (state / name).is_dir():
        (state / name).write_text("")
    shown = await bench.run(f"ls {state}; flock -n {state}/placeholders/lock true && echo locked")
    assert name not in shown.text.split()
    assert "locked" not in shown.text


async def test_a_command_reads_nothing_of_what_was_said_or_of_what_files_held(bench: Bench) -> None:
    state = bench.home.parent / "state"
    state.mkdir(exist_ok=True)
    for name in ("versions.sqlite3", "versions.sqlite3-wal", "threads.sqlite3.version-3"):
        (state / name).write_text("the secret of another workspace")
    for folder in (state, state.parent / "alias"):
        folder.is_symlink() or folder.exists() or folder.symlink_to(state)
        shown = await bench.run(f"cat {folder}/versions.sqlite3* {folder}/threads.sqlite3*")
        assert "secret" not in shown.text


def test_a_folder_with_many_files_or_a_root_in_it_is_covered_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_MAX_NEIGHBOURS", 1)
    secret, places = str(tmp_path / "auth.json"), mounts.Writable()
    Path(secret).write_text("")
    pins = mounts.Pins(usable=False)
    assert mounts.arguments(places, Protected(), (), (secret,), pins)[0] == "--tmpfs"
    (tmp_path / "more").write_text("")
    assert mounts.arguments(places, Protected(), (), (secret,), pins) == ["--ro-bind", "/dev/null", secret]


def test_a_placeholder_stays_while_a_sidecar_of_another_state_folder_needs_it(tmp_path: Path) -> None:
    place = tmp_path / "place"
    first, second = Placeholders(tmp_path / "state"), Placeholders(tmp_path / "other")
    first.acquire([str(place)])
    second.acquire([str(place)])
    first.release([str(place)])
    assert place.is_dir()
    second.release([str(place)])
    first.release(first.acquire([str(tmp_path / "else")]))
    assert not place.exists()


def test_a_placeholder_that_is_needed_while_another_sidecar_removes_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, remove = tmp_path / "place", os.rmdir
    first, second = Placeholders(tmp_path / "state"), Placeholders(tmp_path / "other")
    held: list[tuple[str, ...]] = []
    needing = threading.Thread(target=lambda: held.append(second.acquire([str(place)])))

    def while_it_is_needed(path: str, *, dir_fd: int) -> None:
        if needing.ident is None:
            needing.start()
            needing.join(0.2)  # it has the folder that is about to go, or waits until that is gone
        remove(path, dir_fd=dir_fd)

    monkeypatch.setattr(placeholders, "_TRIES", 10_000)
    first.acquire([str(place)])
    monkeypatch.setattr(os, "rmdir", while_it_is_needed)
    first.release([str(place)])
    needing.join(60)
    assert held == [(str(place),)]
    assert place.is_dir()
    second.release(held[0])
    assert not place.exists()


def test_a_placeholder_that_a_command_has_locked_is_used_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placeholders, "_TRIES", 2)
    place = tmp_path / "place"
    place.mkdir()
    folder = os.open(place, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        assert Placeholders(tmp_path / "state").acquire([str(place)]) == (str(place),)
    finally:
        os.close(folder)


def test_a_placeholder_is_not_made_behind_a_link_that_a_command_has_just_put_there(tmp_path: Path) -> None:
    way, outside = tmp_path / "root" / "way", tmp_path / "outside"
    way.mkdir(parents=True)
    outside.mkdir()
    holder = Placeholders(tmp_path / "state")
    wanted = (str(tmp_path / "root" / ".git"), str(way / ".git"))
    way.rename(tmp_path / "gone")
    way.symlink_to(outside)
    with pytest.raises(TreadleError, match="was replaced"):
        holder.acquire(wanted)
    assert list(outside.iterdir()) == []
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["way"]
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["lock"]


def test_a_placeholder_goes_also_where_the_way_to_it_was_exchanged(tmp_path: Path) -> None:
    way, outside = tmp_path / "way", tmp_path / "outside"
    way.mkdir()
    (outside / ".git").mkdir(parents=True)
    holder = Placeholders(tmp_path / "state")
    held = holder.acquire([str(way / ".git")])
    way.rename(tmp_path / "gone")
    way.symlink_to(outside)
    holder.release(held)
    assert list((tmp_path / "gone").iterdir()) == []
    assert (outside / ".git").is_dir()
