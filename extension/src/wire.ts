/**
 * The part of the contract that this extension speaks, by the names that the sidecar's models have. Everything that comes from the
 * sidecar may carry more fields, kinds and values than the types name; readers must not fail on them.
 */
import type {
  ClientRequests,
  ServerNotifications,
  ServerRequests,
  ThreadItem,
  ThreadResumeResponse,
  ThreadStartResponse,
} from "./protocol";

export type {
  AgentMessageItem,
  CommandExecutionItem as CommandItem,
  CommandExecutionRequestApprovalParams as CommandApprovalParams,
  FileChangeItem,
  FileChangeRequestApprovalParams as FileApprovalParams,
  FileUpdateChange,
  ItemStatus,
  LedgerRow,
  McpServerElicitationRequestParams as McpApprovalParams,
  McpServerElicitationRequestResponse as McpApprovalAnswer,
  PromptPart,
  PromptReadResponse,
  ReasoningItem,
  SimpleDecision as Decision,
  Thread,
  ThreadItem,
  ThreadListResponse,
  ThreadStartParams,
  ThreadTokenUsage,
  Turn,
  TurnError,
  TurnStartParams,
  UserInput,
  UserMessageItem,
} from "./protocol";
export type { ClientRequests };

/** The answer to thread/start and thread/resume. */
export type ThreadOpened = ThreadStartResponse | ThreadResumeResponse;

/** An item of a kind that has no card of its own here. */
export interface OtherItem {
  type: "other";
  id: string;
  kind: string;
  title: string;
  status?: string;
  body: string;
}

/** An item as it comes over the wire: perhaps of a kind that we have never heard of. */
export type WireItem = ThreadItem & { startedAtMs?: number | null; completedAtMs?: number | null };

/** A notification as it comes over the wire: perhaps one that we have never heard of. */
export interface Notification {
  method: string;
  params: Record<string, unknown>;
}

export const commandApproval = "item/commandExecution/requestApproval" satisfies keyof ServerRequests;
export const fileApproval = "item/fileChange/requestApproval" satisfies keyof ServerRequests;

export const mcpApproval = "mcpServer/elicitation/request" satisfies keyof ServerRequests;

/** Notifications that change what is drawn; others are not subscribed to. */
export const drawn = [
  "error",
  "warning",
  "configWarning",
  "thread/started",
  "thread/status/changed",
  "thread/name/updated",
  "thread/tokenUsage/updated",
  "turn/started",
  "turn/completed",
  "item/started",
  "item/completed",
  "item/agentMessage/delta",
  "item/reasoning/textDelta",
  "item/reasoning/summaryTextDelta",
  "item/reasoning/summaryPartAdded",
  "item/commandExecution/outputDelta",
  "item/fileChange/patchUpdated",
  "item/mcpToolCall/progress",
  "serverRequest/resolved",
  "treadle/context/changed",
  "treadle/ledger/updated",
  "treadle/progress",
  "treadle/item/outputDelta",
] as const satisfies readonly (keyof ServerNotifications)[];
