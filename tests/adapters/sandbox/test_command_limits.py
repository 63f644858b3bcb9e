"""What a command may use of the machine: each bound is crossed by a real command, confined and not."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_bench import Bench

from treadle.adapters.sandbox import enclosure, limits, linux, processes
from treadle.core.settings import CommandLimits, SandboxPolicy

MB = 1024 * 1024
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
EATER = (
    f'exec {PYTHON} -c \'import time; hold = [b"x" * 1000000 for n in range(%d)]; print("held", flush=True); time.sleep(300)\''
)
BOMB = "f() { sleep 300 | f & sleep 300 & wait; }; f"


def marked(mark: str) -> list[int]:
    """Processes with `mark` in their environment."""
    found: list[int] = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    found += [int(name)] if mark.encode() in file.read() else []
            except OSError:
                continue
    return found


@pytest.fixture(params=["workspace-write", "danger-full-access"])
def policy(request: pytest.FixtureRequest, bench: Bench) -> SandboxPolicy:
    return bench.policy(request.param)


async def test_a_memory_eater_ends_with_one_sentence(bench: Bench, policy: SandboxPolicy) -> None:
    began = time.monotonic()
    result = await bench.run(EATER % 400, policy, limits=CommandLimits(memory=100 * MB))
    assert result.code == 137
    assert result.text.endswith("\nTreadle ended this command: it used more than 100 MB of memory.\n")
    assert time.monotonic() - began < 60, "less than the five minutes that it would hold it"


async def test_memory_in_many_processes_counts_together(bench: Bench, policy: SandboxPolicy) -> None:
    script = f"for i in 1 2 3 4; do ({EATER % 40}) & done; wait"
    result = await bench.run(script, policy, limits=CommandLimits(memory=120 * MB))
    assert (result.code, "more than 120 MB of memory" in result.text) == (137, True)


async def test_memory_that_is_shared_counts_once(bench: Bench, policy: SandboxPolicy) -> None:
    script = f"""exec {PYTHON} -c '
import mmap, os, time
shared = mmap.mmap(-1, 60_000_000)
shared.write(b"x" * 60_000_000)
for n in range(5):
    if not os.fork():
        sum(shared[::4096])
        time.sleep(1.5)
        os._exit(0)
for n in range(5):
    os.wait()
print("fine")'"""
    result = await bench.run(script, policy, limits=CommandLimits(memory=150 * MB))
    assert (result.code, result.text) == (0, "fine\n")


async def test_files_in_memory_count_as_memory(bench: Bench) -> None:
    script = "head -c 150000000 /dev/zero > /dev/shm/big && sleep 300"
    result = await bench.run(script, limits=CommandLimits(memory=100 * MB))
    assert (result.code, "more than 100 MB of memory" in result.text) == (137, True)


async def test_a_fork_bomb_ends_with_one_sentence(bench: Bench, policy: SandboxPolicy) -> None:
    mark = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}"
    result = await bench.run(f"export {mark}=1; {BOMB}", policy, limits=CommandLimits(processes=60))
    assert result.code == 137
    assert "Treadle ended this command: it started more than 60 processes and threads." in result.text
    assert marked(mark) == []


async def test_threads_are_counted(bench: Bench, policy: SandboxPolicy) -> None:
    script = f"""exec {PYTHON} -c '
import threading, time
for n in range(100):
    threading.Thread(target=time.sleep, args=(300,)).start()'"""
    result = await bench.run(script, policy, limits=CommandLimits(processes=60))
    assert (result.code, "more than 60 processes and threads" in result.text) == (137, True)


async def test_other_commands_and_the_sidecar_go_on_while_a_bomb_is_ended(bench: Bench, policy: SandboxPolicy) -> None:
    bomb = asyncio.create_task(bench.run(BOMB, policy, limits=CommandLimits(processes=200)))
    slowest = 0.0
    while not bomb.done():
        began = time.monotonic()
        assert (await bench.run("echo alive", policy)).text == "alive\n"
        slowest = max(slowest, time.monotonic() - began)
    assert (await bomb).code == 137
    assert slowest < 60, "seconds; it waits for the end of the bomb"


async def test_a_file_may_not_grow_without_end(bench: Bench, policy: SandboxPolicy) -> None:
    result = await bench.run("head -c 5000000 /dev/zero > big", policy, limits=CommandLimits(file_size=2 * MB))
    assert result.code == 153
    assert (bench.workspace / "big").stat().st_size == 2 * MB


async def test_core_dumps_and_descriptors_are_bounded(bench: Bench, policy: SandboxPolicy) -> None:
    core, files = (await bench.run("ulimit -c; ulimit -Hn", policy)).text.split()
    assert (core, int(files)) == ("0", limits.open_files()[1])


async def test_a_short_command_is_never_looked_at(bench: Bench, policy: SandboxPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []

    def look(due: object) -> list[object]:
        looked.append(due)
        return []

    monkeypatch.setattr(limits, "look", look)
    monkeypatch.setattr(limits, "_FIRST_LOOK", 30.0)
    for _ in range(5):
        assert (await bench.run("true", policy)).code == 0
    assert looked == []


async def test_a_look_that_had_to_wait_for_a_processor_is_followed_by_the_next(
    bench: Bench, policy: SandboxPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, thrice = 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def look(due: object) -> list[object]:
        nonlocal looks
        looks += 1
        if looks == 3:
            loop.call_soon_threadsafe(thrice.set)
        time.sleep(0.2)
        return []

    monkeypatch.setattr(limits, "look", look)
    monkeypatch.setattr(limits, "_WORK_SHARE", 500)
    process = await bench.start("sleep 300", policy)
    async with asyncio.timeout(60):
        await thrice.wait()
    await process.kill()


@pytest.fixture
def small_disk(bench: Bench) -> Iterator[Path]:
    """A file system of its own, of 64 MB, where the tests may make one."""
    import subprocess  # noqa: PLC0415

    place = bench.workspace / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "treadle-test", str(place)], check=False, capture_output=True
    )
    if made.returncode != 0:
        pytest.skip("only root can mount a file system to fill")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_filling_a_disk_ends_the_command_before_it_is_full(bench: Bench, small_disk: Path) -> None:
    policy = replace(bench.policy(), writable_roots=(str(bench.workspace), str(small_disk)))
    script = "while :; do head -c 500000 /dev/zero >> disk/big; sleep 0.02; done"
    result = await bench.run(script, policy, limits=CommandLimits(disk_reserve=3 * MB))
    assert result.code == 137
    assert f"it filled the disk, less than 3 MB is left on that of {small_disk}." in result.text
    assert os.statvfs(small_disk).f_bavail > 0


async def test_a_disk_that_was_full_before_ends_nothing(bench: Bench, small_disk: Path) -> None:
    (small_disk / "big").write_bytes(b"x" * (64 * MB - 100_000))
    policy = replace(bench.policy(), writable_roots=(str(bench.workspace), str(small_disk)))
    assert (await bench.run("sleep 1; rm disk/big; echo freed", policy)).text == "freed\n"


def test_the_bounds_suit_the_machine() -> None:
    most = limits.bounds(CommandLimits())
    total = processes.total_memory()
    assert total // 2 <= most.memory <= total * 3 // 4
    assert most.processes >= 2048
    given = CommandLimits(memory=1, processes=2, file_size=3, disk_reserve=0)
    assert limits.bounds(given) == limits.Bounds(1, 2, 3, 0)


def test_the_readme_tells_how_many_processes_a_command_may_have() -> None:
    readme = " ".join((Path(__file__).parents[3] / "README.md").read_text().split())
    usual, each = limits._PROCESSES, limits._PROCESSES_PER_CPU
    assert f"{usual:,} processes and threads or {each} for each processor if that is more" in readme
    assert linux._PAST_THE_WATCH == enclosure._BESIDES
    assert f"the kernel stops it at {enclosure._BESIDES} more" in readme


def test_a_look_at_a_process_that_is_gone_finds_nothing() -> None:
    assert processes.usage(2**22 + 1, 10) == processes.Usage(0, 0, ())
    assert processes.proportional((2**22 + 1,)) == 0


def test_a_look_counts_this_process_with_its_threads() -> None:
    seen = processes.usage(os.getpid(), 10_000)
    assert seen.pids[0] == os.getpid()
    assert seen.tasks >= 1
    assert seen.resident > 5 * MB


class Numbered:
    """As much of a command as the watchdog needs; it ends when the test says so."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.gone: list[Callable[[], None]] = []
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def when_gone(self, call: Callable[[], None]) -> None:
        self.gone.append(call)

    def end_because(self, why: str) -> None:
        self.ended.set_result(why)


async def test_a_command_that_has_the_number_of_one_before_is_watched_all_the_same(tmp_path: Path) -> None:
    """The one before is reaped, and what was set up for it is still being tidied up."""
    watchdog, small = limits.Watchdog(), limits.bounds(CommandLimits(memory=1))
    before, after = Numbered(os.getpid()), Numbered(os.getpid())
    watchdog.watch(before, limits.bounds(CommandLimits(memory=2**60)), [str(tmp_path)])  # type: ignore[arg-type]
    watchdog.watch(after, small, [str(tmp_path)])  # type: ignore[arg-type]
    for call in before.gone:
        call()
    async with asyncio.timeout(60):
        assert "of memory" in await after.ended
    await watchdog.close()
