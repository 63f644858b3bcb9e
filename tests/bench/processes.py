"""What a process and all that it started take of the machine, read from /proc. Looks at processes, never touches them."""

from __future__ import annotations

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """`root` and all below it, as far as they are still there."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            below.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += below.get(pid, [])
    return found


def session(leader: int) -> list[int]:
    """Who is of this session, also when the one that began it is gone and its children have another parent."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in numbers if (fields := _stat(pid)) and int(fields[3]) == leader]


def born(pid: int) -> str:
    """When it began: with its number this names a process for good. Nothing, if it is gone."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def memory(root: int) -> float:
    """MB of the tree, as if nothing else ran: its own pages once, however many of its processes share them, and the pages of
    files (program, libraries) of the process that has most of them. Not the kernel's proportional size, which is less for a
    program in Python as soon as the driver, also in Python, maps the same libraries."""
    sizes = [size for pid in tree(root) if (size := _size(pid))]
    return (sum(own for own, _ in sizes) + max((files for _, files in sizes), default=0)) / 1024


def cpu(root: int) -> float:
    """Seconds that the tree has computed, children that have ended and were waited for among them."""
    return sum(sum(int(field) for field in fields[11:15]) for pid in tree(root) if (fields := _stat(pid))) / TICK


def _stat(pid: int) -> list[str] | None:
    """Fields from the state on: [1] is the parent, [11:15] the times of itself and of its children."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None


def _size(pid: int) -> tuple[int, int] | None:
    """KB: of its own, proportionally; of files."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    fields = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in text.splitlines()[1:])}
    return fields["Pss_Anon"] + fields["Pss_Shmem"], fields["Rss"] - fields["Anonymous"]
