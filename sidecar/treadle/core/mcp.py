"""MCP tools as the model and the policy see them: names, order, schemas. Pure; the same input gives the same bytes.

What comes from a server is not trusted: names are cleaned, texts and schemas are cut to a size, and a hint that is missing counts
as the dangerous value. The order of tools is that of their raw identity, so it does not depend on which server answered first.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal, cast

from .items import JsonObject
from .record import frozen
from .settings import McpApproval, McpServer
from .truncate import clip

PREFIX = "mcp__"
MAX_NAME = 128
MAX_DESCRIPTION = 8 * 1024
MAX_SCHEMA = 32 * 1024
MAX_RAW_NAME = 1024
"Characters; a tool with a longer one is left out."
MAX_DEPTH = 24
MAX_LISTED = 256 * 1024
"Bytes of all tools of all servers in a prompt."
_ENTRY = 80
"Bytes of an entry besides name, description and schema."
_SUFFIX = 12
_KEPT_KEYS = frozenset(
    {"type", "description", "properties", "required", "additionalProperties", "items", "prefixItems", "enum", "default"}
    | {"anyOf", "oneOf", "allOf", "$ref", "$defs", "definitions", "format", "pattern", "nullable", "minimum", "maximum"}
    | {"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"}
)
_TYPE_BY_KEY = {
    "properties": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "pattern": "string",
    "format": "string",
    "minLength": "string",
    "maxLength": "string",
    "minimum": "number",
    "maximum": "number",
}


@frozen
class McpTool:
    """One tool of one server, by its raw names. A hint is None when the server does not say."""

    server: str
    name: str
    description: str = ""
    schema: str = '{"type":"object","properties":{}}'
    "JSON text, cleaned."
    read_only: bool | None = None
    destructive: bool | None = None
    open_world: bool | None = None

    @property
    def identity(self) -> tuple[str, str]:
        return self.server, self.name


@frozen
class McpStatus:
    """Where a server stands. `tools` is what it listed last, perhaps in an earlier process; None: it was never seen."""

    name: str
    state: Literal["idle", "starting", "ready", "failed"]
    error: str | None = None
    tools: tuple[McpTool, ...] | None = None
    origin: str | None = None
    "Scheme, host and port of a server that is reached over HTTP."
    auth: Literal["unsupported", "not_logged_in", "bearer_token", "oauth"] = "unsupported"
    resources: bool = False
    "It offers resources."
    retry_in: float | None = None
    "failed: seconds until it is started again by itself."
    attempt: int = 0
    "failed: how many times in a row."


@frozen
class Look:
    """What a server is asked for besides calls of its tools."""

    what: Literal["resources", "templates", "read"]
    uri: str = ""
    "read: of the resource."
    cursor: str | None = None
    "Of the page; None: all pages."


@frozen
class LoginWish:
    """A login to a server over HTTP that the user asks for."""

    scopes: tuple[str, ...] = ()
    "Empty: those of its table, else those that the server asks for."
    port: int | None = None
    "Where the browser comes back to, on 127.0.0.1."
    seconds: float = 300.0
    "How long the user may take."


def from_wire(server: str, data: JsonObject, max_schema: int = MAX_SCHEMA) -> McpTool | None:
    """A tool as a server lists it; None when it has no name, or one that nobody can read."""
    name = data.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_RAW_NAME:
        return None
    hints: Any = data.get("annotations")
    hints = cast("JsonObject", hints) if isinstance(hints, dict) else {}
    description = data.get("description") or data.get("title") or ""
    return McpTool(
        server,
        name,
        clip(str(description).strip(), MAX_DESCRIPTION),
        schema_text(data.get("inputSchema"), max_schema),
        *(
            hint if isinstance(hint := hints.get(key), bool) else None
            for key in ("readOnlyHint", "destructiveHint", "openWorldHint")
        ),
    )


def offered(server: McpServer, tools: Iterable[McpTool]) -> tuple[McpTool, ...]:
    """Those that the settings let through: the allow list first, then the deny list."""
    return tuple(
        tool
        for tool in tools
        if (server.enabled_tools is None or tool.name in server.enabled_tools) and tool.name not in server.disabled_tools
    )


def named(tools: Iterable[McpTool]) -> tuple[tuple[str, McpTool], ...]:
    """Every tool with the name that the model calls it by: unique, in the order of the raw identities."""
    ordered = sorted({tool.identity: tool for tool in tools}.values(), key=lambda tool: tool.identity)
    plain = [_plain(tool) for tool in ordered]
    count = Counter(plain)
    found: dict[str, McpTool] = {}
    for name, tool in zip(plain, ordered, strict=True):
        found.setdefault(name if count[name] == 1 and len(name) <= MAX_NAME else _suffixed(name, tool), tool)
    return tuple(found.items())


def fitting(named: Iterable[tuple[str, McpTool]]) -> tuple[tuple[tuple[str, McpTool], ...], dict[str, int]]:
    """Those that have room in a prompt, in the same order, and how many of each server have not.

    When all are too much, each server gets the same share of the room; what one does not need goes to the others.
    """
    entries = [(name, tool, len(name) + len(tool.description) + len(tool.schema) + _ENTRY) for name, tool in named]
    needed = Counter[str]()
    for _, tool, size in entries:
        needed[tool.server] += size
    if sum(needed.values()) <= MAX_LISTED:
        return tuple((name, tool) for name, tool, _ in entries), {}
    room, left = dict[str, int](), MAX_LISTED
    for place, (server, size) in enumerate(sorted(needed.items(), key=lambda pair: (pair[1], pair[0]))):
        room[server] = min(size, left // (len(needed) - place))
        left -= room[server]
    kept, dropped = list[tuple[str, McpTool]](), Counter[str]()
    for name, tool, size in entries:
        room[tool.server] -= size
        if room[tool.server] < 0:
            dropped[tool.server] += 1
        else:
            kept.append((name, tool))
    return tuple(kept), dict(dropped)


def unlisted(name: str, servers: Iterable[McpServer]) -> str | None:
    """Words for the model about a tool of a server that is configured, but of which it was given no such tool."""
    prefixes = [(_plain(McpTool(server.name, "")), server.name) for server in servers if server.enabled]
    prefix, server = max((found for found in prefixes if name.startswith(found[0])), default=("", ""))
    if not prefix:
        return None
    return f"MCP server {server} was not ready when the tools were listed, or has no such tool; go on without it."


def _plain(tool: McpTool) -> str:
    return PREFIX + "__".join(re.sub(r"[^A-Za-z0-9_]", "_", part) for part in tool.identity)


def _suffixed(name: str, tool: McpTool) -> str:
    digest = hashlib.sha1("\0".join(tool.identity).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:_SUFFIX]
    return f"{name[: MAX_NAME - _SUFFIX - 1]}_{digest}"


def spec(name: str, tool: McpTool) -> JsonObject:
    """The entry of the prompt's tool list."""
    return {
        "type": "function",
        "name": name,
        "description": tool.description,
        "strict": False,
        "parameters": json.loads(tool.schema),
    }


def schema_text(schema: Any, max_bytes: int = MAX_SCHEMA) -> str:
    """A schema that every provider takes, as JSON text with sorted keys. One that is too large is opened up: any object."""
    cleaned = _cleaned(schema, 0)
    if cleaned.get("type") != "object":
        cleaned = {"type": "object"} | {key: cleaned[key] for key in ("properties", "required", "$defs") if key in cleaned}
    cleaned.setdefault("properties", {})
    text = _canonical(cleaned)
    if len(text.encode("utf-8", "replace")) <= max_bytes:
        return text
    note = "The schema of this tool is too large to be shown; see its description."
    return _canonical({"type": "object", "properties": {}, "description": note})


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _cleaned(schema: Any, depth: int) -> JsonObject:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return {}  # `true`, which allows anything, and what is no schema at all
    given = cast("JsonObject", schema)
    found = {key: _keyword(key, value, depth) for key, value in given.items() if key in _KEPT_KEYS}
    if "const" in given and "enum" not in found:
        found["enum"] = [given["const"]]
    if not {"type", "anyOf", "oneOf", "allOf", "$ref"} & found.keys():
        inferred = next((kind for key, kind in _TYPE_BY_KEY.items() if key in found), _type_of(found.get("enum")))
        if inferred:
            found["type"] = inferred
    if found.get("type") == "array" and "prefixItems" not in found:
        found.setdefault("items", {})
    return found


def _keyword(key: str, value: Any, depth: int) -> Any:
    match key:
        case "properties" | "$defs" | "definitions":
            table = cast("JsonObject", value) if isinstance(value, dict) else {}
            return {str(name): _cleaned(part, depth + 1) for name, part in table.items()}
        case "items":
            return _cleaned(value, depth + 1)
        case "prefixItems" | "anyOf" | "oneOf" | "allOf":
            return [_cleaned(part, depth + 1) for part in (cast("list[Any]", value) if isinstance(value, list) else [])]
        case "additionalProperties":
            return value if isinstance(value, bool) else _cleaned(value, depth + 1)
        case "required":
            names = cast("list[Any]", value) if isinstance(value, list) else []
            return sorted({name for name in names if isinstance(name, str)})
        case _:
            return value


def _type_of(enum: Any) -> str | None:
    values = cast("list[Any]", enum) if isinstance(enum, list) else []
    if values and all(isinstance(value, str) for value in values):
        return "string"
    return "number" if values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values) else None


def approval_mode(server: McpServer, tool: str) -> McpApproval:
    return dict(server.approval_modes).get(tool, server.default_approval)


def parallel(server: McpServer | None, tool: McpTool | None) -> bool:
    return bool(server and server.parallel_calls) or bool(tool and tool.read_only)
