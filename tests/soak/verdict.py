"""The verdict on a soak: what may grow, by how much, and what a store has to be like when all is over."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from treadle.core.items import decode
from treadle.core.thread import Thread

from .measure import Sample, quarters

DESCRIPTORS, THREADS, PROCESSES = 2, 2, 0
"More of them in the end than after the warm-up: a file that is open just then, a worker that was not needed before."
KEPT_ALIVE = 20
"Connections to the model that may be open at rest, in all: what the pool keeps for two minutes after they were needed."
SHARE, SPARE, WARMING = 0.10, 4.0, 12.0
"Memory in the end over that after the warm-up: a tenth, and so many MB for what an allocator keeps; more after a short warm-up."
LONG = 1200.0
"Seconds of a soak whose warm-up is long enough."
TASKS, BLOCKS = 1, 0.04
"More tasks of asyncio, and more pieces of memory that Python's objects take: a share."


def grown(begin: Sample, end: Sample, seconds: float) -> list[str]:
    """What has not come back to where it was."""
    found = more(begin, end)
    if end.pss > begin.pss * (1 + SHARE) + _spare(seconds):
        found.append(f"memory: {begin.pss:.1f} MB at the beginning, {end.pss:.1f} MB in the end")
    return found


def more(begin: Sample, end: Sample) -> list[str]:
    """What can be counted and is more than it was."""
    found: list[str] = []
    for name, most in (("descriptors", DESCRIPTORS), ("threads", THREADS), ("processes", PROCESSES)):
        before, after = getattr(begin, name), getattr(end, name)
        if after > before + most:
            found.append(f"{name}: {before} at the beginning, {after} in the end")
    if end.connections > KEPT_ALIVE:
        found.append(f"connections to the model at rest: {end.connections}, of which {KEPT_ALIVE} may be kept")
    return found


def _spare(seconds: float) -> float:
    return SPARE if seconds >= LONG else WARMING


def held(begin: dict[str, Any], end: dict[str, Any]) -> list[str]:
    """What it says of itself: far sharper than the memory, since nothing of it is an allocator's."""
    found: list[str] = []
    if end["tasks"] > begin["tasks"] + TASKS:
        found.append(f"tasks: {begin['tasks']} at the beginning, {end['tasks']} in the end: {str(end['names'])[:500]}")
    if end["blocks"] > begin["blocks"] * (1 + BLOCKS):
        more = {kind: count - begin["kinds"].get(kind, 0) for kind, count in end["kinds"].items()}
        most = sorted(more.items(), key=lambda one: -one[1])[:12]
        found.append(f"pieces of memory: {begin['blocks']} at the beginning, {end['blocks']} in the end: {most}")
    return found


def rising(samples: list[Sample], seconds: float) -> list[str]:
    """Whether the memory under load goes up with the work that was done."""
    _, second, _, last = quarters(samples, "pss")
    if last > second * (1 + SHARE) + _spare(seconds):
        return [f"memory rises under load: {second:.1f} MB in the second quarter, {last:.1f} MB in the last"]
    return []


def log(path: Path) -> list[str]:
    """Errors and stack traces that nothing of the load explains."""
    if not path.exists():
        return []
    said = path.read_text(errors="replace")
    found = [f"{path.name}: {line[:300]}" for line in said.splitlines() if " ERROR " in line or " CRITICAL " in line]
    if "Traceback" in said:
        at = said.index("Traceback")
        found.append(f"{path.name}: a stack trace: {said[max(at - 300, 0) : at + 1500]}")
    return found


def warnings(path: Path) -> list[str]:
    """Lines of the log at the level of a warning, without their times; once each."""
    if not path.exists():
        return []
    lines = (line[24:] for line in path.read_text(errors="replace").splitlines() if " WARNING " in line)
    return sorted({re.sub(r"[0-9a-f-]{36}|\d+", "N", line)[:200] for line in lines})


def stores(folder: Path) -> list[str]:
    """Every database is whole, and every thread in it valid: each call has its output, each turn its end."""
    found: list[str] = []
    paths = sorted(folder.glob("*.sqlite3"))
    for path in paths:
        with closing(sqlite3.connect(path)) as database:
            if (said := database.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
                found.append(f"{path.name}: {said[:3]}")
            if said := database.execute("PRAGMA foreign_key_check").fetchall():
                found.append(f"{path.name}: foreign keys: {said[:3]}")
    with closing(sqlite3.connect(folder / "threads.sqlite3")) as database:
        for (id,) in database.execute("SELECT id FROM thread").fetchall():
            bodies = database.execute("SELECT body FROM item WHERE thread_id=? ORDER BY position", (id,))
            thread = Thread(id, (decode(body) for (body,) in bodies))
            if thread.unanswered or thread.open_turn is not None:
                found.append(f"thread {id}: unanswered {thread.unanswered}, open turn {thread.open_turn}")
        if (drafts := database.execute("SELECT count(*) FROM draft").fetchone()[0]) != 0:
            found.append(f"{drafts} drafts are left")
    return found if len(paths) > 1 else [*found, f"databases that were to be looked at: {[path.name for path in paths]}"]
