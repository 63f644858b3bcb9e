"""view_image: puts a picture from the disk before the model's eyes. Reads one file, as a command could, and changes nothing.

Only formats that models take, recognised by content and not by name; the size is bounded because every request carries it again.
"""

from __future__ import annotations

import base64
import os

from ..core.errors import ToolFailure
from ..core.items import Image, JsonObject
from ..core.models import facts_for
from ..core.policy import Harmless
from ..core.views import ImageView
from ..runtime.ports import Call, Plan, Scope, ToolResult
from . import arguments
from .exec_command import description

NAME = "view_image"
MAX_BYTES = 10 * 1024 * 1024
_DETAILS = ("auto", "low", "high", "original")
_BLIND = "view_image failed: this model does not take pictures; describe what you need to the user, or use a tool that reads it"


class ViewImage:
    name = NAME
    parallel = True

    def spec(self, custom_tools: bool) -> JsonObject:
        properties: JsonObject = {
            "path": {"type": "string", "description": "The file; relative to the thread's working directory."},
            "detail": {"type": "string", "enum": ["high", "original"], "description": "How closely to look; default: high."},
        }
        return {
            "type": "function",
            "name": NAME,
            "description": description(NAME),
            "strict": False,
            "parameters": {"type": "object", "properties": properties, "required": ["path"], "additionalProperties": False},
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        if not facts_for(scope.settings).images:
            raise ToolFailure(_BLIND)
        given = arguments.parsed(call.arguments)
        path = arguments.text(given, "path")
        if not path or "\0" in path:
            raise ToolFailure("failed to parse function arguments: `path` must name a file")
        detail = arguments.text(given, "detail") or "auto"
        drawn: ImageView = {"view": "image", "path": _absolute(scope.settings.cwd, path)}
        return Plan(drawn, Harmless(), detail if detail in _DETAILS else "auto")

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        path = str(plan.view.get("path", ""))
        try:
            state = await scope.files.read(path)
        except OSError as error:
            raise ToolFailure(f"view_image failed: {path}: {error.strerror or error}") from error
        if state.data is None:
            raise ToolFailure(f"view_image failed: {path}: No such file or directory")
        if len(state.data) > MAX_BYTES:
            raise ToolFailure(
                f"view_image failed: {path} has {len(state.data):,} bytes, at most {MAX_BYTES:,} can be shown; shrink a copy"
            )
        kind = media_type(state.data)
        if kind is None:
            raise ToolFailure(f"view_image failed: {path} is not a PNG, JPEG, GIF or WebP picture")
        url = f"data:{kind};base64,{base64.b64encode(state.data).decode()}"
        detail = {"original": "high", "auto": None}.get(plan.data, plan.data)
        image = Image(url, detail, path)
        return ToolResult(f"{path} ({kind}, {len(state.data):,} bytes)", plan.view, images=(image,))


def _absolute(cwd: str, path: str) -> str:
    return os.path.normpath(os.path.join(cwd, os.path.expanduser(path)))


def media_type(data: bytes) -> str | None:
    """By the first bytes; None for what models do not take."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None
