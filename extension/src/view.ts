/** What the panel shows of a thread, and what changes it: types, and the view of no thread. Pure: no `vscode`, no clock, no DOM. */
import type { Asked, Outcome } from "./asked";
import type { CardItem, ItemView } from "./items";
import type { PlanView } from "./plan";
import type { LedgerRow, Notification, ThreadOpened, TurnError } from "./wire";

export type { CardItem, ItemView };

export interface TurnView {
  id: string;
  status: string;
  items: ItemView[];
  error?: Pick<TurnError, "message" | "codexErrorInfo"> & Partial<TurnError>;
  /** A failure that the sidecar is working around by itself, e.g. a dropped stream that it opens again. */
  retrying?: string;
}

export interface Notice {
  key: string;
  level: "info" | "warning" | "error";
  message: string;
  details?: string;
  path?: string;
}

export interface Sent {
  clientId: string;
  text: string;
}

export interface Unsent extends Sent {
  reason: string;
}

export interface ThreadView {
  id: string | null;
  name: string | null;
  cwd: string | null;
  model: string | null;
  provider: string | null;
  sandbox: string | null;
  approvalPolicy: string | null;
  instructions: string[];
  turns: TurnView[];
  /** Messages that were sent and not yet confirmed by the sidecar. */
  unconfirmed: Sent[];
  /** Messages that the sidecar never read: shown until the user sends them again or takes them back. No word is lost. */
  unsent: Unsent[];
  /** Questions that wait for the user, the oldest first. */
  asked: Asked[];
  /** How questions ended, by their item, or by their turn where they have no item. */
  outcomes: Record<string, Outcome[]>;
  plan: PlanView | null;
  notices: Notice[];
  /** Keys of notices that the user has closed; they are not shown again in this window. */
  dismissed: string[];
  usage: { used: number; window: number | null; total: number; cached: number } | null;
  /** What the last request cost and what the cache gave; only what is shown of it. */
  lastRequest: Pick<LedgerRow, "hit" | "price" | "explanation"> | null;
  /** What takes long just now, in words of the sidecar; e.g. loading the embedded model. */
  progress: string | null;
}

/** What only this window knows, in the same stream as the sidecar's notifications. */
export type LocalEvent =
  | { method: "panel/opened"; params: ThreadOpened }
  | { method: "panel/closed"; params: Record<string, never> }
  | { method: "panel/sent"; params: Sent }
  | { method: "panel/unsent"; params: Unsent }
  | { method: "panel/takenBack"; params: { clientId: string } }
  | { method: "panel/asked"; params: Asked }
  | { method: "panel/answered"; params: { id: string; outcome: Outcome } }
  | { method: "panel/notice"; params: Notice }
  | { method: "panel/notice/dismissed"; params: { key: string } }
  | { method: "panel/lost"; params: { message: string } };

export type ViewEvent = LocalEvent | Notification;

export const emptyView: ThreadView = {
  id: null,
  name: null,
  cwd: null,
  model: null,
  provider: null,
  sandbox: null,
  approvalPolicy: null,
  instructions: [],
  turns: [],
  unconfirmed: [],
  unsent: [],
  asked: [],
  outcomes: {},
  plan: null,
  notices: [],
  dismissed: [],
  usage: null,
  lastRequest: null,
  progress: null,
};

export function runningTurn(view: ThreadView): TurnView | undefined {
  return view.turns.findLast((turn) => turn.status === "inProgress");
}

export function isRunning(view: ThreadView): boolean {
  return view.unconfirmed.length > 0 || runningTurn(view) !== undefined;
}

/** How one kind of event changes the view. It never throws on what it does not know. */
export type Reducer = (view: ThreadView, params: Record<string, unknown>) => ThreadView;
export type Reducers = Record<string, Reducer>;
