"""Loaded by the sidecar of a soak, and by nothing else: on SIGUSR2 it writes what it has in it to the file SOAK_INSIDE.

Must do nothing at all before it is asked.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

WHERE = os.environ.pop("SOAK_INSIDE", "")


def tell(number: int, frame: FrameType | None) -> None:
    import asyncio  # noqa: PLC0415
    import ctypes  # noqa: PLC0415
    import gc  # noqa: PLC0415
    import json  # noqa: PLC0415
    from collections import Counter  # noqa: PLC0415

    gc.collect()
    objects = gc.get_objects()
    kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in objects)
    sizes: Counter[str] = Counter()
    for one in objects:
        if isinstance(one, (list, dict, set, bytearray)):
            sizes[type(one).__name__] += sys.getsizeof(one)
    tasks = Counter(task.get_name() for task in asyncio.all_tasks())
    import kinds_of_memory  # noqa: PLC0415

    before, untrimmed = _resident(), kinds_of_memory.kinds()
    ctypes.CDLL(None).malloc_trim(0)
    found = {
        "tasks": sum(tasks.values()),
        "names": dict(tasks),
        "blocks": sys.getallocatedblocks(),
        "objects": len(objects),
        "kinds": dict(kinds.most_common(400)),
        "sizes": dict(sizes),
        "trimmed": before - _resident(),
        "memory before": untrimmed,
        "memory": kinds_of_memory.kinds(),
    }
    with open(f"{WHERE}.part", "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.rename(f"{WHERE}.part", WHERE)


def _resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 1024 / 1024


if WHERE:
    signal.signal(signal.SIGUSR2, tell)
