"""The process in which unconfined commands are born, and what happens when somebody ends it or one of its supervisors."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import pytest
from sandbox_bench import Bench

from treadle.adapters.sandbox import processes
from treadle.core.errors import ToolFailure
from treadle.core.settings import SandboxPolicy
from treadle.runtime.ports import CommandSpec

FULL = SandboxPolicy("danger-full-access")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  the condition is another process's
            await asyncio.sleep(0.01)


def marked(mark: str) -> set[int]:
    found: set[int] = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark.encode() in file.read():
                        found.add(int(name))
            except OSError:
                continue
    return found


def keepers() -> set[int]:
    """Children of this process that are keepers."""
    found: set[int] = set()
    for pid in processes.children(os.getpid()):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"keeper.py" in file.read():
                    found.add(pid)
        except OSError:
            continue
    return found


async def test_what_a_killed_supervisor_leaves_is_ended(bench: Bench) -> None:
    mark = f"TREADLE_TEST_MARK_{os.getpid()}_{time.monotonic_ns()}"
    process = await bench.start("setsid sleep 300 & sleep 300 & kill -9 $PPID; wait", FULL, **{mark: "1"})
    async with asyncio.timeout(60):
        assert await process.wait() == 255
    await until(lambda: not marked(mark))
    assert (await bench.run("echo next", FULL)).text == "next\n"


async def test_a_killed_keeper_is_replaced_and_its_commands_go_on(bench: Bench) -> None:
    process = await bench.start("while [ ! -e go ]; do sleep 0.02; done; echo went on", FULL)
    for pid in keepers():
        os.kill(pid, signal.SIGKILL)
    assert (await bench.run("echo next; touch go", FULL)).text == "next\n"
    assert b"".join([chunk async for chunk in process.output()]) == b"went on\n"
    assert await process.wait() == 0


async def test_two_interrupts_at_once_are_interrupts(bench: Bench) -> None:
    process = await bench.start(
        "trap 'echo caught; until test -e over; do sleep 0.02; done; exit 4' INT; echo up; while :; do sleep 0.02; done", FULL
    )
    seen = b""
    async for chunk in process.output():
        seen += chunk
        if b"caught" in seen:
            (bench.workspace / "over").touch()
        elif b"up" in seen:
            process.interrupt()
            process.interrupt()
    assert b"caught" in seen
    assert await process.wait() == 4


async def test_one_keeper_serves_all_commands_and_ends_with_the_sandbox(bench: Bench) -> None:
    before = keepers()
    results = await asyncio.gather(*(bench.run(f"echo {n}", FULL) for n in range(20)))
    assert [result.text for result in results] == [f"{n}\n" for n in range(20)]
    assert len(keepers() - before) == 1
    await bench.sandbox.close()
    assert keepers() <= before


async def test_a_command_gets_its_environment_and_descriptors_and_no_more(bench: Bench) -> None:
    result = await bench.run("env | sort; ls -l /proc/self/fd | wc -l", FULL, LANG="C")
    names = {line.partition("=")[0] for line in result.text.splitlines()[:-1]}
    assert names == {"LANG", "PATH", "PWD", "SHLVL", "_"}
    assert int(result.text.split()[-1]) == 5  # 0, 1, 2, the folder being read, and the line that says "total"


@pytest.mark.parametrize(("argv", "code"), [(("/no/such/program",), 127), (("/etc/hostname",), 126), (("x" * 300_000,), 126)])
async def test_what_cannot_be_run_is_told_in_its_output(bench: Bench, argv: tuple[str, ...], code: int) -> None:
    process = await bench.sandbox.spawn(CommandSpec(argv, "/", {"PATH": "/usr/bin"}), FULL)
    said = b"".join([chunk async for chunk in process.output()])
    assert await process.wait() == code
    assert said.startswith(argv[0][:100].encode())


async def test_a_nul_character_is_refused(bench: Bench) -> None:
    with pytest.raises(ToolFailure, match="NUL"):
        await bench.sandbox.spawn(CommandSpec(("echo", "a\0b"), "/"), FULL)


async def test_bytes_that_are_no_text_reach_the_command(bench: Bench) -> None:
    strange = os.fsdecode(b"\xff\xfe")
    process = await bench.sandbox.spawn(CommandSpec(("/bin/echo", strange), "/", {"A": strange}), FULL)
    assert b"".join([chunk async for chunk in process.output()]) == b"\xff\xfe\n"
