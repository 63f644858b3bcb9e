"""[treadle.checkpoints]: of which files the contents are kept, so that what a command does to them can be undone."""

from __future__ import annotations

from ..core.settings import CheckpointRules
from .config_values import Values

_TABLE = ("treadle", "checkpoints")
_OURS = CheckpointRules()
_MOST = 1 << 40


def checkpoints(values: Values) -> CheckpointRules:
    def number(key: str, ours: int) -> int:
        found = values.number(*_TABLE, key, least=0, most=_MOST)
        return ours if found is None else found

    return CheckpointRules(
        enabled=values.flag(*_TABLE, "enabled", default=True),
        max_file_bytes=number("max_file_bytes", _OURS.max_file_bytes),
        max_total_bytes=number("max_total_bytes", _OURS.max_total_bytes),
        max_files=number("max_files", _OURS.max_files),
        ignore=values.texts(*_TABLE, "ignore") or (),
    )
