"""User input, and the items of a turn as a client draws them. Ids are stable from item/started to item/completed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from .base import Params, Wire

ImageDetail = TypeAliasType("ImageDetail", Literal["auto", "low", "high", "original"])


class ByteRange(Params):
    start: int
    end: int


class TextElement(Params):
    byte_range: ByteRange
    placeholder: str | None = None


class TextInput(Params):
    type: Literal["text"]
    text: str
    text_elements: Annotated[list[TextElement], Field(alias="text_elements", default_factory=list[TextElement])]


class ImageInput(Params):
    type: Literal["image"]
    url: str
    detail: ImageDetail | None = None


class LocalImageInput(Params):
    type: Literal["localImage"]
    path: str
    detail: ImageDetail | None = None


class SkillInput(Params):
    type: Literal["skill"]
    name: str
    path: str


class MentionInput(Params):
    type: Literal["mention"]
    name: str
    path: str


UserInput = TypeAliasType(
    "UserInput", Annotated[TextInput | ImageInput | LocalImageInput | SkillInput | MentionInput, Field(discriminator="type")]
)


class UserMessageItem(Wire):
    type: Literal["userMessage"]
    id: str
    client_id: str | None
    content: list[UserInput]


class AgentMessageItem(Wire):
    type: Literal["agentMessage"]
    id: str
    text: str
    phase: Literal["commentary", "partial_answer", "final_answer"] | None
    "null: the provider did not say."
    moderation: None
    memory_citation: None
    delivery: None
    questions: None


class ReasoningItem(Wire):
    type: Literal["reasoning"]
    id: str
    summary: list[str]
    content: list[str]


class ReadAction(Wire):
    type: Literal["read"]
    command: str
    name: str
    path: str


class ListFilesAction(Wire):
    type: Literal["listFiles"]
    command: str
    path: str | None


class SearchAction(Wire):
    type: Literal["search"]
    command: str
    query: str | None
    path: str | None


class UnknownAction(Wire):
    type: Literal["unknown"]
    command: str


CommandAction = TypeAliasType(
    "CommandAction", Annotated[ReadAction | ListFilesAction | SearchAction | UnknownAction, Field(discriminator="type")]
)


class ItemAnswer(Wire):
    """What the user said when they were asked about a call."""

    verdict: Literal["accept", "decline", "cancel"]
    scope: Literal["thread", "workspace", "always"] | None = None
    "accept: for how long; null is this once."
    rule: str | None = None
    "The text of the rule that was stored."
    words: str | None = None
    "decline: what the agent was told."


ItemStatus = TypeAliasType("ItemStatus", Literal["inProgress", "completed", "failed", "declined"])


class CommandExecutionItem(Wire):
    type: Literal["commandExecution"]
    id: str
    command: str
    cwd: str
    process_id: str | None
    source: Literal["agent", "userShell", "unifiedExecStartup", "unifiedExecInteraction"]
    status: ItemStatus
    command_actions: list[CommandAction]
    aggregated_output: str | None
    exit_code: int | None
    duration_ms: int | None
    plugin_id: None
    script_path: None
    answer: ItemAnswer | None = None
    "Left out when nobody was asked."


class AddKind(Wire):
    type: Literal["add"]


class DeleteKind(Wire):
    type: Literal["delete"]


class UpdateKind(Wire):
    type: Literal["update"]
    move_path: Annotated[str | None, Field(alias="move_path")]


PatchChangeKind = TypeAliasType("PatchChangeKind", Annotated[AddKind | DeleteKind | UpdateKind, Field(discriminator="type")])


class FileUpdateChange(Wire):
    path: str
    kind: PatchChangeKind
    diff: str
    "A unified diff; for add and delete the whole content."


class FileChangeItem(Wire):
    type: Literal["fileChange"]
    id: str
    changes: list[FileUpdateChange]
    status: ItemStatus
    answer: ItemAnswer | None = None
    "Left out when nobody was asked."


class McpToolCallResult(Wire):
    content: list[Any]
    structured_content: Any
    meta: Annotated[Any, Field(alias="_meta")]


class McpToolCallError(Wire):
    message: str


class McpToolCallItem(Wire):
    type: Literal["mcpToolCall"]
    id: str
    server: str
    tool: str
    status: Literal["inProgress", "completed", "failed"]
    arguments: Any
    result: McpToolCallResult | None
    error: McpToolCallError | None
    duration_ms: int | None
    app_context: None
    mcp_app_ui: None
    plugin_id: None
    read_only_hint: bool | None
    answer: ItemAnswer | None = None
    "Left out when nobody was asked."


class InputTextContent(Wire):
    type: Literal["inputText"]
    text: str


class InputImageContent(Wire):
    type: Literal["inputImage"]
    image_url: str


ToolContent = TypeAliasType("ToolContent", Annotated[InputTextContent | InputImageContent, Field(discriminator="type")])


class DynamicToolCallItem(Wire):
    """Any tool without a kind of its own."""

    type: Literal["dynamicToolCall"]
    id: str
    namespace: str | None
    tool: str
    arguments: Any
    status: Literal["inProgress", "completed", "failed"]
    content_items: list[ToolContent] | None
    success: bool | None
    duration_ms: int | None
    answer: ItemAnswer | None = None
    "Left out when nobody was asked."


class WebSearch(Wire):
    type: Literal["search"]
    query: str | None
    queries: list[str] | None


class WebOpenPage(Wire):
    type: Literal["openPage"]
    url: str | None


class WebFindInPage(Wire):
    type: Literal["findInPage"]
    url: str | None
    pattern: str | None


class WebOther(Wire):
    type: Literal["other"]


WebSearchAction = TypeAliasType(
    "WebSearchAction", Annotated[WebSearch | WebOpenPage | WebFindInPage | WebOther, Field(discriminator="type")]
)


class WebSearchItem(Wire):
    type: Literal["webSearch"]
    id: str
    query: str
    action: WebSearchAction | None
    results: list[Any] | None


class ImageViewItem(Wire):
    """A picture that the model looked at."""

    type: Literal["imageView"]
    id: str
    path: str


class ContextCompactionItem(Wire):
    type: Literal["contextCompaction"]
    id: str


class EnteredReviewModeItem(Wire):
    """A review begins: of what."""

    type: Literal["enteredReviewMode"]
    id: str
    review: str


class ReviewFinding(Wire):
    """Lines count from 1."""

    path: str
    first_line: int
    last_line: int
    priority: int
    "0 is the most urgent of 0-3."
    title: str
    body: str
    "Markdown."
    confidence: float | None
    "0-1; null: the model did not say."


class ExitedReviewModeItem(Wire):
    """A review has ended. `review` is all of it in words; the other fields say the same to a client that draws findings."""

    type: Literal["exitedReviewMode"]
    id: str
    review: str
    verdict: Literal["correct", "incorrect"] | None
    summary: str
    findings: list[ReviewFinding]


ThreadItem = TypeAliasType(
    "ThreadItem",
    Annotated[
        UserMessageItem
        | AgentMessageItem
        | ReasoningItem
        | CommandExecutionItem
        | FileChangeItem
        | McpToolCallItem
        | DynamicToolCallItem
        | WebSearchItem
        | ImageViewItem
        | ContextCompactionItem
        | EnteredReviewModeItem
        | ExitedReviewModeItem,
        Field(discriminator="type"),
    ],
)


class ItemStartedNotification(Wire):
    thread_id: str
    turn_id: str
    item: ThreadItem
    started_at_ms: int


class ItemCompletedNotification(Wire):
    """The item as it is for good, whatever the deltas said."""

    thread_id: str
    turn_id: str
    item: ThreadItem
    completed_at_ms: int


class AgentMessageDeltaNotification(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    delta: str


class ReasoningSummaryTextDeltaNotification(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    delta: str
    summary_index: int


class ReasoningSummaryPartAddedNotification(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    summary_index: int


class ReasoningTextDeltaNotification(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    delta: str
    content_index: int


class CommandExecutionOutputDeltaNotification(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    delta: str


class FileChangePatchUpdatedNotification(Wire):
    thread_id: str
    turn_id: str
    item_id: str
    changes: list[FileUpdateChange]
