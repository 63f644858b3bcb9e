/**
 * What the extension host and the webview say to each other. The host owns the state; the webview asks for a snapshot when it comes
 * up and then follows numbered events. A gap in the numbers makes it ask again, so it can be destroyed and rebuilt at any time.
 */
import type { Answer } from "./asked";
import type { ThreadView, ViewEvent } from "./thread";
import type { FileRule, Grant, GrantChange, Subject } from "./wire";

export interface RecentThread {
  id: string;
  title: string;
  updatedAt: number;
}

/** What is not part of a thread: the sidecar's health, the workspace, the settings a next thread would use. */
export interface PanelState {
  connection: "idle" | "starting" | "ready" | "restarting" | "failed";
  problem?: string;
  folder: string | null;
  home: string | null;
  trusted: boolean;
  model: string;
  sandboxMode: string;
  recent: RecentThread[];
}

export type ToWebview =
  | { type: "snapshot"; seq: number; view: ThreadView; panel: PanelState; draft: string }
  | { type: "events"; seq: number; events: ViewEvent[] }
  | { type: "panel"; panel: PanelState }
  | { type: "ruleChecked"; number: number; problem: string | null }
  /** The answer to `ask`: the result, or why there is none. */
  | { type: "answered"; number: number; result?: unknown; failure?: string }
  /** To where the user writes, or to a question that waits. */
  | { type: "focus"; at?: "question" };

/** What the webview may ask the host, and what it gets; `host.ask` and `Feature.answers`. */
export interface Asks {
  /** The picture at this path, as a data address; null when it cannot be shown. */
  picture: { params: { path: string }; result: string | null };
}

export type PanelCommand =
  | "newThread"
  | "resumeThread"
  | "openFolder"
  | "openSettings"
  | "showLog"
  | "restart"
  | "trust"
  | "retry"
  | "stop"
  | "inspectPrompt"
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
  | { type: "copy"; text: string }
  | { type: "insert"; text: string }
  | { type: "draft"; text: string }
  | { type: "dismiss"; key: string }
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
