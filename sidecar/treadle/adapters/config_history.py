"""[treadle.history]: how much is kept of threads that nobody has open. What is left out keeps everything.

A folder's own file says nothing here: what it deleted would be the user's.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.settings import HistoryLimits
from .config_values import Layer, Values

_TABLE = ("treadle", "history")
_MB = 1024 * 1024


def history(values: Values, own: Sequence[Layer]) -> HistoryLimits:
    """Of the user's `own` layers, highest first."""
    user = Values(own, values.files, values.problems)
    size = user.number(*_TABLE, "max_mb", least=10, most=1 << 30)
    return HistoryLimits(
        max_age_days=user.number(*_TABLE, "max_age_days", least=1, most=100_000),
        max_bytes=None if size is None else size * _MB,
    )
