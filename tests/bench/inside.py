"""Cases that look inside one process: what it costs to build a request, and to start a command."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from treadle.adapters.sandbox import pick
from treadle.adapters.sandbox.linux import LinuxSandbox
from treadle.core.items import ModelItem, Opening, Text, ToolOutput, UserMessage, dumps
from treadle.core.settings import SandboxMode, SandboxPolicy
from treadle.core.thread import Thread
from treadle.runtime.ports import CommandSpec, Sandbox

Run: TypeAlias = Callable[[tuple[str, ...]], Awaitable[float]]
"Runs a command; milliseconds."
MODES: tuple[SandboxMode, ...] = ("read-only", "workspace-write", "danger-full-access")
AT_ONCE = 20
WORK = ("/bin/sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done")
"Some hundredths of a second of computing: a short command of everyday, as a search or a small test."
STEPS, OUTPUT = 500, 4_000
"A thread of 500 steps and 2 MB."


class Table(Protocol):
    def add(self, what: str, values: list[float], unit: str, target: str) -> None: ...


def building(table: Table, rounds: int) -> None:
    """Request N of a long thread: its new items appended, its body made. The counter shows what was encoded for it."""
    thread = Thread("t", [Opening("o", 1.0, "m", "p", "base", "[]"), UserMessage("u", 1.0, "t", (Text("go"),))])
    for n in range(STEPS):
        _step(thread, n)
    times, encoded = [], []
    for n in range(STEPS, STEPS + max(20, rounds)):
        before, began = thread.prompt.encoded, time.perf_counter()
        _step(thread, n)
        size = len(thread.prompt.request({}).body())
        times.append((time.perf_counter() - began) * 1000)
        encoded.append(float(thread.prompt.encoded - before))
    table.add(f"request {STEPS} of a thread of {size / 1e6:.1f} MB: building it", times, "ms", "< 2")
    table.add(f"request {STEPS}: items encoded for it", encoded, "items", "2 (the new)")


def _step(thread: Thread, n: int) -> None:
    call = {"type": "function_call", "call_id": f"c{n}", "name": "exec_command", "arguments": '{"cmd":"true"}'}
    thread.append(ModelItem(f"i{n}", 1.0, "t", "function_call", dumps(call), f"c{n}", "exec_command"))
    thread.append(ToolOutput(f"o{n}", 1.0, "t", f"c{n}", "x" * OUTPUT))


def commands(table: Table, rounds: int) -> None:
    """Commands from the spawn to the exit code: one after the other, and twenty at once. Every kind takes its turn in each round,
    so that a busy moment of the machine touches all alike."""
    asyncio.run(_commands(table, max(20, rounds)))


async def _commands(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as folder:
        (workspace := Path(folder) / "ws").mkdir()
        sandbox = pick(Path(folder) / "state")
        without = LinuxSandbox(Path(folder) / "other", hidden=(), own=(), bubblewrap="/bin/false")
        kinds: dict[str, Run] = {"bare subprocess": _bare}
        for mode in MODES:
            kinds[mode] = partial(_confined, sandbox, mode, str(workspace))
        if (await without.status()).available:
            kinds["workspace-write by Landlock"] = partial(_confined, without, "workspace-write", str(workspace))
        await _one_by_one(table, kinds, rounds)
        await _together(table, kinds, max(3, rounds // 7))
        await sandbox.close()
        await without.close()


async def _one_by_one(table: Table, kinds: dict[str, Run], rounds: int) -> None:
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for kind in kinds.values():
        await kind(("/bin/true",))
    for _ in range(rounds):
        for name, kind in kinds.items():
            times[name].append(await kind(("/bin/true",)))
    for name, found in times.items():
        table.add(f"`true`, {name}: spawn -> exit code", found, "ms", "")
        if name != "bare subprocess":
            added = [one - bare for one, bare in zip(found, times["bare subprocess"], strict=True)]
            table.add(f"`true`, {name}: added to a bare one", added, "ms", "< 12")


async def _together(table: Table, kinds: dict[str, Run], rounds: int) -> None:
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for name, kind in kinds.items():
            began = time.perf_counter()
            await asyncio.gather(*(kind(WORK) for _ in range(AT_ONCE)))
            times[name].append(time.perf_counter() - began)
    for name, found in times.items():
        if name != "bare subprocess":
            ratios = [one / bare for one, bare in zip(found, times["bare subprocess"], strict=True)]
            table.add(f"{AT_ONCE} commands at once, {name} / bare", ratios, "ratio", "~1")


async def _bare(argv: tuple[str, ...]) -> float:
    began = time.perf_counter()
    """In a session of its own like the others: the scheduler shares the processors out by sessions first."""
    pipe, quiet, both = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(*argv, stdin=quiet, stdout=pipe, stderr=both, start_new_session=True)
    assert process.stdout
    await process.stdout.read()
    assert await process.wait() == 0
    return (time.perf_counter() - began) * 1000


async def _confined(sandbox: Sandbox, mode: SandboxMode, workspace: str, argv: tuple[str, ...]) -> float:
    began = time.perf_counter()
    process = await sandbox.spawn(CommandSpec(argv, workspace, {"PATH": os.environ["PATH"]}), SandboxPolicy(mode, (workspace,)))
    async for _ in process.output():
        pass
    assert await process.wait() == 0
    return (time.perf_counter() - began) * 1000
