"""server/wire -> protocol/schema/*.json -> extension/src/protocol.ts; the tables of protocol/README.md; config.toml's schema.

Run it after changing a model; `--check` writes nothing and fails when a committed file is not what the models say. The output
must depend on the models alone: no time, no version, no path. Must never be needed at run time.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import config_schema
import support
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from treadle.server.wire import (
    approval,
    base,
    capability,
    checkpoint,
    command,
    compaction,
    config,
    editor,
    error,
    hunk,
    initialize,
    item,
    keeping,
    ledger,
    mcp,
    methods,
    past,
    policy,
    question,
    queue,
    rules,
    servers,
    skills,
    thread,
    thread_ops,
    treadle,
    turn,
)

ROOT = Path(__file__).resolve().parent.parent
NOUNS = (
    base,
    initialize,
    policy,
    error,
    item,
    turn,
    thread,
    approval,
    config,
    mcp,
    servers,
    skills,
    treadle,
    ledger,
    compaction,
    rules,
    question,
    queue,
    command,
    keeping,
    past,
    thread_ops,
    capability,
    checkpoint,
    editor,
    hunk,
)
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def main(arguments: list[str]) -> int:
    files = outputs()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"stale: {path.relative_to(ROOT)}; run python protocol/generate.py\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], "utf-8")
    return 0


def outputs() -> dict[Path, str]:
    """Every generated file with its text."""
    types = definitions()
    table = method_table()
    folder = ROOT / "protocol" / "schema"
    files = {folder / f"{noun}.json": _text(schema) for noun, schema in by_noun(types).items()}
    files[folder / "all.json"] = _text({"$schema": DIALECT, "$id": "all.json", "$defs": types})
    files[folder / "methods.json"] = _text({"methods": table})
    files[ROOT / "extension" / "src" / "protocol.ts"] = typescript(types, table)
    files[ROOT / "extension" / "schema" / "config.schema.json"] = _text(config_schema.schema())
    page = ROOT / "protocol" / "README.md"
    files[page] = support.readme(page.read_text("utf-8"))
    return files


def method_table() -> list[dict[str, str | None]]:
    """One row a method: who sends it, and the names of its parameters' and its answer's types."""

    def row(sender: str, method: str, params: type[BaseModel], result: type[BaseModel] | None) -> dict[str, str | None]:
        return {
            "method": method,
            "from": sender,
            "kind": "request" if result else "notification",
            "params": params.__name__,
            "result": result.__name__ if result else None,
        }

    return [
        *(row("client", name, params, result) for name, (params, result) in methods.CLIENT_REQUESTS.items()),
        *(row("client", name, params, None) for name, params in methods.CLIENT_NOTIFICATIONS.items()),
        *(row("server", name, params, result) for name, (params, result) in methods.SERVER_REQUESTS.items()),
        *(row("server", name, params, None) for name, params in methods.SERVER_NOTIFICATIONS.items()),
    ]


def definitions() -> dict[str, Schema]:
    """The schema of every type that a method needs, by name."""
    pairs = [*methods.CLIENT_REQUESTS.values(), *methods.SERVER_REQUESTS.values()]
    used = [model for pair in pairs for model in pair]
    used += [*methods.CLIENT_NOTIFICATIONS.values(), *methods.SERVER_NOTIFICATIONS.values()]
    _, schema = models_json_schema([(model, "validation") for model in dict.fromkeys(used)], ref_template="#/$defs/{model}")
    types: dict[str, Schema] = schema["$defs"]
    words = _field_words()
    for name, definition in types.items():
        for field, shape in definition.get("properties", {}).items():
            if (name, field) in words and "$ref" not in shape:
                shape["description"] = words[name, field]
        definition.update(_tidied(definition))
        definition.pop("title", None)
        if definition.get("additionalProperties") is False:
            del definition["additionalProperties"]
    return types


def _tidied(node: Any) -> Any:
    """Without the titles that pydantic derives from names."""
    if isinstance(node, list):
        return [_tidied(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    tidy = {key: _tidied(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if tidy.get("default", 0) is None:
        del tidy["default"]
    return tidy


def _field_words() -> dict[tuple[str, str], str]:
    """(model, name on the wire) -> the string under the field, for fields of the model and of its bases."""
    found: dict[tuple[str, str], str] = {}
    for noun in NOUNS:
        for node in ast.parse(inspect.getsource(noun)).body:
            model = getattr(noun, node.name) if isinstance(node, ast.ClassDef) else None
            if not isinstance(node, ast.ClassDef) or not issubclass(model, BaseModel):
                continue
            for field, words in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant):
                    alias = model.model_fields[field.target.id].alias or field.target.id
                    found[model.__name__, alias] = inspect.cleandoc(words.value.value)
    for noun in NOUNS:
        for model in vars(noun).values():
            if inspect.isclass(model) and issubclass(model, BaseModel):
                for parent in model.__mro__[1:]:
                    for (owner, alias), words in list(found.items()):
                        if owner == parent.__name__:
                            found.setdefault((model.__name__, alias), words)
    return found


def by_noun(types: dict[str, Schema]) -> dict[str, Schema]:
    """One schema document a noun, referring to each other by file name."""
    home: dict[str, str] = {}
    for noun in NOUNS:
        for name, value in vars(noun).items():
            if name in types and getattr(value, "__module__", noun.__name__) == noun.__name__:
                home.setdefault(name, noun.__name__.rpartition(".")[2])
    documents: dict[str, Schema] = {}
    for name in sorted(types):
        file = home[name]
        document = documents.setdefault(file, {"$schema": DIALECT, "$id": f"{file}.json", "$defs": {}})
        document["$defs"][name] = _across(types[name], file, home)
    return documents


def _across(node: Any, file: str, home: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_across(entry, file, home) for entry in node]
    if not isinstance(node, dict):
        if isinstance(node, str) and node.startswith("#/$defs/"):
            name = node.rpartition("/")[2]
            return node if home[name] == file else f"{home[name]}.json{node}"
        return node
    return {key: _across(value, file, home) for key, value in node.items()}


HEAD = """\
/**
 * The contract between the sidecar and its clients, as types.
 *
 * Generated by protocol/generate.py from the sidecar's models. Do not edit.
 */

/* eslint-disable */
"""


def typescript(types: dict[str, Schema], table: list[dict[str, str | None]]) -> str:
    """One exported type a model, then the maps from method to types."""
    parts = [HEAD]
    parts += [
        _words(schema, "") + f"export type {name} = {_type(schema, 0)};\n".replace("= \n", "=\n")
        for name, schema in sorted(types.items())
    ]
    maps = {
        "ClientRequests": ("client", "request"),
        "ClientNotifications": ("client", "notification"),
        "ServerRequests": ("server", "request"),
        "ServerNotifications": ("server", "notification"),
    }
    for name, (sender, kind) in maps.items():
        rows = [row for row in table if (row["from"], row["kind"]) == (sender, kind)]
        lines = [
            f"  {json.dumps(row['method'])}: "
            + (f"{{ params: {row['params']}; result: {row['result']} }}" if row["result"] else str(row["params"]))
            + ";"
            for row in rows
        ]
        parts.append(f"export interface {name} {{\n" + "\n".join(lines) + "\n}\n")
    parts.append(
        "export type ServerNotification = {\n"
        "  [M in keyof ServerNotifications]: { method: M; params: ServerNotifications[M] };\n"
        "}[keyof ServerNotifications];\n"
    )
    return "\n".join(parts)


def _words(schema: Schema, indent: str) -> str:
    words = schema.get("description")
    if not words:
        return ""
    lines = words.split("\n")
    if len(lines) == 1:
        return f"{indent}/** {words} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines) + f"{indent} */\n"


def _type(schema: Schema, depth: int) -> str:
    """A schema as a TypeScript type."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return _union([json.dumps(value) for value in schema["enum"]], depth)
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return _union([_type(option, depth + 1) for option in schema[union]], depth)
    match schema.get("type"):
        case "object" if schema.get("properties"):
            return _object(schema, depth)
        case "object":
            values = schema.get("additionalProperties")
            if not values:
                return "Record<string, never>"
            return f"Record<string, {_type(values, depth) if isinstance(values, dict) else 'unknown'}>"
        case "array":
            inner = _type(schema.get("items", {}), depth)
            return f"({inner})[]" if " " in inner and not inner.startswith("{") else f"{inner}[]"
        case "integer" | "number":
            return "number"
        case "string" | "boolean" | "null" as plain:
            return plain
        case _:
            return "unknown"


def _union(options: list[str], depth: int) -> str:
    line = " | ".join(dict.fromkeys(options))
    if depth or len(line) < 100:
        return line
    return "".join(f"\n  | {option}" for option in dict.fromkeys(options))


def _object(schema: Schema, depth: int) -> str:
    indent = "  " * (depth + 1)
    required = schema.get("required", [])
    body = ""
    for name, shape in schema["properties"].items():
        mark = "" if name in required else "?"
        body += _words(shape, indent) + f"{indent}{name}{mark}: {_type(shape, depth + 1)};\n"
    if schema.get("additionalProperties") is True:
        body += f"{indent}[key: string]: unknown;\n"
    return "{\n" + body + "  " * depth + "}"


def _text(document: Schema) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
