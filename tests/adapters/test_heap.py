"""What long texts took goes back to the system, and what lay between things that are kept."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, sys
from treadle.adapters.own_process import give_memory_back

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena a b c mapped d e f g h".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
if sys.argv[1] == "bounded":
    give_memory_back()
learned = bytes(8_000_000)
del learned
before = libc.mallinfo2()
text = bytes(4_000_000)
after = libc.mallinfo2()
print(after.mapped - before.mapped, after.arena - before.arena)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc learns so")
def test_a_long_text_is_never_put_into_the_heap_where_it_would_leave_a_hole() -> None:
    def taken(how: str) -> tuple[int, int]:
        """Bytes outside of the heap and in it."""
        told = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
        mapped, heap = map(int, told.stdout.split())
        return mapped, heap

    assert taken("as it is")[1] > 3_000_000, "this C library does not learn: nothing has to be done"
    mapped, heap = taken("bounded")
    assert mapped >= 4_000_000
    assert heap < 1_000_000


HOLES = """
import gc, os
from treadle.adapters.own_process import give_memory_back, trim

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

give_memory_back()
pieces = [bytes(40_000 if n % 2 else 600) for n in range(2000)]
del pieces[1::2]
before = resident()
trim()
print(before - resident())
gc.collect()
gc.disable()
objects = len(gc.get_objects())
for _ in range(20):
    trim()
print(len(gc.get_objects()) - objects)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is asked to")
def test_what_is_free_between_things_that_are_kept_goes_back_to_the_system() -> None:
    told = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    given_back, left = map(int, told.stdout.split())
    assert given_back > 20_000_000  # of forty
    assert left < 20
