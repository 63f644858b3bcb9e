/**
 * The part of the contract that this extension speaks, by the names that the sidecar's models have. Everything that comes from the
 * sidecar may carry more fields, kinds and values than the types name; readers must not fail on them.
 */
import type {
  ClientRequests,
  Offer,
  ServerNotifications,
  ServerRequests,
  ThreadItem,
  ThreadResumeResponse,
  ThreadStartResponse,
} from "./protocol";

export type {
  ActionWordsParams,
  AgentMessageItem,
  Checkpoint,
  CommandExecutionItem as CommandItem,
  CommandExecutionRequestApprovalParams as CommandApprovalParams,
  CommandExecutionRequestApprovalResponse as CommandApprovalAnswer,
  ContextDocument,
  ContextPart,
  ContextReadResponse,
  EditorProblem,
  ExitedReviewModeItem,
  FileChangeItem,
  FileChangeRequestApprovalParams as FileApprovalParams,
  FileChangeRequestApprovalResponse as FileApprovalAnswer,
  FilePlan,
  FileRule,
  FileUpdateChange,
  Grant,
  GrantChange,
  Hunk,
  HunkChoiceParams,
  HunkFile,
  HunkListResponse,
  ItemAnswer,
  ItemStatus,
  LedgerReadResponse,
  LedgerRow,
  LedgerTotals,
  McpListServer,
  McpServerElicitationRequestParams as ElicitationParams,
  McpServerElicitationRequestResponse as ElicitationAnswer,
  Offer,
  PromptPart,
  PromptReadResponse,
  ReasoningItem,
  Restore,
  ReviewFinding,
  ReviewTarget,
  SkillMetadata,
  Subject,
  Thread,
  ThreadItem,
  ThreadListResponse,
  ThreadSearchResult,
  ThreadStartParams,
  ThreadTokenUsage,
  ToolRequestUserInputParams as QuestionParams,
  ToolRequestUserInputResponse as QuestionAnswer,
  Turn,
  TurnError,
  TurnPlanStep,
  TurnStartParams,
  UserInput,
  UserMessageItem,
} from "./protocol";
export type { ClientRequests };

export type GrantScope = Offer["scope"];

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
  /** Pictures that belong to it: data addresses, or absolute paths. */
  images?: string[];
  call?: CallView;
  web?: WebView;
}

/** A call of a tool; who offers it is null for our own. */
export interface CallView {
  server: string | null;
  tool: string;
  given: string;
  said: string;
  error: string;
  /** What it said while it worked, the last lines. */
  progress: string[];
  durationMs: number | null;
  readOnly: boolean;
}

/** What was looked for in the web, and what was found there. */
export interface WebView {
  action: string;
  queries: string[];
  url: string | null;
  pattern: string;
  links: { url: string; title: string; text: string }[];
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
export const elicitation = "mcpServer/elicitation/request" satisfies keyof ServerRequests;
export const userInput = "item/tool/requestUserInput" satisfies keyof ServerRequests;

/** Notifications that change what is drawn; others are not subscribed to. */
export const drawn = [
  "error",
  "warning",
  "configWarning",
  "thread/started",
  "thread/archived",
  "thread/unarchived",
  "thread/deleted",
  "thread/closed",
  "thread/reverted",
  "thread/status/changed",
  "thread/name/updated",
  "thread/queue/changed",
  "thread/settings/updated",
  "skills/changed",
  "mcpServer/startupStatus/updated",
  "mcpServer/oauthLogin/completed",
  "thread/tokenUsage/updated",
  "turn/started",
  "turn/completed",
  "turn/plan/updated",
  "hook/started",
  "hook/completed",
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
  "treadle/checkpoint/changed",
  "treadle/context/changed",
  "treadle/hunk/changed",
  "treadle/diagnostics/told",
  "treadle/ledger/updated",
  "treadle/progress",
  "treadle/rules/changed",
  "treadle/tools/changed",
  "treadle/item/outputDelta",
] as const satisfies readonly (keyof ServerNotifications)[];
