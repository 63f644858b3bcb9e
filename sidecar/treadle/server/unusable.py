"""What no method can use, whatever its parameters mean: found before they are checked, so that nothing below has to expect it.

Text of the user may hold anything that JSON can say. What names a thing, an id or a path, must be text that a file system and a
database take. Costs one look at each value, however deep, and never raises.
"""

from __future__ import annotations

from typing import Any

DEEPEST = 100
LONGEST = 8_192
"Characters of a name. A path may have 4,096 bytes."
_NAMES = frozenset(
    {"cwd", "cwds", "path", "paths", "workspace", "runtimeWorkspaceRoots", "writableRoots", "uri", "host"}
    | {"day", "cursor", "searchTerm", "query", "model", "modelProvider", "modelProviders", "effort", "permissions"}
    | {"id", "ids", "name", "server", "tool"}
)


def field(params: Any) -> tuple[str, str] | None:
    """The path of what cannot be used, and why."""
    waiting: list[tuple[str, Any, bool, int]] = [("", params, False, 0)]
    while waiting:
        path, value, names, depth = waiting.pop()
        if isinstance(value, str):
            if names and (why := _unnamable(value)):
                return path or "params", why
        elif isinstance(value, (dict, list)):
            if depth >= DEEPEST:
                return ".".join(path.split(".")[:4]), f"it is nested deeper than {DEEPEST} levels"
            waiting += _parts(path, value, names, depth + 1)  # type: ignore[arg-type]
    return None


def _parts(path: str, value: dict[str, Any] | list[Any], names: bool, depth: int) -> list[tuple[str, Any, bool, int]]:
    head = f"{path}." if path else ""
    if isinstance(value, list):
        return [(f"{head}{place}", part, names, depth) for place, part in enumerate(value) if isinstance(part, (str, dict, list))]
    return [(head + key, part, _is_name(key), depth) for key, part in value.items() if isinstance(part, (str, dict, list))]


def _is_name(key: str) -> bool:
    return key in _NAMES or key.endswith(("Id", "Ids"))


def _unnamable(text: str) -> str | None:
    if len(text) > LONGEST:
        return f"longer than {LONGEST} characters"
    if "\0" in text:
        return "holds a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "holds half of a surrogate pair, which is no text"
    return None
