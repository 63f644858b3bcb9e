"""update_plan: the model's list of steps, for the user to follow. Changes nothing but what is on the screen."""

from __future__ import annotations

from typing import Any, cast

from ..core.errors import ToolFailure
from ..core.events import PlanUpdated
from ..core.items import JsonObject
from ..core.policy import Harmless
from ..core.truncate import clip
from ..core.views import ToolView
from ..runtime.ports import Call, Plan, Scope, ToolResult
from . import arguments
from .exec_command import description

NAME = "update_plan"
MAX_STEPS, STEP_BYTES, EXPLANATION_BYTES = 100, 1_000, 4_000
_STATES = ("pending", "in_progress", "completed")
_FAILED = "failed to parse function arguments: "


class UpdatePlan:
    name = NAME
    parallel = True

    def spec(self, custom_tools: bool) -> JsonObject:
        step: JsonObject = {
            "type": "object",
            "properties": {"step": {"type": "string"}, "status": {"type": "string", "enum": list(_STATES)}},
            "required": ["step", "status"],
            "additionalProperties": False,
        }
        properties: JsonObject = {
            "explanation": {"type": "string", "description": "Why the plan changes; optional."},
            "plan": {"type": "array", "items": step, "description": "All steps, in order."},
        }
        return {
            "type": "function",
            "name": NAME,
            "description": description(NAME),
            "strict": False,
            "parameters": {"type": "object", "properties": properties, "required": ["plan"], "additionalProperties": False},
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        given = arguments.parsed(call.arguments)
        explanation = arguments.text(given, "explanation")
        steps = _steps(given.get("plan"))
        drawn: ToolView = {"view": "tool", "tool": NAME, "arguments": given}
        clipped = clip(explanation, EXPLANATION_BYTES) if explanation else None
        return Plan(drawn, Harmless(), PlanUpdated(call.thread_id, call.turn_id, clipped, steps))

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        if scope.announce is not None:
            scope.announce(plan.data)
        return ToolResult("Plan updated", plan.view)


def _steps(given: object) -> tuple[tuple[str, Any], ...]:
    if not isinstance(given, list) or not given:
        raise ToolFailure(f"{_FAILED}`plan` must be a list of steps, and not empty")
    entries = cast("list[object]", given)
    if len(entries) > MAX_STEPS:
        raise ToolFailure(f"{_FAILED}`plan` has {len(entries)} steps, at most {MAX_STEPS}")
    found: list[tuple[str, Any]] = []
    for number, entry in enumerate(entries, 1):
        fields = cast("JsonObject", entry) if isinstance(entry, dict) else {}
        step, status = fields.get("step"), fields.get("status")
        if not isinstance(step, str) or not step.strip():
            raise ToolFailure(f"{_FAILED}step {number} of `plan` must have words in `step`")
        if status not in _STATES:
            raise ToolFailure(f"{_FAILED}`status` of step {number} must be one of {', '.join(_STATES)}")
        found.append((clip(step.strip(), STEP_BYTES), status))
    return tuple(found)
