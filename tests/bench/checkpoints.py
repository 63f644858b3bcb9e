"""What checkpoints cost in a workspace of 50,000 files: its baseline, and a call before which and after which is looked."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from treadle.adapters.watch import DiskWatch
from treadle.core.settings import CheckpointRules

if TYPE_CHECKING:
    from .__main__ import Table

FILES, IN_A_FOLDER = 50_000, 50
LOOKS = 200


def checkpoints(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as base:
        root, home = Path(base, "ws").resolve(), Path(base, "home")
        _plant(root)
        asyncio.run(_measured(table, str(root), home, rounds))


def _plant(root: Path) -> None:
    text = "def f(x):\n    return x + 1\n" * 60
    for number in range(FILES // IN_A_FOLDER):
        folder = root / f"d{number // 40}" / f"s{number}"
        folder.mkdir(parents=True)
        for file in range(IN_A_FOLDER):
            (folder / f"f{file}.py").write_text(f"# {number} {file}\n{text}")


async def _measured(table: Table, root: str, home: Path, rounds: int) -> None:
    first = await _started(root, home)
    table.add("checkpoints, 50,000 files: first baseline, in the background", [first], "ms", "")
    again = [await _started(root, home) for _ in range(rounds)]
    table.add("checkpoints, 50,000 files: baseline of the next start", again, "ms", "")
    watch = DiskWatch(home)
    watch.begin([root], CheckpointRules())
    await watch.ready([root], 600, _nothing)

    async def around() -> None:
        """As around a command that changes nothing."""
        for _ in range(LOOKS):
            watch.begin([root], CheckpointRules())
            await watch.ready([root], 600, _nothing)
            await watch.look([root], None, 0.0)
            await watch.look([root], ("thread", "turn"), 0.0)

    table.add("… around a command that changes nothing", [await _took(around) / LOOKS for _ in range(rounds)], "ms", "< 0.5")
    changed: list[float] = []
    for number in range(rounds):
        _change(root, number)
        changed.append(await _took(lambda: watch.look([root], ("thread", "turn"), 0.0)))
    table.add("… after a command that changes one file", changed, "ms", "< 5")
    await watch.close()


def _change(root: str, number: int) -> None:
    Path(root, "d0/s0/f0.py").write_text(f"{number}\n")


async def _started(root: str, home: Path) -> float:
    watch = DiskWatch(home)

    async def built() -> None:
        watch.begin([root], CheckpointRules())
        await watch.ready([root], 600, _nothing)

    took = await _took(built)
    await watch.close()
    return took


async def _took(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


def _nothing(text: str | None) -> None:
    pass
