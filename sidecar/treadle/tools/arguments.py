"""Reads the JSON arguments of a call, one typed field at a time. What is wrong is said in words that the model can act on.

Lenient where the meaning is plain (a number as text), strict where guessing could run the wrong thing.
"""

from __future__ import annotations

import json
from typing import cast

from ..core.errors import ToolFailure
from ..core.items import JsonObject

_FAILED = "failed to parse function arguments: "


def parsed(text: str) -> JsonObject:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ToolFailure(f"{_FAILED}{error}") from error
    if not isinstance(value, dict):
        raise ToolFailure(f"{_FAILED}expected a JSON object")
    return cast("JsonObject", value)


def text(arguments: JsonObject, name: str) -> str | None:
    value = arguments.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ToolFailure(f"{_FAILED}`{name}` must be a string")


def flag(arguments: JsonObject, name: str, default: bool) -> bool:
    value = arguments.get(name)
    if value is None or isinstance(value, bool):
        return default if value is None else value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ToolFailure(f"{_FAILED}`{name}` must be true or false")


def number(arguments: JsonObject, name: str) -> int | None:
    value = arguments.get(name)
    if value is None:
        return None
    try:
        if not isinstance(value, bool) and isinstance(value, int | float | str):
            return int(float(value))
    except (ValueError, OverflowError):
        pass
    raise ToolFailure(f"{_FAILED}`{name}` must be a number")


def texts(arguments: JsonObject, name: str) -> tuple[str, ...] | None:
    value = arguments.get(name)
    if value is None:
        return None
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    if all(isinstance(v, str) for v in values):
        return tuple(cast("list[str]", values))
    raise ToolFailure(f"{_FAILED}`{name}` must be a list of strings")
