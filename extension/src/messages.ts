/**
 * What the extension host and the webview say to each other. The host owns the state; the webview asks for a snapshot when it comes
 * up and then follows numbered events. A gap in the numbers makes it ask again, so it can be destroyed and rebuilt at any time.
 */
import type { Answer } from "./asked";
import type { Choice } from "./choices";
import type { Attachment, Draft, Mention } from "./draft";
import type { ReviewSummary } from "./findings";
import type { RestorePlan, What } from "./restoring";
import type { ThreadView, ViewEvent } from "./thread";
import type {
  ContextReadResponse,
  FileRule,
  Grant,
  GrantChange,
  LedgerReadResponse,
  LedgerRow,
  McpListServer,
  SkillMetadata,
  Subject,
} from "./wire";

export interface RecentThread {
  id: string;
  title: string;
  updatedAt: number;
}

/** What is not part of a thread: the sidecar's health, the workspace, the settings a next thread would use. */
export interface PanelState {
  connection: "idle" | "starting" | "ready" | "restarting" | "failed";
  problem?: string;
  /** No Python was found that could run the sidecar. */
  noPython?: boolean;
  folder: string | null;
  /** Those that are open, when there are several. */
  folders?: { name: string; path: string }[];
  home: string | null;
  trusted: boolean;
  model: string;
  sandboxMode: string;
  recent: RecentThread[];
  models?: ModelChoice[];
  /** What a new thread would run under. */
  defaults?: Choosable;
  /** Instruction files of a folder that is not trusted: there, and not read. */
  ignoredInstructions?: string[];
  /** The thread of before is about to be shown. */
  opening?: boolean;
  changesReview?: ReviewSummary | null;
  /** Problems that the agent's edits left behind, in words. */
  newProblems?: string | null;
  /** What Enter does while a turn runs. */
  whileRunning?: "queue" | "steer";
}

/** A model that can be chosen. */
export interface ModelChoice {
  id: string;
  name: string;
  words: string;
  efforts: string[];
  usualEffort: string;
  /** Whether it can be shown pictures. */
  images: boolean;
}

/** What a turn runs under, as far as it is chosen under the composer. */
export interface Choosable {
  model: string;
  effort: string | null;
  askBeforeEdits: boolean;
  approvalPolicy: string;
  sandbox: string;
}

export type Picked = Partial<{ [K in keyof Choosable]: NonNullable<Choosable[K]> }>;

export type ToWebview =
  | { type: "snapshot"; seq: number; view: ThreadView; panel: PanelState; draft: Draft }
  | { type: "events"; seq: number; events: ViewEvent[] }
  | { type: "panel"; panel: PanelState }
  | { type: "ruleChecked"; number: number; problem: string | null }
  /** Words for the composer: in place of what stands there, or after it. */
  | { type: "compose"; text: string; replace: boolean }
  /** Words that were composed are not wanted any more: they go when they stand there as they came. */
  | { type: "takeAway"; text: string }
  /** Open the card of going back under this message; null: that of taking the last one back. */
  | { type: "openRestore"; itemId: string | null }
  /** The answer to `ask`: the result, or why there is none. */
  | { type: "answered"; number: number; result?: unknown; failure?: string }
  /** To the user's message before or after the one in view, or to the search. */
  | { type: "go"; to: "previous" | "next" | "find" }
  /** Something for the composer to mention. */
  | { type: "mention"; mention: Mention }
  /** To where the user writes, to a question that waits, or to what the agent knows. */
  | { type: "focus"; at?: Place };

/** What the keyboard can be brought to in the panel, besides the composer. */
export type Place = "question" | "context" | "ledger";

/** What the model has been told and what that cost; what cannot be had is left out. */
export interface Knowledge {
  context: ContextReadResponse;
  ledger: LedgerReadResponse | null;
  skills: Pick<SkillMetadata, "name" | "path" | "scope">[];
  servers: Pick<McpListServer, "name" | "state" | "error" | "required" | "tools">[];
}

/** What the webview may ask the host, and what it gets; `host.ask` and `Feature.answers`. */
export interface Asks {
  /** The picture at this path, as a data address; null when it cannot be shown. */
  picture: { params: { path: string }; result: string | null };
  /** What can be named in the composer by these letters. */
  choices: { params: { kind: "mention" | "skill"; query: string }; result: Choice[] };
  dropped: { params: { uris: string[] }; result: Mention[] };
  history: { params: Record<string, never>; result: string[] };
  attachImage: { params: { name: string; bytes: ArrayBuffer }; result: Attachment };
  attachText: { params: { name: string; text: string }; result: Attachment };
  attachedText: { params: { path: string }; result: string };
  /** Runs a command of the composer: why it cannot be done, or null. */
  slash: { params: { name: string; rest: string }; result: string | null };
  /** Loads a page of earlier turns, or as many as it takes to have this one; true when they came. They come as an event. */
  earlier: { params: { until?: string }; result: boolean };
  /** Where words occur in turns that are not loaded, the oldest first. */
  occurrences: { params: { term: string }; result: { places: { turnId: string; itemId: string }[]; more: boolean } };
  /** What the model was left with after a compaction; null when the thread was compacted again, or nobody can read it. */
  summary: { params: Record<string, never>; result: { text: string | null; reason: string } };
  /** Of the shown thread; without one, of the next one in this folder. */
  knowledge: { params: Record<string, never>; result: Knowledge };
  /** Requests before those that are known. */
  requests: { params: { cursor: string }; result: { rows: LedgerRow[]; nextCursor: string | null } };
  /** What going back to before a message would do, or taking such a going back again. */
  restorePlan: { params: RestoreSubject; result: RestorePlan };
  /** Does it; null: done. Otherwise the plan as it is now, for there are conflicts and `skip` was not said. */
  restore: { params: RestoreSubject & { skip: boolean }; result: RestorePlan | null };
}

/** A message, or a restore that is to be taken back. */
export type RestoreSubject = ({ itemId: string } | { restoreId: string }) & { what: What };

export type MessageAct = "edit" | "fork" | "copy";

export type PanelCommand =
  | "newThread"
  | "resumeThread"
  | "openFolder"
  | "openSettings"
  | "showLog"
  | "restart"
  | "installPython"
  | "setInterpreter"
  | "setApiKey"
  | "openWalkthrough"
  | "openConfig"
  | "trust"
  | "retry"
  | "continueTurn"
  | "stop"
  | "inspectPrompt"
  | "compactThread"
  | "refreshTools"
  | "mcpServers"
  | "managePermissions";

export type FromWebview =
  | { type: "ready" }
  | { type: "focused" }
  | { type: "send"; text: string }
  | { type: "resend"; clientId: string }
  | { type: "takeBack"; clientId: string }
  | { type: "answer"; id: string; answer: Answer }
  /** Could this be stored as a rule? */
  | { type: "checkRule"; number: number; subject: Subject }
  | { type: "openDiff"; itemId: string; path: string }
  | { type: "openFile"; path: string }
  | { type: "openLink"; url: string }
  | { type: "openThread"; id: string }
  | { type: "chooseFolder"; path: string }
  | { type: "copy"; text: string }
  | { type: "insert"; text: string }
  /** Write a block of code to a file, the selection or a new file, after the user has seen the difference. */
  | { type: "apply"; text: string; path: string | null; language: string }
  /** The whole output of a call, in an editor. */
  | { type: "openOutput"; turnId: string | null; itemId: string }
  /** Text that is too long for the panel, in an editor. */
  | { type: "openText"; title: string; text: string; language: string }
  | { type: "draft"; draft: Draft }
  /** Sends what was composed; `other`: what Enter does not do while a turn runs. */
  | { type: "say"; draft: Draft; other: boolean }
  | { type: "pick"; picked: Picked; forNew: boolean }
  | { type: "queueEdit"; id: string; text: string }
  | { type: "queueDelete"; id: string }
  | { type: "queueMove"; id: string; by: number }
  | { type: "queueSend"; id: string }
  /** Opens the prompt of a request; null: of the next one. */
  | { type: "inspectRequest"; number: number | null }
  | { type: "onMessage"; act: MessageAct; itemId: string }
  /** Of the plan that was told last: one file's diff, or all of them. */
  | { type: "openRestoreDiff"; path: string | null }
  | { type: "editing"; files: boolean }
  | { type: "stopEditing" }
  | { type: "elsewhere"; act: "fork" | "retry" | "another" | "leave" }
  | { type: "dismiss"; key: string }
  /** Keep, undo, show what the agent changed: of a file, a turn, both, or all that waits. */
  | { type: "review"; act: "keep" | "undo" | "open" | "changes"; path?: string; turnId?: string }
  | { type: "finding"; act: "show" | "fix" | "resolve" | "dismiss"; id: string }
  | { type: "changesReview"; act: "stop" | "clear" | "open" }
  | { type: "newProblems"; act: "fix" | "show" | "dismiss" }
  | { type: "command"; command: PanelCommand }
  | { type: "ask"; number: number; method: keyof Asks; params: Asks[keyof Asks]["params"] };

/** The page of permissions: what the sidecar keeps, and where the user is. */
export interface PermissionsState {
  threadId: string | null;
  folder: string | null;
  home: string | null;
  grants: Grant[];
  rules: FileRule[];
  problems: string[];
  /** The list could not be read; why. */
  failure: string | null;
  /** The last change, in words, as long as it can be taken back. */
  undo: string | null;
}

export type ToPermissions =
  | { type: "permissions"; state: PermissionsState }
  | { type: "refused"; reason: string }
  | { type: "ruleChecked"; number: number; problem: string | null };

export type FromPermissions =
  | { type: "ready" }
  | { type: "changeGrants"; changes: GrantChange[]; words: string }
  | { type: "undo" }
  | { type: "checkRule"; number: number; subject: Subject }
  | { type: "openSource"; path: string; line: number };
