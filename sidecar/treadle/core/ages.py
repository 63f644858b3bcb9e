"""How old things are when the clock may be wrong.

A machine may start in 1970, or in 2100 after a flat battery, and be set right later. What is deleted for its age must not depend
on one look at such a clock: a time counts only as far as something was used.
"""

from __future__ import annotations

from collections.abc import Iterable

DAY = 24 * 3600.0


def witnessed(now: float, used: Iterable[float]) -> float:
    """The time that ages are counted from: a day after the last use that is more than a day ago, or now if that is earlier. So
    what was kept until yesterday is not old today, whatever the clock says, and what is really old goes a day later."""
    before = [at for at in used if at < now - DAY]
    return min(now, max(before) + DAY) if before else now
