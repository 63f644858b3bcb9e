"""How the cost of something grows with its input, measured within one run: no number here is that of a machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

FACTOR = 16
MOST = 80
"Times as dear for sixteen times the input: linear is 16, what compares everything with everything is 256."
LEAST = 0.004
"Seconds below which a measurement says nothing."


TRIES = 5
"A processor that was busy elsewhere makes one measurement dear; what grows too fast is dear each time."


def grows_evenly(work: Callable[[Any], object], made: Callable[[int], Any], small: int) -> bool:
    """`made(size)` is what `work` is given. Garbage of other tests is not collected meanwhile: it would count as this work's."""
    few, many = made(small), made(small * FACTOR)
    collecting = gc.isenabled()
    gc.disable()
    try:
        work(made(1))
        few_cost = many_cost = float("inf")
        for _ in range(TRIES):
            few_cost = min(few_cost, _seconds(work, few))
            many_cost = min(many_cost, _seconds(work, many))
            if many_cost <= MOST * max(few_cost, LEAST):
                return True
        return False
    finally:
        if collecting:
            gc.enable()


def _seconds(work: Callable[[Any], object], given: Any) -> float:
    begun = time.thread_time()
    work(given)
    return time.thread_time() - begun
