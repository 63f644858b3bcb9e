"""What a call of an MCP tool, or a look at its server's resources, has brought: for the model, and for the screen. Pure.

The structured content is told where there is some, else the texts. Pictures are handed on only where the model takes them;
whatever cannot be shown is named, with its size. Everything has a bound, however much the server sends.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, cast

from .items import Image, JsonObject
from .truncate import clip

MAX_SHOWN = 256 * 1024
"Bytes of a result that are kept for the screen."
MAX_PICTURES = 8
MAX_PICTURE = 6 * 1024 * 1024
"Characters of one picture, as it is encoded."
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def text(result: Mapping[str, Any], *, sees: bool = False) -> str:
    """What the model reads of a result. `sees`: it is shown the pictures too."""
    parts = _parts(result)
    shown = {id(part) for part in _visible(parts)} if sees else frozenset[int]()
    structured = result.get("structuredContent")
    if structured is None:
        return "\n".join(_told(part, id(part) in shown) for part in parts)
    notes = [_told(part, id(part) in shown) for part in parts if part.get("type") in ("image", "audio")]
    return "\n".join([json.dumps(structured, ensure_ascii=False), *notes])


def pictures(result: Mapping[str, Any]) -> tuple[Image, ...]:
    """Those that a model can be shown, in order."""
    return tuple(Image(f"data:{part['mimeType']};base64,{part['data']}") for part in _visible(_parts(result)))


def resource_text(result: Mapping[str, Any]) -> str:
    """The contents of a resource that was read."""
    found: Any = result.get("contents")
    contents = cast("list[Any]", found) if isinstance(found, list) else []
    return "\n".join(_resource(cast("JsonObject", part)) for part in contents if isinstance(part, dict)) or "[empty]"


def shown(result: Mapping[str, Any]) -> JsonObject:
    """The result for the screen, within MAX_SHOWN bytes: what does not fit becomes a note."""
    room, content = MAX_SHOWN, list[JsonObject]()
    for part in _parts(result):
        kept = part if len(json.dumps(part)) <= room else {"type": "text", "text": clip(_told(part, False), room // 8)}
        content.append(kept)
        room -= len(json.dumps(kept))
        if room < MAX_SHOWN // 64:
            break
    structured = result.get("structuredContent")
    return {"content": content, "structured": structured if len(json.dumps(structured)) <= room else None}


def _parts(result: Mapping[str, Any]) -> list[JsonObject]:
    content: Any = result.get("content")
    return [part for part in cast("list[Any]", content) if isinstance(part, dict)] if isinstance(content, list) else []


def _visible(parts: list[JsonObject]) -> list[JsonObject]:
    return [part for part in parts if part.get("type") == "image" and _is_picture(part)][:MAX_PICTURES]


def _is_picture(part: JsonObject) -> bool:
    data: Any = part.get("data")
    if part.get("mimeType") not in _PICTURES or not isinstance(data, str) or not 0 < len(data) <= MAX_PICTURE:
        return False
    try:
        return bool(base64.b64decode(data, validate=True))
    except ValueError:
        return False


def _told(part: JsonObject, visible: bool) -> str:
    match part.get("type"):
        case "text":
            return str(part.get("text", ""))
        case "image" | "audio" as kind:
            size = len(str(part.get("data", ""))) * 3 // 4
            what = f"{kind}, {part.get('mimeType', 'of unknown type')}, {size} bytes"
            return f"[{what}: it follows]" if visible else f"[{what}: shown to the user; you cannot see it]"
        case "resource":
            inner: Any = part.get("resource")
            return _resource(cast("JsonObject", inner) if isinstance(inner, dict) else {})
        case "resource_link":
            return f"[resource {part.get('name', '')}: {part.get('uri', '')}]"
        case kind:
            return f"[content of the kind {kind!r}, which cannot be shown]"


def _resource(part: JsonObject) -> str:
    if "text" in part:
        return str(part["text"])
    size = len(str(part.get("blob", ""))) * 3 // 4
    return f"[resource {part.get('uri', '')}: {part.get('mimeType', 'not text')}, {size} bytes, which cannot be shown]"
