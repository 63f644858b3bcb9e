"""Parameters made from the JSON schemas of protocol/schema, and then spoilt a little.

`@thread`, `@turn`, `@item` and `@workspace` in a text stand for what is there when it is sent. Whatever names a command names a
harmless one, for some of the methods run it.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from treadle.server.wire.methods import CLIENT_REQUESTS

from .doors import Raw
from .junk import scalars, values

_SCHEMAS = Path(__file__).parents[2] / "protocol" / "schema" / "all.json"
_PATHS = (
    *("@workspace", "@workspace", "@workspace/hello.py", "@workspace/no/such", "@workspace/../ws", "file://@workspace/hello.py"),
    *(
        "relative",
        "../..",
        "",
        "~",
        "/no/such",
        "/dev/null",
        "/proc/self/environ",
        "@workspace/" + "a/" * 500,
        "C:\\x",
        "//",
        "x" * 5_000,
    ),
)
_BY_NAME: dict[str, tuple[Any, ...]] = {
    "sessionId": ("@thread", "@thread", "@thread", "no-such", ""),
    "threadId": ("@thread", "@thread", "@thread", "@thread", "no-such", ""),
    "turnId": ("@turn", "no-such", ""),
    "expectedTurnId": ("@turn", "no-such"),
    "itemId": ("@item", "no-such"),
    "cursor": ("", "1", "@turn", "@item", "@thread", "-1", "zzz", '{"a":1}', "MTA="),
    "uri": ("file://@workspace/hello.py", "https://example.invalid/", "x:", "untitled:1"),
    "url": ("data:image/png;base64,AAAA", "data:,x", "file:///etc/passwd", "http://127.0.0.1:9/x.png", ""),
} | {name: _PATHS for name in ("cwd", "path", "root", "workspace", "writableRoots", "runtimeWorkspaceRoots", "cwds", "paths")}
_LINES = ("true", "true", "exit 3", "no-such-program", "'", "true; true", "true &", "")
_WORDS = (["true"], ["sh", "-c", "exit 3"], ["no-such-program"], [""], [], ["true", "\0"], ["true", "x" * 9_000])


@cache
def _definitions() -> dict[str, Any]:
    return json.loads(_SCHEMAS.read_text("utf-8"))["$defs"]


def params(method: str) -> st.SearchStrategy[Any]:
    """As the contract wants them, or nearly."""
    name = CLIENT_REQUESTS[method][0].__name__
    return spoilt(_Shapes(_definitions()).of({"$ref": f"#/$defs/{name}"}, "params"))


def of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """The same for a schema with definitions of its own."""
    return spoilt(_Shapes(schema.get("$defs", {})).of(schema, "params"))


class _Shapes:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions

    def of(self, schema: Any, name: str, depth: int = 0) -> st.SearchStrategy[Any]:
        if not isinstance(schema, dict) or depth > 8:
            return values
        if "$ref" in schema:
            target = self._definitions[schema["$ref"].rpartition("/")[2]]
            return st.deferred(lambda: self.of(target, name, depth + 1))
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        variants = [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]
        if variants:
            return st.one_of([self.of(variant, name, depth + 1) for variant in variants])
        return self._plain(schema, name, depth)

    def _plain(self, schema: dict[str, Any], name: str, depth: int) -> st.SearchStrategy[Any]:
        match schema.get("type", "object" if "properties" in schema else None):
            case "object" if "properties" in schema:
                needed = set(schema.get("required", ()))
                parts = {key: self.of(part, key, depth + 1) for key, part in schema["properties"].items()}
                return st.fixed_dictionaries(
                    {key: part for key, part in parts.items() if key in needed},
                    optional={key: part for key, part in parts.items() if key not in needed},
                )
            case "object":
                return st.dictionaries(st.text(max_size=5), values, max_size=3)
            case "array" if "command" in name:
                return st.sampled_from(_WORDS)
            case "array":
                return st.lists(self.of(schema.get("items"), name, depth + 1), max_size=3)
            case "string" if "command" in name:
                return st.sampled_from(_LINES)
            case "string":
                return st.sampled_from(_BY_NAME[name]) if name in _BY_NAME else st.text(max_size=15)
            case "integer":
                return st.integers(schema.get("minimum", -2), schema.get("maximum", 2**32 - 1)) | st.integers(0, 5)
            case "number":
                return st.floats(allow_nan=False, allow_infinity=False)
            case "boolean":
                return st.booleans()
            case "null":
                return st.none()
            case _:
                return values


_WRONG = st.one_of(
    scalars,
    values,
    st.sampled_from([[], {}, [[]], {"": None}, "x" * 300_000, "@workspace", "/", "a\0b", "\udfff", Raw("1e999"), -(2**63) - 1]),
)
SPOILING = st.lists(
    st.tuples(
        st.sampled_from(["replace", "replace", "drop", "add", "double"]), st.integers(0, 1_000), _WRONG, st.text(max_size=8)
    ),
    max_size=2,
)


def spoilt(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Something is of a wrong type, missing, too much or there twice; often nothing is."""
    return st.builds(spoil, good, st.one_of(st.just([]), SPOILING))


def spoil(value: Any, changes: list[tuple[str, int, Any, str]]) -> Any:
    root = [copy.deepcopy(value)]
    for kind, where, new, key in changes:
        places = list(_places(root))
        parent, at = places[where % len(places)]
        if "command" in str(at) or (isinstance(at, int) and parent in _WORDS):
            # never a command that nobody has looked at
            continue
        match kind:
            case "drop" if parent is not root:
                del parent[at]
            case "add" if isinstance(parent[at], dict):
                parent[at].setdefault(key, new)
            case "double" if isinstance(parent[at], list):
                parent[at] *= 2
            case _:
                parent[at] = new
    return root[0]


def _places(root: list[Any]) -> Any:
    """Every place in it: what holds it, and by which key."""
    waiting: list[Any] = [root]
    while waiting:
        holder = waiting.pop(0)
        for at, part in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            yield holder, at
            if isinstance(part, (dict, list)):
                waiting.append(part)
