"""Questions of the model to the user, its plan, and the user's hooks."""

from __future__ import annotations

from typing import Literal

from .base import JsonMap, Params, Wire


class ToolRequestUserInputOption(Wire):
    label: str
    description: str


class ToolRequestUserInputQuestion(Wire):
    id: str
    header: str
    question: str
    is_other: bool
    "The user may answer in own words."
    is_secret: bool
    options: list[ToolRequestUserInputOption] | None


class ToolRequestUserInputParams(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    questions: list[ToolRequestUserInputQuestion]
    is_blocking: bool
    auto_resolution_ms: int | None


class ToolRequestUserInputAnswer(Params):
    answers: list[str]


class ToolRequestUserInputResponse(Params):
    """By the question's id. One that is left out was not answered."""

    answers: dict[str, ToolRequestUserInputAnswer]


class TurnPlanStep(Wire):
    step: str
    status: Literal["pending", "inProgress", "completed"]


class TurnPlanUpdatedNotification(Wire):
    """The whole plan, in place of the one before."""

    thread_id: str
    turn_id: str
    explanation: str | None
    plan: list[TurnPlanStep]


class HookNotification(Wire):
    """hook/started and hook/completed. `run` is the protocol's HookRunSummary."""

    thread_id: str
    turn_id: str | None
    run: JsonMap
