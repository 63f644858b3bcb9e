"""Which kind of memory a process has: Python's small objects, the C library's pieces, SQLite's pages, what the system maps.

Must change nothing but where the error stream goes for a moment: Python tells of its pools only there.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys

MB = 1024 * 1024
_WORDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _WORDS]


def kinds() -> dict[str, float]:
    """MB of each."""
    found = {**_small_objects(), **_pieces(), **_mapped()}
    found["sqlite"] = _sqlite()
    return {name: round(size / MB, 2) for name, size in found.items()}


def _small_objects() -> dict[str, float]:
    """Of pymalloc: arenas of one MB that are used for objects up to 512 bytes. One object keeps a whole arena."""
    said, before = os.memfd_create("pools"), os.dup(2)
    os.dup2(said, 2)
    try:
        sys._debugmallocstats()
    finally:
        os.dup2(before, 2)
        os.close(before)
    size = os.lseek(said, 0, os.SEEK_CUR)
    text = os.pread(said, size, 0).decode()
    os.close(said)
    names = {"objects": "# bytes in allocated blocks", "objects, room left": "# bytes in available blocks"}
    found = {name: float(re.findall(rf"{line} += +([\d,]+)", text)[0].replace(",", "")) for name, line in names.items()}
    found["objects, arenas"] = float(re.findall(r"bytes/arena +=\s+([\d,]+)", text)[0].replace(",", ""))
    return found


def _pieces() -> dict[str, float]:
    """Of malloc, all its arenas together."""
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except AttributeError:  # another C library
        return {}
    ask.restype = _MallInfo
    now = ask()
    return {"malloc, used": now.uordblks, "malloc, free": now.fordblks, "malloc, mapped alone": now.hblkhd}


def _mapped() -> dict[str, float]:
    """What is in memory, by what it is mapped from."""
    found = dict.fromkeys(("heap", "anonymous", "stack", "shared memory", "files"), 0.0)
    kind = "files"
    with open("/proc/self/smaps", encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if not words[0].endswith(":"):
                name = words[5] if len(words) > 5 else ""
                named = {"": "anonymous", "[heap]": "heap", "[stack]": "stack"}
                kind = "shared memory" if name.endswith("-shm") else named.get(name, "files")
            elif words[0] == "Pss:":
                found[kind] += int(words[1]) * 1024
    return {f"mapped, {name}": size for name, size in found.items()}


def _sqlite() -> float:
    try:
        used = ctypes.CDLL("libsqlite3.so.0").sqlite3_memory_used
    except (OSError, AttributeError):
        return 0.0
    used.restype = ctypes.c_int64
    return used()
