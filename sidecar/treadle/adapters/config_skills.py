"""[skills] of config.toml: which skills are off, and how much room their list has in the prompt.

A folder's own file does not turn skills on or off: that is the user's to say. Never raises for what a user wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, cast

from ..core.settings import SkillRule
from ..core.skills import MAX_LIST_TOKENS
from .config_files import Table
from .config_values import Layer, Values

_CONFIG = ("skills", "config")


def max_tokens(values: Values) -> int | None:
    """`skills.max_context_tokens`; more than the most there may be means the most."""
    found = values.number("skills", "max_context_tokens", least=1)
    return None if found is None else min(found, MAX_LIST_TOKENS)


def rules(values: Values, own: Sequence[Layer]) -> tuple[SkillRule, ...]:
    """`[[skills.config]]` of the user's `own` layers, highest first; in the answer the highest comes last, because it wins."""
    for layer in values.layers:
        if layer not in own and _entries(layer) is not None:
            values.report(layer, _CONFIG, "is not taken from a folder's own file; set it in your own config.toml.")
    return tuple(rule for layer in reversed(own) for rule in _rules(values, layer))


def _entries(layer: Layer) -> Any:
    table: Any = layer.data.get("skills")
    return cast("Table", table).get("config") if isinstance(table, dict) else None


def _rules(values: Values, layer: Layer) -> Iterator[SkillRule]:
    entries = _entries(layer)
    if entries is None:
        return
    if not isinstance(entries, list):
        values.report(layer, _CONFIG, "must be a list of tables: write [[skills.config]]; it is ignored.")
        return
    for number, entry in enumerate(cast("list[Any]", entries), 1):
        rule = _rule(cast("Table", entry), layer) if isinstance(entry, dict) else None
        if rule is None:
            values.report(layer, _CONFIG, f"entry {number} needs a path or a name, and enabled = true or false; it is ignored.")
        else:
            yield rule


def _rule(entry: Table, layer: Layer) -> SkillRule | None:
    path, name, enabled = entry.get("path"), entry.get("name"), entry.get("enabled")
    if not isinstance(enabled, bool):
        return None
    if isinstance(path, str) and path.strip():
        folder = str(layer.path.parent) if layer.path else os.curdir
        return SkillRule(enabled, path=os.path.abspath(os.path.join(folder, os.path.expanduser(path))))
    return SkillRule(enabled, name=name) if isinstance(name, str) and name.strip() else None
