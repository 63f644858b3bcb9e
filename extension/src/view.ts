/** What the panel shows of a thread, and what changes it: types, and the view of no thread. Pure: no `vscode`, no clock, no DOM. */
import type { Asked, Outcome } from "./asked";
import type { Draft } from "./draft";
import type { CardItem, ItemView } from "./items";
import type { PlanView } from "./plan";
import type { RestoredView } from "./restoring";
import type { ReviewFile } from "./review_view";
import type { LedgerRow, Notification, ThreadOpened, Turn, TurnError, UserInput } from "./wire";

export type { CardItem, ItemView, RestoredView };

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
  /** The sidecar can be restarted from here. */
  restart?: boolean;
}

export interface Sent {
  clientId: string;
  text: string;
  /** What is sent, when it is more than the text. */
  input?: UserInput[];
  /** As it stood in the composer. */
  draft?: Draft;
  /** For the end of the running turn: it is drawn in the queue, not in the transcript. */
  waits?: boolean;
}

export interface Unsent extends Sent {
  reason: string;
}

/** An earlier message whose words are in the composer: sending goes on from before it, in a fork. */
export interface Editing {
  turnId: string;
  /** What stood in the composer before. */
  before: string;
  /** Put the files back, too, before it is sent. */
  files: boolean;
  /** What the message had besides words. */
  attachments: UserInput[];
}

/** A thread that cannot be opened, for another window has it. */
export interface Elsewhere {
  id: string;
  title: string;
}

/** A message that waits for the running turn to end. */
export interface QueuedView {
  id: string;
  input: UserInput[];
}

/** Tools that came, went or changed since the model was given its list; `cost`: tokens that a refresh makes it read again. */
export interface PendingTools {
  added: string[];
  removed: string[];
  changed: string[];
  cost: number;
  message: string;
}

export interface ThreadView {
  id: string | null;
  name: string | null;
  cwd: string | null;
  model: string | null;
  provider: string | null;
  sandbox: string | null;
  approvalPolicy: string | null;
  effort: string | null;
  askBeforeEdits: boolean | null;
  instructions: string[];
  turns: TurnView[];
  /** There are turns before the first of these; they come when they are asked for. */
  earlier: boolean;
  /** Messages that wait for the running turn to end, the next one first. */
  queue: QueuedView[];
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
  /** How the tools of MCP servers differ from those that the model was told of; null: they do not. */
  pendingTools: PendingTools | null;
  /** Files with changes of the agent that the user has neither kept nor undone. */
  review: ReviewFile[];
  /** What takes long just now, in words of the sidecar; e.g. loading the embedded model. */
  progress: string | null;
  /** The beginning of the thread's first message, for when it has no name. */
  preview: string;
  /** What was restored last, as long as it can be taken back. */
  restored: RestoredView | null;
  editing: Editing | null;
  elsewhere: Elsewhere | null;
}

/** What only this window knows, in the same stream as the sidecar's notifications. */
export type LocalEvent =
  | { method: "panel/opened"; params: ThreadOpened }
  | { method: "panel/closed"; params: Record<string, never> }
  | { method: "panel/earlier"; params: { before: string; turns: Turn[]; more: boolean } }
  | { method: "panel/sent"; params: Sent }
  | { method: "panel/unsent"; params: Unsent }
  | { method: "panel/waits"; params: { clientId: string } }
  | { method: "panel/queue"; params: { threadId: string; queue: QueuedView[] } }
  | { method: "panel/takenBack"; params: { clientId: string } }
  | { method: "panel/asked"; params: Asked }
  | { method: "panel/answered"; params: { id: string; outcome: Outcome } }
  | { method: "panel/notice"; params: Notice }
  | { method: "panel/notice/dismissed"; params: { key: string } }
  | { method: "panel/review"; params: { threadId: string; files: ReviewFile[] } }
  | { method: "panel/restored"; params: { restored: RestoredView | null } }
  | { method: "panel/editing"; params: { editing: Editing | null } }
  | { method: "panel/elsewhere"; params: { elsewhere: Elsewhere | null } }
  | { method: "panel/tools"; params: PendingTools }
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
  effort: null,
  askBeforeEdits: null,
  instructions: [],
  turns: [],
  earlier: false,
  queue: [],
  unconfirmed: [],
  unsent: [],
  asked: [],
  outcomes: {},
  plan: null,
  notices: [],
  dismissed: [],
  usage: null,
  lastRequest: null,
  pendingTools: null,
  review: [],
  progress: null,
  preview: "",
  restored: null,
  editing: null,
  elsewhere: null,
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
