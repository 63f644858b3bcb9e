/**
 * What a feature of the window is made of, and what it may use. Features do not know each other: what one has to tell another goes
 * through the chat's view and its events.
 */
import type * as vscode from "vscode";
import type { Chat } from "./chat";
import type { Diffs } from "./diffs";
import type { DoctorPage } from "./doctor_page";
import type { Inspector } from "./inspector";
import type { Log } from "./log";
import type { Asks, FromWebview, PanelState } from "./messages";
import type { Panel } from "./panel";
import type { Permissions } from "./permissions";
import type { Questions } from "./questions";
import type { Sidecar } from "./sidecar";
import type { ViewEvent } from "./thread";
import type { Notification } from "./wire";

export interface Parts {
  context: vscode.ExtensionContext;
  log: Log;
  sidecar: Sidecar;
  chat: Chat;
  panel: Panel;
  diffs: Diffs;
  questions: Questions;
  permissions: Permissions;
  inspector: Inspector;
  doctor: DoctorPage;
}

/** One message of the webview. */
export type Message<T extends FromWebview["type"]> = Extract<FromWebview, { type: T }>;

export interface Feature extends vscode.Disposable {
  /** Commands of VS Code, by their ids. What they throw is told to the user in one sentence. */
  commands?: Record<string, (...args: unknown[]) => unknown>;
  /** Messages of the webview that this feature acts on. */
  messages?: { [T in FromWebview["type"]]?: (message: Message<T>) => unknown };
  /** Questions of the webview that this feature answers. */
  answers?: { [M in keyof Asks]?: (params: Asks[M]["params"]) => Asks[M]["result"] | Promise<Asks[M]["result"]> };
  /** What this feature adds to the panel's state; read whenever the panel is drawn anew (`panel.refresh()`). */
  panelState?(): Partial<PanelState>;
  /** Every notification of the sidecar, of whatever thread. */
  notified?(notification: Notification): void;
  /** After each event of the shown thread was folded into `chat.view`. */
  followed?(event: ViewEvent): void;
  /** The sidecar is there, for the first time or again. */
  connected?(): void;
}
