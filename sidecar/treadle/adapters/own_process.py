"""The sidecar's own process, closed to others of the same user: its memory and environment hold keys, and its memory is who asks.

After `close_to_others` no process of that user can read either or trace it, not even a command that the user let out of the
sandbox or an MCP server; nor does it leave a core file. Root is let in, as everywhere. After `give_memory_back` what long texts
took goes back to the system as soon as they are gone, and by `trim` what lies between things that are kept. Linux only; elsewhere
nothing happens.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

_PR_SET_DUMPABLE = 4
TRACEABLE = "TREADLE_TRACEABLE"
"Set by who debugs or measures the sidecar as an ordinary user."
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE, _ARENAS = 256 * 1024, 2


def close_to_others(environ: Mapping[str, str]) -> None:
    """A new program that is started from here is not concerned."""
    if sys.platform != "linux" or environ.get(TRACEABLE):
        return
    _of_libc("prctl")(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def give_memory_back() -> None:
    """Texts of megabytes come and go, and small things are kept that were made in between. glibc learns from the first large text
    that is freed to take the next ones from its heap, one for each thread, and the heap is soon full of holes: it grew to twice
    what was in use. With these bounds set it does not learn that."""
    if sys.platform != "linux":
        return
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        for name, value in ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, 4 * _LARGE), (_M_ARENA_MAX, _ARENAS)):
            mallopt(name, value)


def trim() -> None:
    """By itself glibc gives back only what is free at the end of its heap; this gives back every free page. Takes milliseconds in
    which who needs memory has to wait: for a moment of rest, and not for the event loop."""
    if sys.platform != "linux":
        return
    malloc_trim = _of_libc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


@cache
def _of_libc(name: str) -> Any:
    """None where this C library has no such function. Once for each: ctypes makes a class for every library that it opens."""
    import ctypes  # noqa: PLC0415

    return getattr(ctypes.CDLL(None), name, None)
