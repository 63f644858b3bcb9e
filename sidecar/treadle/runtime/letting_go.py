"""Lets go of memory that nothing needs any more, while others wait for nothing.

What is left of turns and threads refers to itself, and Python looks for such things after so many objects, however much each of
them holds. Megabytes of outputs would wait for that for hours; and where they pile up, Python's own memory stays as large as the
pile once was, for one small thing that is kept holds a megabyte around it. So whoever is asked for much is looked through often.
Must never look where nothing was asked for, which leaves nothing.
"""

from __future__ import annotations

import asyncio
import gc

from .assembly import World

_AFTER_START = 15.0
_SOON, _PAUSE = 10.0, 60.0
"Seconds between two looks: after much was asked, and after little."
_MUCH = 20
"Ops."
_WHOLE = 3600.0
"""So often memory is also looked for in what was loaded ahead, and Python was told to pass over: a thread that was open at that
moment is in it, too. This takes a few hundredths of a second."""


async def let_go(world: World) -> None:
    """Again and again, for as long as the process lives."""
    # whoever has just started the process wants something else first
    await world.clock.sleep(_AFTER_START)
    looked, seen, whole = -_PAUSE, -1, world.clock.monotonic()
    while True:
        asked, now = world.asked - seen, world.clock.monotonic()
        if asked >= _MUCH or (asked and now - looked >= _PAUSE):
            _look(everywhere=now - whole >= _WHOLE)
            whole = now if now - whole >= _WHOLE else whole
            looked, seen = now, world.asked
            if world.trim is not None:
                await asyncio.to_thread(world.trim)
        await world.clock.sleep(_SOON)


def _look(*, everywhere: bool) -> None:
    passed_over = everywhere and gc.get_freeze_count() > 0
    if passed_over:
        gc.unfreeze()
    gc.collect()
    if passed_over:
        gc.freeze()
