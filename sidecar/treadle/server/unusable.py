"""What no method can use, whatever its parameters mean: found before they are checked, so that nothing below has to expect it.

Text of the user may hold anything that JSON can say. What names a thing, an id or a path, must be text that a file system and a
database take. Costs one look at each value, however deep, and never raises.
"""

from __future__ import annotations

from typing import Any

DEEPEST = 100
LONGEST = 8_192
"Characters of a name. A path may have 4,096 bytes."
SHORT = 100
"Characters of a name in a sentence."
SENTENCE = 2_000
"Characters of a sentence about an error; it may repeat a path of the client's."
_NAMES = frozenset(
    {
        "cwd",
        "cwds",
        "path",
        "paths",
        "workspace",
        "runtimeWorkspaceRoots",
        "writableRoots",
        "uri",
        "host",
        "additionalDirectories",
    }
    | {"day", "cursor", "searchTerm", "query", "model", "modelProvider", "modelProviders", "effort", "permissions"}
    | {"id", "ids", "name", "server", "tool"}
)


def message(value: Any) -> str | None:
    """Why this is no message of JSON-RPC at all, neither a request nor an answer."""
    if not isinstance(value, dict) or not isinstance(value.get("method", ""), str):  # type: ignore[union-attr]
        return "expected an object with a method"
    if "method" not in value:
        return None if "result" in value or "error" in value else "it has no method"
    id: Any = value.get("id")  # type: ignore[assignment]
    if id is not None and (not isinstance(id, (str, int)) or isinstance(id, bool)):
        return "the id must be a string or a number"
    return None


def short(value: str | int, most: int = SHORT) -> str:
    """A name that a client made up, in a sentence for it; or the sentence."""
    said = str(value)
    return said if len(said) <= most else f"{said[:most]}…"


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
