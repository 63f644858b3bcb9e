"""A bound on all processes together for root, where there is a control group for it; elsewhere nothing, without a word."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

import pytest
from sandbox_bench import Bench

from treadle.adapters.sandbox import enclosure
from treadle.core.settings import CommandLimits, SandboxPolicy


def group_of(pid: int) -> str:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next(line for line in lines if ":pids:" in line).split("/")[-1]


@contextmanager
def thread_inside() -> Iterator[enclosure.Enclosure | None]:
    """Of another thread, which leaves at the end."""
    found: SimpleQueue[enclosure.Enclosure | None] = SimpleQueue()
    over = threading.Event()

    def live() -> None:
        made = enclosure.enter()
        found.put(made)
        over.wait()
        if made is not None:
            made.leave()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield found.get()
    finally:
        over.set()
        thread.join()


@pytest.fixture
def entered() -> Iterator[enclosure.Enclosure]:
    with thread_inside() as made:
        if made is None:
            pytest.skip("no control group of pids that this user may use")
        yield made
    assert not made.folder.exists()


def test_the_group_is_the_threads_own_and_goes_with_it(entered: enclosure.Enclosure) -> None:
    with open("/proc/thread-self/cgroup", encoding="ascii") as file:
        assert entered.folder.name not in file.read()


def test_there_is_room_for_all_that_run_at_the_largest_of_their_bounds(entered: enclosure.Enclosure) -> None:
    rooms: list[int] = []
    for processes, others in ((100, 0), (900, 1), (100, 2), (100, 0)):
        entered.make_room(processes, others)
        rooms.append(int((entered.folder / "pids.max").read_text()))
    assert [room - rooms[0] for room in rooms] == [0, 1700, 2600, 800]
    assert 100 < rooms[0] < 200


def test_what_a_killed_sidecar_left_is_swept(entered: enclosure.Enclosure) -> None:
    left = entered.folder.parent / f"treadle-{2**22 + 1}-1"
    left.mkdir()
    with thread_inside() as second:
        assert second is not None
        assert not left.exists()


def test_it_waits_for_what_was_killed_and_is_slow_to_end(entered: enclosure.Enclosure, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    left: list[Path] = []

    def live() -> None:
        made = enclosure.enter()
        assert made is not None
        with subprocess.Popen(["sleep", "300"]) as slow:

            def pause(seconds: float) -> None:
                pauses.append(seconds)
                if len(pauses) == 20:
                    slow.kill()
                    slow.wait()

            monkeypatch.setattr(enclosure, "time", SimpleNamespace(sleep=pause))
            made.leave()
            slow.kill()
        left.append(made.folder)

    thread = threading.Thread(target=live)
    thread.start()
    thread.join(60)
    assert [folder.exists() for folder in left] == [False]
    assert len(pauses) >= 20


def test_where_there_is_none_nothing_happens(tmp_path: Path) -> None:
    assert enclosure.enter(str(tmp_path)) is None
    assert enclosure.enter(str(tmp_path / "missing")) is None


@pytest.mark.parametrize("mode", ["workspace-write", "danger-full-access"])
async def test_commands_are_in_it_and_it_is_gone_with_the_sandbox(bench: Bench, mode: str, entered: enclosure.Enclosure) -> None:
    policy = bench.policy() if mode == "workspace-write" else SandboxPolicy("danger-full-access")
    process = await bench.start("sleep 300", policy, limits=CommandLimits(processes=9_000))
    name = group_of(process.pid)
    assert name.startswith(f"treadle-{os.getpid()}-")
    assert int((entered.folder.parent / name / "pids.max").read_text()) in range(9_001, 9_200)
    await bench.sandbox.close()
    assert not (entered.folder.parent / name).exists()
