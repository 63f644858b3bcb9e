"""Cases of apply_patch: understanding a patch, showing it and writing the files, with the memory that it takes at most."""

from __future__ import annotations

import asyncio
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

from treadle.adapters.files import DiskFiles
from treadle.core.patch_preview import PatchPreview
from treadle.core.settings import Provider, SandboxPolicy, Settings
from treadle.runtime.ports import Call, Scope
from treadle.tools.apply_patch import ApplyPatch

from .inside import Table
from .texts import file_and_patch


def patching(table: Table, rounds: int) -> None:
    asyncio.run(_patching(table, max(10, rounds)))


async def _patching(table: Table, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as name:
        folder = Path(name)
        for what, lines, hunks, target in (
            ("50 hunks on 2,000 lines", 2_000, 50, "< 15"),
            ("50 hunks on 2,000 lines, no line exact", 2_000, -50, ""),
            ("50 hunks on 10 MB", 250_000, 50, ""),
        ):
            text, patch = file_and_patch(lines, abs(hunks), loose=hunks < 0)
            times = [await _apply(folder, text, patch) for _ in range(rounds if lines < 10_000 else 3)]
            table.add(f"patch, {what}: prepare + commit", times, "ms", target)
        tracemalloc.start()
        await _apply(folder, text, patch)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        table.add("patch, 50 hunks on 10 MB: memory at most, beside its 10", [peak / 1e6], "MB", "")
        times = [await _refused("x" * 10_000_000, folder) for _ in range(rounds)]
        table.add("patch of 10 MB: refused", times, "ms", "")
        times = [_preview(patch * 40) for _ in range(3)]
        table.add(f"patch of {len(patch) * 40 / 1e6:.1f} MB arriving by 20 characters: preview", times, "ms", "")


def _scope(folder: Path) -> Scope:
    policy = SandboxPolicy("workspace-write", (str(folder),))
    settings = Settings(cwd=str(folder), model="m", provider=Provider("p", "P", "http://localhost"), sandbox=policy)
    unused: Any = None
    return Scope(settings, unused, DiskFiles(journal=folder / "journal"), unused, lambda text: None, policy)


async def _apply(folder: Path, text: str, patch: str) -> float:
    (folder / "f.py").write_text(text)
    tool, scope = ApplyPatch(), _scope(folder)
    call = Call("i", "c", "apply_patch", patch, True, "thread", "turn")
    began = time.perf_counter()
    plan = await tool.prepare(call, scope)
    await tool.run(call, plan, scope)
    took = (time.perf_counter() - began) * 1000
    assert (folder / "f.py").read_text() != text
    return took


async def _refused(text: str, folder: Path) -> float:
    began = time.perf_counter()
    try:
        await ApplyPatch().prepare(Call("i", "c", "apply_patch", text, True, "thread", "turn"), _scope(folder))
    except Exception:
        return (time.perf_counter() - began) * 1000
    raise AssertionError("it should be refused")


def _preview(text: str) -> float:
    seen = PatchPreview("/w")
    began = time.perf_counter()
    for at in range(0, len(text), 20):
        seen.feed(text[at : at + 20])
    return (time.perf_counter() - began) * 1000
