"""What a client sets over the configuration: merging it, keeping it with the thread, and resolving it to Settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, get_args

from ..core.errors import TreadleError
from ..core.items import JsonObject
from ..core.ops import Overrides
from ..core.settings import ApprovalPolicy, SandboxMode, SandboxPolicy, Settings

Configure: TypeAlias = Callable[[str | None, Mapping[str, Any]], tuple[Settings, tuple[str, ...]]]
"""(cwd, dotted keys over config.toml) -> settings, and a sentence per problem found in the configuration.

Without a cwd it is the process's own. Raises RequestRefused for a folder that is not there."""


_TEXTS = ("cwd", "model", "provider", "effort", "summary", "base_instructions", "developer_instructions")


def merged(old: Overrides, new: Overrides) -> Overrides:
    """`new` where it says something, else `old`."""
    changes = {f.name: getattr(new, f.name) for f in dataclasses.fields(new) if getattr(new, f.name) is not None}
    changes["config"] = {**old.config, **new.config}
    return dataclasses.replace(old, **changes)


def to_json(overrides: Overrides) -> JsonObject:
    return {name: value for name, value in dataclasses.asdict(overrides).items() if value not in (None, {})}


def from_json(data: Mapping[str, Any]) -> Overrides:
    """The inverse of `to_json`. Raises TypeError or ValueError for what it cannot have written: a guess may open a sandbox."""
    values = dict(data)
    for folders in (values.get("roots"), dict(values.get("sandbox") or {}).get("writable_roots")):
        if isinstance(folders, str) or any(not isinstance(folder, str) for folder in folders or ()):
            raise ValueError("no folders")
    if values.get("sandbox") is not None:
        sandbox = dict(values["sandbox"])
        sandbox["writable_roots"] = tuple(sandbox.get("writable_roots", ()))
        values["sandbox"] = policy = SandboxPolicy(**sandbox)
        flags = (policy.network, policy.exclude_tmpdir, policy.exclude_slash_tmp)
        if policy.mode not in get_args(SandboxMode) or any(flag not in (True, False) for flag in flags):
            raise ValueError("no sandbox policy")
    texts = (values.get(name) for name in _TEXTS)
    if not isinstance(values.get("config", {}), dict) or any(not isinstance(text, str) for text in texts if text is not None):
        raise ValueError("no settings")
    if values.get("ask_before_edits") not in (None, True, False):
        raise ValueError("no settings")
    if values.get("approval_policy") not in (None, *get_args(ApprovalPolicy)):
        raise ValueError("no approval policy")
    if values.get("roots") is not None:
        values["roots"] = tuple(values["roots"])
    return Overrides(**values)


def resolve(overrides: Overrides, configure: Configure) -> tuple[Settings, tuple[str, ...]]:
    """Settings under these overrides. Raises what `configure` raises."""
    keys: dict[str, Any] = dict(overrides.config)
    named = {
        "model": overrides.model,
        "model_provider": overrides.provider,
        "model_reasoning_effort": overrides.effort,
        "model_reasoning_summary": overrides.summary,
        "ask_before_edits": overrides.ask_before_edits,
    }
    keys.update((key, value) for key, value in named.items() if value is not None)
    settings, problems = configure(overrides.cwd, keys)
    fields = ("approval_policy", "sandbox", "roots", "base_instructions", "developer_instructions")
    changes = {name: getattr(overrides, name) for name in fields if getattr(overrides, name) is not None}
    if settings.restricted:
        changes.pop("sandbox", None)
    return dataclasses.replace(settings, **changes), problems


def changed(
    old: Overrides, new: Overrides, settings: Settings, configure: Configure
) -> tuple[Overrides, Settings, tuple[str, ...]] | None:
    """What `new` makes of a thread's overrides and settings, or None where there is nothing to change.

    A thread keeps its settings from turn to turn, except one whose provider was refused: its file may be mended by now."""
    nothing_new = new == Overrides()
    if nothing_new and settings.provider.refusal is None:
        return None
    together = merged(old, new)
    resolved, problems = resolve(together, configure)
    return None if nothing_new and resolved == settings else (together, resolved, problems)


def with_rules_of_now(settings: Settings, overrides: Overrides, configure: Configure) -> Settings:
    """A thread keeps its settings, but not the rules of files: what the user forbids now binds threads that run already."""
    try:
        rules = resolve(overrides, configure)[0].rules
    except TreadleError:  # the folder is gone; what was in force stays
        return settings
    return settings if rules == settings.rules else dataclasses.replace(settings, rules=rules)
