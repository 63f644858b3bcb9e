"""MCP servers: their state, their tools, and the question before a call of one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import JsonMap, Params, Wire
from .rules import Offer


class ListMcpServerStatusParams(Params):
    """Without a thread: the servers of the process's own folder. The answer has all servers and tools on one page."""

    cursor: str | None = None
    limit: int | None = None
    detail: Literal["full", "toolsAndAuthOnly"] | None = None
    thread_id: str | None = None
    server_name: str | None = None


class McpListedTool(Wire):
    name: str
    description: str | None = None
    input_schema: Any
    annotations: JsonMap | None = None


class McpServerStatus(Wire):
    name: str
    runtime_status: Literal["notStarted", "starting", "connected", "failed"]
    plugin_id: None
    http_origin: str | None
    server_info: None
    server_capabilities: None
    tool_list_meta: None
    tools: dict[str, McpListedTool]
    "By the server's own names: as it listed them last, perhaps in an earlier process."
    tools_error: str | None
    resources: list[JsonMap]
    resource_templates: list[JsonMap]
    auth_status: Literal["unknown", "unsupported", "notLoggedIn", "bearerToken", "oAuth"]


class ListMcpServerStatusResponse(Wire):
    data: list[McpServerStatus]
    next_cursor: str | None


class McpServerRefreshParams(Params):
    """Read the configuration again, and connect to what it says now."""


class McpServerRefreshResponse(Wire):
    pass


class McpServerStatusUpdatedNotification(Wire):
    thread_id: str | None
    name: str
    status: Literal["starting", "ready", "failed", "cancelled"]
    error: str | None
    failure_reason: None


class McpToolCallProgressNotification(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    message: str


class McpServerElicitationMeta(Wire):
    """What the question is about. Names that begin with treadle_ are ours."""

    codex_approval_kind: Annotated[Literal["mcp_tool_call"], Field(alias="codex_approval_kind")]
    persist: list[Literal["session", "always"]]
    "How long a yes may last besides this once."
    tool_name: Annotated[str, Field(alias="tool_name")]
    tool_params: Annotated[Any, Field(alias="tool_params")]
    treadle_item_id: Annotated[str, Field(alias="treadle_item_id")]
    treadle_reason: Annotated[str | None, Field(alias="treadle_reason")]
    treadle_offers: Annotated[list[Offer], Field(alias="treadle_offers")]


class McpServerElicitationRequestParams(Wire):
    """A question of an MCP server, a form or an address to open; or, with `_meta`, ours before a call of one of its tools."""

    thread_id: str
    turn_id: str | None
    server_name: str
    mode: Literal["form", "url"]
    message: str
    requested_schema: JsonMap | None = None
    url: str | None = None
    elicitation_id: str | None = None
    meta: Annotated[McpServerElicitationMeta | None, Field(alias="_meta")]


class McpServerElicitationAnswerMeta(Params):
    persist: Literal["session", "thread", "workspace", "always"] | None = None
    treadle_rule: Annotated[str | None, Field(alias="treadle_rule")] = None
    "The subject's text as the user edited it."
    treadle_words: Annotated[str | None, Field(alias="treadle_words")] = None
    "decline: what the user says to the model."


class McpServerElicitationRequestResponse(Params):
    action: Literal["accept", "decline", "cancel"]
    content: Any = None
    meta: Annotated[McpServerElicitationAnswerMeta | None, Field(alias="_meta")] = None


class McpServerOauthLoginParams(Params):
    """The answer says where to send the user; mcpServer/oauthLogin/completed follows when the login has ended."""

    name: str
    thread_id: str | None = None
    scopes: list[str] | None = None
    "Else those of the server's table, else those that the server asks for."
    timeout_secs: int | None = None


class McpServerOauthLoginResponse(Wire):
    authorization_url: str
    login_id: str


class McpServerOauthLoginCompletedNotification(Wire):
    name: str
    thread_id: str | None
    login_id: str
    success: bool
    error: str | None = None


class McpResourceReadParams(Params):
    server: str
    uri: str
    thread_id: str | None = None


class McpResourceReadResponse(Wire):
    contents: list[JsonMap]
    "Each with a uri, and text or a blob."
    origin_call_id: None


class McpServerToolCallParams(Params):
    """A call that the client makes for itself: nobody is asked, and no model learns of it."""

    thread_id: str
    server: str
    tool: str
    arguments: Any = None


class McpServerToolCallResponse(Wire):
    content: list[JsonMap]
    structured_content: Any = None
    is_error: bool | None = None


class ToolsRefreshParams(Params):
    """Give the thread's model the tools of now with its next request; `dryRun`: only say what that would change and cost."""

    thread_id: str
    dry_run: bool = False


class ToolsRefreshResponse(Wire):
    """`cost`: tokens, estimated, that the provider must read again. Nothing is refreshed when all is as the model was told."""

    cost: int
    added: list[str]
    removed: list[str]
    changed: list[str]


class ToolsChangedNotification(Wire):
    """Tools that came, went or changed since the model was told: not in force before the next epoch or treadle/tools/refresh.
    All lists are empty when nothing differs any more."""

    thread_id: str
    message: str
    added: list[str]
    removed: list[str]
    changed: list[str]
    cost: int
