"""Cases that look inside one process: what it costs to build a request, and to start a command."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Protocol

from treadle.adapters.sandbox import pick
from treadle.core.items import ModelItem, Opening, Text, ToolOutput, UserMessage, dumps
from treadle.core.settings import SandboxMode, SandboxPolicy
from treadle.core.thread import Thread
from treadle.runtime.ports import CommandSpec, Sandbox

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
    """A sandboxed `true`, from the spawn to the exit code."""
    asyncio.run(_commands(table, max(20, rounds)))


async def _commands(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as folder:
        (workspace := Path(folder) / "ws").mkdir()
        sandbox = pick(Path(folder) / "state")
        await sandbox.status()
        for mode in ("read-only", "workspace-write", "danger-full-access"):
            times = [await _true(sandbox, mode, str(workspace)) for _ in range(rounds)]
            confined = mode != "danger-full-access"
            table.add(f"`true`, {mode}: spawn -> exit code", times, "ms", "< 25" if confined else "")
        await sandbox.close()


async def _true(sandbox: Sandbox, mode: SandboxMode, workspace: str) -> float:
    began = time.perf_counter()
    spec = CommandSpec(("/bin/true",), workspace, {"PATH": os.environ["PATH"]})
    process = await sandbox.spawn(spec, SandboxPolicy(mode, (workspace,)))
    async for _ in process.output():
        pass
    assert await process.wait() == 0
    return (time.perf_counter() - began) * 1000
