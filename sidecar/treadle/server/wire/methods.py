"""Every method of the contract: its direction, its parameters and its answer. protocol/ is generated from here."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import BaseModel

from . import (
    approval,
    base,
    command,
    compaction,
    config,
    error,
    initialize,
    item,
    ledger,
    mcp,
    past,
    question,
    rules,
    skills,
    thread,
    treadle,
    turn,
)

Model: TypeAlias = type[BaseModel]

CLIENT_REQUESTS: dict[str, tuple[Model, Model]] = {
    "initialize": (initialize.InitializeParams, initialize.InitializeResponse),
    "thread/start": (thread.ThreadStartParams, thread.ThreadStartResponse),
    "thread/resume": (thread.ThreadResumeParams, thread.ThreadResumeResponse),
    "thread/read": (thread.ThreadReadParams, thread.ThreadReadResponse),
    "thread/list": (thread.ThreadListParams, thread.ThreadListResponse),
    "thread/loaded/list": (thread.ThreadLoadedListParams, thread.ThreadLoadedListResponse),
    "thread/name/set": (thread.ThreadSetNameParams, thread.ThreadSetNameResponse),
    "thread/archive": (thread.ThreadArchiveParams, thread.ThreadArchiveResponse),
    "thread/unarchive": (thread.ThreadUnarchiveParams, thread.ThreadUnarchiveResponse),
    "thread/unsubscribe": (thread.ThreadUnsubscribeParams, thread.ThreadUnsubscribeResponse),
    "thread/compact/start": (compaction.ThreadCompactStartParams, compaction.ThreadCompactStartResponse),
    "thread/revert": (past.ThreadRevertParams, past.ThreadRevertResponse),
    "turn/start": (turn.TurnStartParams, turn.TurnStartResponse),
    "turn/steer": (turn.TurnSteerParams, turn.TurnSteerResponse),
    "turn/interrupt": (turn.TurnInterruptParams, turn.TurnInterruptResponse),
    "command/exec": (command.CommandExecParams, command.CommandExecResponse),
    "command/exec/write": (command.CommandExecWriteParams, command.CommandExecWriteResponse),
    "command/exec/resize": (command.CommandExecResizeParams, command.CommandExecResizeResponse),
    "command/exec/terminate": (command.CommandExecTerminateParams, command.CommandExecTerminateResponse),
    "model/list": (config.ModelListParams, config.ModelListResponse),
    "config/read": (config.ConfigReadParams, config.ConfigReadResponse),
    "account/read": (config.GetAccountParams, config.GetAccountResponse),
    "skills/list": (skills.SkillsListParams, skills.SkillsListResponse),
    "mcpServerStatus/list": (mcp.ListMcpServerStatusParams, mcp.ListMcpServerStatusResponse),
    "config/mcpServer/reload": (mcp.McpServerRefreshParams, mcp.McpServerRefreshResponse),
    "mcpServer/oauth/login": (mcp.McpServerOauthLoginParams, mcp.McpServerOauthLoginResponse),
    "mcpServer/resource/read": (mcp.McpResourceReadParams, mcp.McpResourceReadResponse),
    "mcpServer/tool/call": (mcp.McpServerToolCallParams, mcp.McpServerToolCallResponse),
    "treadle/tools/refresh": (mcp.ToolsRefreshParams, mcp.ToolsRefreshResponse),
    "treadle/revert/undo": (past.RevertUndoParams, past.ThreadRevertResponse),
    "treadle/doctor": (treadle.DoctorParams, treadle.DoctorResponse),
    "treadle/ledger/read": (ledger.LedgerReadParams, ledger.LedgerReadResponse),
    "treadle/prompt/read": (ledger.PromptReadParams, ledger.PromptReadResponse),
    "treadle/context/read": (treadle.ContextReadParams, treadle.ContextReadResponse),
    "treadle/summary/read": (compaction.SummaryReadParams, compaction.SummaryReadResponse),
    "treadle/summary/write": (compaction.SummaryWriteParams, compaction.SummaryReadResponse),
    "treadle/output/read": (compaction.OutputReadParams, compaction.OutputReadResponse),
    "treadle/rules/list": (rules.RulesListParams, rules.RulesListResponse),
    "treadle/rules/write": (rules.RulesWriteParams, rules.RulesWriteResponse),
    "treadle/rules/check": (rules.RulesCheckParams, rules.RulesCheckResponse),
    "treadle/notes/list": (compaction.NotesListParams, compaction.NotesListResponse),
    "treadle/notes/write": (compaction.NotesWriteParams, compaction.NotesListResponse),
}

CLIENT_NOTIFICATIONS: dict[str, Model] = {"initialized": base.Empty}

SERVER_REQUESTS: dict[str, tuple[Model, Model]] = {
    "item/commandExecution/requestApproval": (
        approval.CommandExecutionRequestApprovalParams,
        approval.CommandExecutionRequestApprovalResponse,
    ),
    "item/fileChange/requestApproval": (
        approval.FileChangeRequestApprovalParams,
        approval.FileChangeRequestApprovalResponse,
    ),
    "mcpServer/elicitation/request": (
        mcp.McpServerElicitationRequestParams,
        mcp.McpServerElicitationRequestResponse,
    ),
    "item/tool/requestUserInput": (question.ToolRequestUserInputParams, question.ToolRequestUserInputResponse),
}

SERVER_NOTIFICATIONS: dict[str, Model] = {
    "thread/started": thread.ThreadStartedNotification,
    "thread/status/changed": thread.ThreadStatusChangedNotification,
    "thread/name/updated": thread.ThreadNameUpdatedNotification,
    "thread/archived": thread.ThreadArchivedNotification,
    "thread/unarchived": thread.ThreadUnarchivedNotification,
    "thread/reverted": past.ThreadRevertedNotification,
    "thread/tokenUsage/updated": turn.ThreadTokenUsageUpdatedNotification,
    "turn/started": turn.TurnStartedNotification,
    "turn/completed": turn.TurnCompletedNotification,
    "turn/diff/updated": turn.TurnDiffUpdatedNotification,
    "item/started": item.ItemStartedNotification,
    "item/completed": item.ItemCompletedNotification,
    "item/agentMessage/delta": item.AgentMessageDeltaNotification,
    "item/reasoning/summaryTextDelta": item.ReasoningSummaryTextDeltaNotification,
    "item/reasoning/summaryPartAdded": item.ReasoningSummaryPartAddedNotification,
    "item/reasoning/textDelta": item.ReasoningTextDeltaNotification,
    "item/commandExecution/outputDelta": item.CommandExecutionOutputDeltaNotification,
    "command/exec/outputDelta": command.CommandExecOutputDeltaNotification,
    "item/mcpToolCall/progress": mcp.McpToolCallProgressNotification,
    "item/fileChange/patchUpdated": item.FileChangePatchUpdatedNotification,
    "error": error.ErrorNotification,
    "warning": error.WarningNotification,
    "configWarning": error.ConfigWarningNotification,
    "skills/changed": skills.SkillsChangedNotification,
    "mcpServer/startupStatus/updated": mcp.McpServerStatusUpdatedNotification,
    "mcpServer/oauthLogin/completed": mcp.McpServerOauthLoginCompletedNotification,
    "treadle/tools/changed": mcp.ToolsChangedNotification,
    "serverRequest/resolved": approval.ServerRequestResolvedNotification,
    "treadle/context/changed": treadle.ContextChangedNotification,
    "treadle/ledger/updated": ledger.LedgerUpdatedNotification,
    "turn/plan/updated": question.TurnPlanUpdatedNotification,
    "hook/started": question.HookNotification,
    "hook/completed": question.HookNotification,
    "treadle/rules/changed": rules.RulesChangedNotification,
    "treadle/progress": treadle.ProgressNotification,
    "treadle/item/inputDelta": treadle.ToolInputDeltaNotification,
    "treadle/item/outputDelta": treadle.ToolOutputDeltaNotification,
}
