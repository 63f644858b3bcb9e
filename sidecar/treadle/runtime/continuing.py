"""Going on where a turn was cut off: when the user asks for it, in a turn of its own without words of theirs.

Promises that what is in the thread stays as it is: the new turn is appended, and the model is told why it is asked again.
"""

from __future__ import annotations

from ..core.context import CONTINUED
from ..core.errors import RequestRefused
from ..core.items import Context, Section, TurnEnded
from .loaded import Loaded
from .ports import Clock


def check(loaded: Loaded) -> None:
    """Raises RequestRefused when the last turn came to its own end."""
    last = next((item for item in reversed(loaded.items()) if isinstance(item, TurnEnded)), None)
    if last is None or last.status == "completed":
        raise RequestRefused("there is nothing to go on with: the last turn has come to its end")


def told(clock: Clock) -> Context:
    """What the model reads where the user's words would be."""
    return Context(clock.new_id(), clock.now(), "user", (Section("continued", CONTINUED),))
