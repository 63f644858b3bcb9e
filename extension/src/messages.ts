/**
 * What the extension host and the webview say to each other. The host owns the state; the webview asks for a snapshot when it comes
 * up and then follows numbered events. A gap in the numbers makes it ask again, so it can be destroyed and rebuilt at any time.
 */
import type { ThreadView, ViewEvent } from "./thread";
import type { Decision } from "./wire";

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
  | { type: "focus" };

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
  | "inspectPrompt";

export type FromWebview =
  | { type: "ready" }
  | { type: "focused" }
  | { type: "send"; text: string }
  | { type: "resend"; clientId: string }
  | { type: "takeBack"; clientId: string }
  | { type: "decide"; approvalId: string; decision: Decision }
  | { type: "openDiff"; itemId: string; path: string }
  | { type: "openFile"; path: string }
  | { type: "openLink"; url: string }
  | { type: "openThread"; id: string }
  | { type: "copy"; text: string }
  | { type: "insert"; text: string }
  | { type: "draft"; text: string }
  | { type: "dismiss"; key: string }
  | { type: "command"; command: PanelCommand };
