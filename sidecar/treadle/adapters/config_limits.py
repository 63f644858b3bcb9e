"""[treadle.limits]: what one command may use of the machine, in megabytes. What is left out suits the machine."""

from __future__ import annotations

from ..core.settings import CommandLimits
from .config_values import Values

_TABLE = ("treadle", "limits")
_MB = 1024 * 1024


def limits(values: Values) -> CommandLimits:
    def size(key: str, *, least: int) -> int | None:
        found = values.number(*_TABLE, key, least=least, most=1 << 40)
        return None if found is None else found * _MB

    return CommandLimits(
        memory=size("memory_mb", least=64),
        processes=values.number(*_TABLE, "processes", least=16, most=1 << 22),
        file_size=size("file_mb", least=1),
        disk_reserve=size("disk_reserve_mb", least=0),
    )
