"""What is done to one thread besides its turns: items that a client adds, and the user's own commands."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import ApprovalsReviewer, Empty, Limit, Params, ReasoningSummary, Wire
from .policy import AskForApproval, SandboxPolicy
from .thread import Thread


class CollaborationSettings(Wire):
    model: str
    reasoning_effort: Annotated[str | None, Field(alias="reasoning_effort")]
    developer_instructions: Annotated[str | None, Field(alias="developer_instructions")]


class CollaborationMode(Wire):
    mode: Literal["default"]
    settings: CollaborationSettings


class ThreadSettings(Wire):
    """What the next turn runs under."""

    cwd: str
    model: str
    model_provider: str
    effort: str | None
    summary: ReasoningSummary | None
    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    sandbox_policy: SandboxPolicy
    ask_before_edits: bool
    "Ours: whether the user is asked before each edit."
    collaboration_mode: CollaborationMode
    active_permission_profile: None
    disabled_plugin_ids: list[str]
    environments: None
    service_tier: None
    multi_agent_mode: Literal["explicitRequestOnly"]
    personality: None


class ThreadSettingsUpdateParams(Params):
    """In force from the next turn on; a turn that runs keeps its settings."""

    thread_id: str
    cwd: str | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox_policy: SandboxPolicy | None = None
    permissions: str | None = None
    ask_before_edits: bool | None = None
    model: str | None = None
    effort: str | None = None
    summary: ReasoningSummary | None = None


class ThreadSettingsUpdateResponse(Empty):
    pass


class ThreadSettingsUpdatedNotification(Wire):
    thread_id: str
    thread_settings: ThreadSettings


class TurnSettingsUpdateParams(Params):
    """Of the turn that runs, from its next request on."""

    thread_id: str
    turn_id: str
    approvals_reviewer: ApprovalsReviewer | None = None
    effort: str | None = None
    summary: ReasoningSummary | None = None


class TurnSettingsUpdateResponse(Wire):
    status: Literal["applied", "targetUnavailable"]


class ThreadClosedNotification(Wire):
    """Nobody watched it and nothing happened in it for half an hour: it is in memory no more."""

    thread_id: str


class GitInfoChanges(Params):
    """null clears what was known; what is left out stays."""

    sha: Annotated[str | None, Field(min_length=1)] = None
    branch: Annotated[str | None, Field(min_length=1)] = None
    origin_url: Annotated[str | None, Field(min_length=1)] = None


class ThreadMetadataUpdateParams(Params):
    thread_id: str
    git_info: GitInfoChanges | None = None


class ThreadMetadataUpdateResponse(Wire):
    thread: Thread


class BackgroundTerminal(Wire):
    item_id: str
    process_id: str
    command: str
    cwd: str
    os_pid: int | None
    cpu_percent: None
    rss_kb: None


class TerminalsListParams(Params):
    thread_id: str
    cursor: str | None = None
    limit: Limit | None = None


class TerminalsListResponse(Wire):
    data: list[BackgroundTerminal]
    next_cursor: str | None


class TerminalsCleanParams(Params):
    thread_id: str


class TerminalsCleanResponse(Empty):
    pass


class TerminalsTerminateParams(Params):
    thread_id: str
    process_id: str


class TerminalsTerminateResponse(Wire):
    terminated: bool


class ThreadInjectItemsParams(Params):
    thread_id: str
    items: list[Any]
    "Input items of the Responses API, added to the prompt as they are. A call comes together with its output."


class ThreadInjectItemsResponse(Empty):
    pass


class ThreadShellCommandParams(Params):
    thread_id: str
    command: str
    "A line for the thread's shell. It runs outside of the sandbox: only the user's own words may get here."
    timeout_ms: Annotated[int, Field(ge=0)] | None = None
    "One hour when left out; 0 ends it at once."


class ThreadShellCommandResponse(Empty):
    pass
