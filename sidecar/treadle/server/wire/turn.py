"""Turns: from a user's message until the model stops calling tools."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypeAliasType

from .base import ApprovalsReviewer, Empty, Params, ReasoningSummary, Wire
from .error import TurnError
from .item import ThreadItem, UserInput
from .policy import AskForApproval, SandboxPolicy

TurnStatus = TypeAliasType("TurnStatus", Literal["completed", "interrupted", "failed", "inProgress"])


class Turn(Wire):
    id: str
    root_turn_id: str | None
    items: list[ThreadItem]
    "Empty in notifications and in the answer to turn/start: item/* is the truth there."
    items_view: Literal["notLoaded", "summary", "full"]
    status: TurnStatus
    error: TurnError | None
    started_at: int | None
    "Seconds since the epoch."
    completed_at: int | None
    duration_ms: int | None


class TurnStartParams(Params):
    """The settings stay in force for later turns, but for output_schema."""

    thread_id: str
    input: list[UserInput]
    client_user_message_id: str | None = None
    cwd: str | None = None
    runtime_workspace_roots: list[str] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox_policy: SandboxPolicy | None = None
    permissions: str | None = None
    ":read-only, :workspace or :danger-full-access, in place of a policy."
    model: str | None = None
    effort: str | None = None
    summary: ReasoningSummary | None = None
    output_schema: Any = None


class TurnStartResponse(Wire):
    turn: Turn


class TurnSteerParams(Params):
    thread_id: str
    input: list[UserInput]
    expected_turn_id: str
    client_user_message_id: str | None = None


class TurnContinueParams(Params):
    """Go on where the last turn was cut off or failed, in a turn of its own without words of the user."""

    thread_id: str


class TurnContinueResponse(Wire):
    turn: Turn


class TurnSteerResponse(Wire):
    turn_id: str


class TurnInterruptParams(Params):
    thread_id: str
    turn_id: str


class TurnInterruptResponse(Empty):
    """The turn ends a moment later, with turn/completed."""


class TurnStartedNotification(Wire):
    thread_id: str
    turn: Turn


class TurnCompletedNotification(Wire):
    thread_id: str
    turn: Turn


class TurnDiffUpdatedNotification(Wire):
    thread_id: str
    turn_id: str
    diff: str


class TokenUsageBreakdown(Wire):
    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int


class ThreadTokenUsage(Wire):
    total: TokenUsageBreakdown
    last: TokenUsageBreakdown
    model_context_window: int | None


class ThreadTokenUsageUpdatedNotification(Wire):
    thread_id: str
    turn_id: str
    token_usage: ThreadTokenUsage
