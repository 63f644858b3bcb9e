"""Threads: conversations that are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from .base import ApprovalsReviewer, Empty, JsonMap, Limit, Params, SandboxMode, Wire
from .policy import AskForApproval, SandboxPolicy
from .turn import Turn


class NotLoadedStatus(Wire):
    type: Literal["notLoaded"]


class IdleStatus(Wire):
    type: Literal["idle"]


class SystemErrorStatus(Wire):
    type: Literal["systemError"]


class ActiveStatus(Wire):
    type: Literal["active"]
    active_flags: list[Literal["waitingOnApproval", "waitingOnUserInput"]]


ThreadStatus = TypeAliasType(
    "ThreadStatus", Annotated[NotLoadedStatus | IdleStatus | SystemErrorStatus | ActiveStatus, Field(discriminator="type")]
)


class GitInfo(Wire):
    sha: str | None
    branch: str | None
    origin_url: str | None


class Thread(Wire):
    id: str
    session_id: str
    preview: str
    "Usually the first words of the user."
    name: str | None
    status: ThreadStatus
    turns: list[Turn]
    "Filled by thread/resume, and by thread/read when asked."
    cwd: str
    model: str | None
    model_provider: str
    reasoning_effort: str | None
    created_at: int
    "Seconds since the epoch."
    updated_at: int
    recency_at: int | None
    ephemeral: bool
    path: None
    "Threads live in a database, not in a file each."
    source: Literal["cli", "vscode", "exec", "appServer", "unknown"]
    originator: str | None
    cli_version: str
    git_info: GitInfo | None
    history_mode: Literal["legacy"]
    can_accept_direct_input: bool | None
    environments: None
    extra: None
    forked_from_id: str | None
    attached_to_thread_id: None
    parent_thread_id: str | None
    section: None
    section_entered_at: None
    project_id: None
    thread_source: str | None
    agent_nickname: str | None
    agent_role: str | None
    daybreak_enabled: None


class ThreadOverrides(Params):
    """Settings that a client may set when a thread is started or resumed."""

    model: str | None = None
    model_provider: str | None = None
    cwd: str | None = None
    runtime_workspace_roots: list[str] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    sandbox: SandboxMode | None = None
    permissions: str | None = None
    ":read-only, :workspace or :danger-full-access, in place of `sandbox`."
    config: JsonMap | None = None
    "Dotted keys over config.toml."
    base_instructions: str | None = None
    developer_instructions: str | None = None


class ThreadStartParams(ThreadOverrides):
    ephemeral: bool | None = None
    history_mode: Literal["legacy"] | None = None


class ThreadSettingsInForce(Wire):
    """What a thread runs under, said in the answer to start and resume."""

    thread: Thread
    model: str
    model_provider: str
    service_tier: str | None
    disabled_plugin_ids: list[str]
    cwd: str
    runtime_workspace_roots: list[str]
    instruction_sources: list[str]
    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    sandbox: SandboxPolicy
    ask_before_edits: bool
    "Ours: whether the user is asked before each edit."
    active_permission_profile: None
    reasoning_effort: str | None
    multi_agent_mode: Literal["explicitRequestOnly"]


class ThreadStartResponse(ThreadSettingsInForce):
    pass


class TurnsPage(Wire):
    data: list[Turn]
    next_cursor: str | None
    backwards_cursor: str | None
    "Where to begin in the other direction."


class InitialTurnsPageParams(Params):
    limit: Limit | None = None
    sort_direction: Literal["asc", "desc"] | None = None
    items_view: Literal["notLoaded", "summary", "full"] | None = None


class ThreadResumeParams(ThreadOverrides):
    thread_id: str
    exclude_turns: bool = False
    initial_turns_page: InitialTurnsPageParams | None = None
    "A first page as of thread/turns/list."
    goes_on: bool = False
    """The client can be asked again: a turn that was cut off while it waited for the user goes on, under its id. Otherwise, and
    for every other turn that was cut off, it is ended as interrupted."""


class ThreadResumeResponse(ThreadSettingsInForce):
    collaboration_mode: None
    initial_turns_page: TurnsPage | None
    turns_backwards_cursor: str | None
    items_backwards_cursor: str | None


class ThreadReadParams(Params):
    thread_id: str
    include_turns: bool = False


class ThreadReadResponse(Wire):
    thread: Thread
    read_state: None


class ThreadListParams(Params):
    cursor: str | None = None
    limit: Limit | None = None
    sort_key: Literal["created_at", "updated_at", "recency_at", "section_position"] | None = None
    sort_direction: Literal["asc", "desc"] | None = None
    archived: bool | None = None
    cwd: str | list[str] | None = None
    search_term: str | None = None
    model_providers: list[str] | None = None
    source_kinds: list[str] | None = None
    originators: list[str] | None = None
    excluded_thread_ids: Annotated[list[str], Field(max_length=100)] | None = None
    parent_thread_id: str | None = None
    "This and the next four: nothing is found, for Treadle has no such threads."
    ancestor_thread_id: str | None = None
    attached_to_thread_id: str | None = None
    section_id: str | None = None
    project_id: str | None = None


class ThreadListResponse(Wire):
    data: list[Thread]
    next_cursor: str | None
    backwards_cursor: str | None
    read_states: None


class ThreadLoadedListParams(Params):
    cursor: str | None = None
    limit: Limit | None = None


class ThreadLoadedListResponse(Wire):
    data: list[str]
    next_cursor: str | None


class ThreadSetNameParams(Params):
    thread_id: str
    name: str


class ThreadSetNameResponse(Empty):
    pass


class ThreadArchiveParams(Params):
    thread_id: str


class ThreadArchiveResponse(Empty):
    pass


class ThreadUnarchiveParams(Params):
    thread_id: str


class ThreadUnarchiveResponse(Wire):
    thread: Thread


class ThreadUnsubscribeParams(Params):
    thread_id: str


class ThreadUnsubscribeResponse(Wire):
    status: Literal["notLoaded", "notSubscribed", "unsubscribed"]


class ThreadStartedNotification(Wire):
    thread: Thread


class ThreadStatusChangedNotification(Wire):
    thread_id: str
    status: ThreadStatus


class ThreadNameUpdatedNotification(Wire):
    thread_id: str
    thread_name: str | None = None


class ThreadArchivedNotification(Wire):
    thread_id: str


class ThreadUnarchivedNotification(Wire):
    thread_id: str
