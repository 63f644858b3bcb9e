"""[treadle.network] and Codex's network proxy tables -> NetworkSettings.

Off unless somebody configures it. What one layer denies, no layer above it can allow; what a layer allows replaces what those
below it allow. A pattern that cannot be used is named and opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, cast

from ..core.settings import NetworkSettings
from .config_files import Table
from .config_values import Layer, Values

Key: TypeAlias = tuple[str, ...]
OWN: Key = ("treadle", "network")
_FEATURE: Key = ("features", "network_proxy")


def network(values: Values) -> NetworkSettings | None:
    """None when no proxy is configured."""
    if any(values.gap(key[0]) for key in (OWN, _FEATURE)) or not _enabled(values):
        return None
    profile = values.text("default_permissions")
    tables: list[Key] = [OWN, _FEATURE, *([("permissions", profile, "network")] if profile else [])]
    allow: tuple[str, ...] = ()
    deny: dict[str, None] = {}
    for layer in reversed(values.layers):
        listed = [_listed(values, layer, key) for key in tables]
        found = tuple(dict.fromkeys(pattern for allowed, _ in listed for pattern in allowed))
        allow = found or allow
        deny.update((pattern, None) for _, denied in listed for pattern in denied)
    private = any(values.flag(*key, name) for key in tables for name in _PRIVATE if values.has(*key, name))
    return NetworkSettings(allow, tuple(deny), private)


_PRIVATE = ("allow_private", "allow_local_binding")


def _enabled(values: Values) -> bool:
    """The highest layer that says something says it."""
    for layer in values.layers:
        own = _table(layer, OWN)
        if own is not None:
            return own.get("enabled") is not False
        features: Any = layer.data.get("features")
        feature: Any = cast("Table", features).get("network_proxy") if isinstance(features, dict) else None
        if isinstance(feature, bool):
            return feature
        if isinstance(feature, dict):
            return cast("Table", feature).get("enabled") is not False
    return False


def _listed(values: Values, layer: Layer, key: Key) -> tuple[list[str], list[str]]:
    """(allowed, denied)"""
    table = _table(layer, key)
    if not table:
        return [], []
    from ..core.network import problem_of  # noqa: PLC0415

    found: dict[str, list[str]] = {"allow": [], "deny": []}
    for pattern, verdict in _said(values, layer, key, table):
        problem = problem_of(pattern)
        if problem:
            values.report(layer, key, f"{problem}. It is ignored.")
        else:
            found[verdict].append(pattern.strip().lower())
    return found["allow"], found["deny"]


def _said(values: Values, layer: Layer, key: Key, table: Table) -> Iterator[tuple[str, str]]:
    for name, verdict in (("allow", "allow"), ("allowed_domains", "allow"), ("deny", "deny"), ("denied_domains", "deny")):
        listed: Any = table.get(name, [])
        if isinstance(listed, list) and all(isinstance(entry, str) for entry in cast("list[Any]", listed)):
            yield from ((pattern, verdict) for pattern in cast("list[str]", listed))
        else:
            values.report(layer, (*key, name), "must be a list of hosts; it is ignored.")
    domains: Any = table.get("domains", {})
    if not isinstance(domains, dict):
        values.report(layer, (*key, "domains"), 'must be a table as { "example.com" = "allow" }; it is ignored.')
        return
    for pattern, verdict in cast("Table", domains).items():
        if verdict in ("allow", "deny"):
            yield pattern, cast(str, verdict)
        else:
            values.report(layer, (*key, "domains"), f'{pattern[:80]!a} must be "allow" or "deny"; it is ignored.')


def _table(layer: Layer, key: Key) -> Table | None:
    found: Any = layer.data
    for part in key:
        found = cast("Table", found).get(part) if isinstance(found, dict) else None
    return cast("Table", found) if isinstance(found, dict) else None
