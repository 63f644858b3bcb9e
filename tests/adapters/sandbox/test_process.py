"""One command from birth to the last of its descendants, confined and not."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
from sandbox_bench import Bench

from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import Process

DAEMON = "setsid bash -c 'trap : TERM HUP INT; (echo x > {0}; sleep 300 & wait) & disown' >/dev/null 2>&1 </dev/null &"
ENDINGS = [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("nonesuch", 127)]


@pytest.fixture(params=["workspace-write", "danger-full-access"])
def policy(request: pytest.FixtureRequest, bench: Bench) -> SandboxPolicy:
    return bench.policy(request.param)


async def until(condition: object, seconds: float = 60.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  the condition is another process's
            await asyncio.sleep(0.01)


def children() -> set[int]:
    """Child processes of this process, whichever thread they belong to."""
    while True:
        try:
            listed = [(task / "children").read_text() for task in Path("/proc/self/task").iterdir()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread ended meanwhile and its children went to another one: look again
        return {int(pid) for pids in listed for pid in pids.split()}


def marked(mark: str) -> list[int]:
    """Processes with `mark` in their environment."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def everything(process: Process) -> str:
    return b"".join([chunk async for chunk in process.output()]).decode()


@pytest.mark.parametrize(("script", "code"), ENDINGS)
async def test_exit_codes_come_through(bench: Bench, policy: SandboxPolicy, script: str, code: int) -> None:
    assert (await bench.run(script, policy)).code == code


async def test_output_and_errors_are_one_stream_in_order(bench: Bench, policy: SandboxPolicy) -> None:
    result = await bench.run("for i in 1 2 3; do echo out $i; echo err $i >&2; done", policy)
    assert result.text == "".join(f"out {i}\nerr {i}\n" for i in (1, 2, 3))


async def test_standard_input_is_empty_and_writing_to_it_fails(bench: Bench, policy: SandboxPolicy) -> None:
    process = await bench.start("cat; echo done", policy)
    with pytest.raises(BrokenPipeError):
        await process.write(b"x")
    assert await everything(process) == "done\n"


async def test_a_terminal_echoes_resizes_and_takes_control_c(bench: Bench, policy: SandboxPolicy) -> None:
    script = (
        "echo hi; trap 'stty size; exit 3' INT; read line; echo \"got $line\" > /dev/tty; echo ready; while :; do sleep 0.1; done"
    )
    process = await bench.start(script, policy, tty=True)
    seen = ""
    async for chunk in process.output():
        seen += chunk.decode()
        if "asked" not in seen:
            seen += "asked"
            await process.write(b"hello\n")
        if "ready" in seen and "resized" not in seen:
            seen += "resized"
            process.resize(33, 77)
            process.interrupt()
    assert "got hello" in seen
    assert "33 77" in seen
    assert await process.wait() == 3


async def test_a_terminal_has_job_control(bench: Bench, policy: SandboxPolicy) -> None:
    process = await bench.start("exec bash --norc --noprofile -i", policy, tty=True)
    await process.write(b"sleep 300 &\njobs; kill %1; exit 5\n")
    text = await everything(process)
    assert "no job control" not in text
    assert "Running" in text
    assert await process.wait() == 5


async def test_control_c_without_a_terminal(bench: Bench, policy: SandboxPolicy) -> None:
    process = await bench.start("trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.05; done", policy)
    seen = ""
    async for chunk in process.output():
        seen += chunk.decode()
        if "ready" in seen and "asked" not in seen:
            seen += "asked"
            process.interrupt()
    assert "caught" in seen
    assert await process.wait() == 4


async def test_killing_ends_daemons_that_hid(bench: Bench, policy: SandboxPolicy) -> None:
    mark = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}"
    alive = bench.workspace / "alive"
    process = await bench.start(f"trap '' TERM INT HUP; {DAEMON.format(alive)} sleep 300", policy, **{mark: "1"})
    await until(alive.exists)
    assert marked(mark)
    await process.kill()
    assert marked(mark) == []
    assert await process.wait() == 137
    await process.kill()


async def test_nothing_outlives_the_sandbox(bench: Bench, policy: SandboxPolicy) -> None:
    mark = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}"
    alive = bench.workspace / "alive"
    before = children()
    process = await bench.start(
        f"{DAEMON.format(alive)} while [ ! -e {alive} ]; do sleep 0.01; done; exit 6", policy, **{mark: "1"}
    )
    assert await process.wait() == 6
    await bench.start("sleep 300", policy, **{mark: "1"})
    await bench.sandbox.close()
    assert marked(mark) == []
    assert children() <= before


async def test_no_zombie_and_no_descriptor_is_left(bench: Bench, policy: SandboxPolicy) -> None:
    await bench.run("true", policy)
    descriptors = len(os.listdir("/proc/self/fd"))
    before = children()
    for _ in range(5):
        await bench.run("(sleep 0 &) ; true", policy)
        await bench.run("true", policy, tty=True)
    await until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
    assert children() <= before


async def test_a_background_child_does_not_hold_the_output_open(bench: Bench, policy: SandboxPolicy) -> None:
    process = await bench.start("sleep 300 & echo done", policy)
    async with asyncio.timeout(60):
        assert await everything(process) == "done\n"
        assert await process.wait() == 0
    await process.kill()


async def test_a_slow_reader_slows_the_command(bench: Bench, policy: SandboxPolicy) -> None:
    size = 5_000_000
    process = await bench.start(f"head -c {size} /dev/zero; echo > finished", policy)
    output = process.output()
    first = await anext(aiter(output))
    await asyncio.sleep(0.2)
    assert not (bench.workspace / "finished").exists()
    total, largest = len(first), len(first)
    async for chunk in output:
        total += len(chunk)
        largest = max(largest, len(chunk))
    assert total == size
    assert largest <= 64 * 1024
    assert await process.wait() == 0


async def test_an_endless_command_does_not_starve_the_loop(bench: Bench, policy: SandboxPolicy) -> None:
    process = await bench.start("yes", policy)
    ticks = 0

    async def read() -> None:
        async for _ in process.output():
            pass

    reader = asyncio.create_task(read())
    for _ in range(100):
        await asyncio.sleep(0)
        ticks += 1
    await process.kill()
    await reader
    assert ticks == 100


async def test_reading_can_be_cancelled_and_taken_up_again(bench: Bench, policy: SandboxPolicy) -> None:
    process = await bench.start("echo one; while [ ! -e go ]; do sleep 0.01; done; echo two", policy)
    seen: list[bytes] = []

    async def read() -> None:
        async for chunk in process.output():
            seen.append(chunk)

    task = asyncio.create_task(read())
    await until(lambda: seen)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (bench.workspace / "go").touch()
    await read()
    assert b"".join(seen) == b"one\ntwo\n"


async def test_a_cancelled_start_leaves_nothing_running(bench: Bench, policy: SandboxPolicy) -> None:
    await bench.sandbox.status()
    mark = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}"
    before = children()
    for turns in range(4):
        task = asyncio.create_task(bench.start("sleep 300", policy, **{mark: "1"}))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await bench.sandbox.close()
    assert marked(mark) == []
    assert children() <= before


async def test_ten_commands_at_once(bench: Bench, policy: SandboxPolicy) -> None:
    results = await asyncio.gather(*(bench.run(f"echo {i}; mkdir .git/x; exit {i}", policy) for i in range(10)))
    assert [(r.code, r.text.splitlines()[0]) for r in results] == [(i, str(i)) for i in range(10)]
    await bench.sandbox.close()
    assert list(bench.workspace.iterdir()) == []


async def test_core_dumps_are_off(bench: Bench, policy: SandboxPolicy) -> None:
    assert (await bench.run("ulimit -c", policy)).text == "0\n"


async def test_commands_die_with_a_sidecar_that_is_killed(tmp_path: Path) -> None:
    mark = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}"
    sidecar = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("orphaning.py")),
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, mark: "1"},
    )
    assert sidecar.stdout is not None
    assert await sidecar.stdout.readline() == b"ready\n"
    assert len(marked(mark)) > 4
    sidecar.kill()
    await sidecar.wait()
    await until(lambda: marked(mark) == [])
