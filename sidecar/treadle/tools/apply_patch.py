"""apply_patch: the model's way to change files.

`prepare` reads every file and computes every result in memory, so a patch that does not fit touches nothing and its errors go
back to the model; `run` commits all files or none. Whether the write is allowed is decided between the two, by policy.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import cast

from ..core.errors import ToolFailure, TreadleError
from ..core.items import JsonObject
from ..runtime.ports import Call, Plan, Scope, ToolResult
from .patching import Prepared, learned, plan, reason

NAME = "apply_patch"


class ApplyPatch:
    name = NAME
    parallel = False

    def spec(self, custom_tools: bool) -> JsonObject:
        if custom_tools:
            grammar = {"type": "grammar", "syntax": "lark", "definition": _text("apply_patch.lark")}
            return {"type": "custom", "name": NAME, "description": _text("apply_patch.md"), "format": grammar}
        schema: JsonObject = {
            "type": "object",
            "properties": {"input": {"type": "string", "description": "The whole patch, from *** Begin Patch to *** End Patch."}},
            "required": ["input"],
            "additionalProperties": False,
        }
        return {
            "type": "function",
            "name": NAME,
            "description": _text("apply_patch.md"),
            "strict": False,
            "parameters": schema,
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        return await plan(call.arguments if call.custom else _input(call.arguments), scope.settings.cwd, scope)

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        prepared: Prepared = plan.data
        try:
            await scope.files.commit(prepared.before, prepared.after, scope.policy)
        except TreadleError as error:
            raise ToolFailure(f"apply_patch failed, no file was changed: {error.sentence()}") from error
        except OSError as error:
            raise ToolFailure(f"apply_patch failed, no file was changed: {reason(error)}") from error
        learned(prepared, scope)
        lines = ("Success. Updated the following files:", *prepared.summary, *prepared.notes)
        return ToolResult("\n".join(lines) + "\n", plan.view)


def _input(arguments: str) -> str:
    try:
        parsed = json.loads(arguments)
    except ValueError as error:
        raise ToolFailure(f"failed to parse function arguments: {error}") from error
    text: object = parsed
    if isinstance(parsed, dict):
        text = cast("JsonObject", parsed).get("input")
    if not isinstance(text, str):
        raise ToolFailure("failed to parse function arguments: `input` must be a string that holds the patch")
    return text


@cache
def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")
