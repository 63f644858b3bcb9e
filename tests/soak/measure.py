"""What a process takes, seen from outside, in /proc: memory, descriptors, threads, processes; and a pace for the load.

Must never change what it measures: it reads, and sends no signal.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
MB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    at: float
    "Seconds since the beginning."
    pss: float
    "MB of the sidecar itself; its children have their own."
    rss: float
    anonymous: float
    descriptors: int
    "Without those of `connections`."
    connections: int
    "To the model: the pool keeps some for the next request."
    threads: int
    processes: int
    "Below it, at any depth."
    databases: float
    "MB on the disk."
    temporary: int
    "Files and folders in the temp folder."


def sample(pid: int, began: float, folder: Path, model: int) -> Sample:
    """`model`: the port at which it listens."""
    rollup = _fields(Path(f"/proc/{pid}/smaps_rollup"))
    connections = _connections(pid, model)
    stores = sum(map(_size, (folder / "home" / "treadle").glob("*.sqlite3*")))
    return Sample(
        at=round(time.monotonic() - began, 1),
        pss=round(rollup["Pss"] / 1024, 2),
        rss=round(rollup["Rss"] / 1024, 2),
        anonymous=round(rollup["Anonymous"] / 1024, 2),
        descriptors=len(os.listdir(f"/proc/{pid}/fd")) - connections,
        connections=connections,
        threads=len(os.listdir(f"/proc/{pid}/task")),
        processes=len(below(pid)),
        databases=round(stores / MB, 2),
        temporary=len(list((folder / "tmp").iterdir())),
    )


def _size(path: Path) -> int:
    """SQLite removes the files beside a database when it likes."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _connections(pid: int, port: int) -> int:
    """Descriptors of this process that are connected to this port, in whatever state."""
    rows = (row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:])
    there = {f"socket:[{row[9]}]" for row in rows if int(row[2].rpartition(":")[2], 16) == port}
    return sum(target in there for target in _targets(pid))


def _targets(pid: int) -> list[str]:
    """What its descriptors are; those that are closed meanwhile are left out."""
    found: list[str] = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def _fields(path: Path) -> dict[str, int]:
    """Kilobytes by name."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) == 3 and row[2] == "kB"}


def _stats() -> dict[int, tuple[int, float]]:
    """Every process: its parent, and the seconds of processor time that it and its ended children have had."""
    found: dict[int, tuple[int, float]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            found[int(name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
    return found


def below(pid: int) -> list[int]:
    """All processes under it."""
    children: dict[int, list[int]] = {}
    for child, (parent, _) in _stats().items():
        children.setdefault(parent, []).append(child)
    found, left = list[int](), [pid]
    while left:
        left += (new := children.get(left.pop(), []))
        found += new
    return found


def inhabitants(folder: Path) -> dict[int, str]:
    """Processes that have this folder among their words, in their environment, or as the place where they are."""
    mark, found = str(folder).encode(), dict[int, str]()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            root = Path(f"/proc/{name}")
            words, told = (root / "cmdline").read_bytes(), (root / "environ").read_bytes()
            where = os.readlink(root / "cwd").encode()
        except OSError:
            continue
        if mark in words or mark in told or mark in where:
            found[int(name)] = words.replace(b"\0", b" ").decode(errors="replace")[:200]
    return found


def named(pids: list[int]) -> dict[str, int]:
    """How many there are of each program, for people."""
    found: Counter[str] = Counter()
    for pid in pids:
        try:
            found[Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:160]] += 1
        except OSError:
            continue
    return dict(found)


def open_files(pid: int) -> dict[str, int]:
    """What its descriptors are, numbers left out."""
    return dict(Counter(target.split(":[")[0] for target in _targets(pid)))


class Watch:
    """Samples every few seconds for as long as it is entered, and keeps the load at its pace: `cores` of the machine at most."""

    def __init__(self, pid: int, folder: Path, model: int, cores: float, every: float, also: Callable[[], set[int]]) -> None:
        self.pid, self.folder, self.model, self.cores, self.every = pid, folder, model, cores, every
        self._also = also
        self.began = time.monotonic()
        self.samples: list[Sample] = []
        self.used: list[float] = []
        "Cores, sample by sample."

    async def run(self, pace: Callable[[float], None]) -> None:
        """`pace` is given a factor for the pauses."""
        before, at = self._spent(), time.monotonic()
        while True:
            await asyncio.sleep(self.every)
            self.look()
            spent, now = self._spent(), time.monotonic()
            used = max(spent - before, 0.0) / (now - at)
            before, at = spent, now
            self.used.append(round(used, 3))
            pace(1.25 if used > self.cores else 0.9)

    def look(self) -> Sample:
        self.samples.append(self.now())
        return self.samples[-1]

    def now(self) -> Sample:
        return sample(self.pid, self.began, self.folder, self.model)

    def _spent(self) -> float:
        stats = _stats()
        ours = {self.pid, *below(self.pid)}
        for visitor in self._also():
            ours |= {visitor, *below(visitor)}
        return time.process_time() + sum(stats[pid][1] for pid in ours if pid in stats)


def quarters(samples: list[Sample], name: str) -> list[float]:
    """The median of each quarter of the time."""
    first, last = samples[0].at, samples[-1].at
    size = (last - first) / 4 or 1.0
    parts: list[list[float]] = [[], [], [], []]
    for one in samples:
        parts[min(int((one.at - first) / size), 3)].append(getattr(one, name))
    return [round(median(part), 2) if part else 0.0 for part in parts]


def as_json(samples: list[Sample]) -> list[dict[str, Any]]:
    return [asdict(one) for one in samples]
