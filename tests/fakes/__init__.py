"""Fakes that several rooms' tests share. Fakes, not mocks: each keeps its port's promises, in little."""

from __future__ import annotations

from .prefix import PrefixMoved as PrefixMoved
from .replies import call as call
from .replies import custom as custom
from .replies import error as error
from .replies import failed as failed
from .replies import fault as fault
from .replies import hold as hold
from .replies import incomplete as incomplete
from .replies import item as item
from .replies import raw as raw
from .replies import reasoning as reasoning
from .replies import reply as reply
from .replies import said as said
from .replies import text as text


def __getattr__(name: str) -> object:
    # Late, so that `python -m fakes.responses` does not load its module twice.
    if name in ("ModelServer", "Recorded"):
        from . import responses  # noqa: PLC0415

        return getattr(responses, name)
    raise AttributeError(name)
