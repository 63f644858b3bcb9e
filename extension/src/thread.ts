/**
 * What the panel shows of a thread, as a fold: (ThreadView, event) -> ThreadView. The host and the webview run the same fold, so the
 * webview needs only a snapshot and the events after it. Pure: no `vscode`, no clock, no DOM. It never throws on an unknown kind,
 * and what it keeps of a command's output is bounded.
 */
import { type Asked, located, type Outcome } from "./asked";
import { hookItem, isQuiet } from "./hooks";
import { type CardItem, grown, type ItemView, itemView, keepOutput, stopped } from "./items";
import { isComplete, type PlanView, planView } from "./plan";
import type { LedgerRow, Notification, ThreadOpened, ThreadTokenUsage, Turn, TurnError, WireItem } from "./wire";

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

const anotherThread = "Another thread was opened before it was sent.";

export function runningTurn(view: ThreadView): TurnView | undefined {
  return view.turns.findLast((turn) => turn.status === "inProgress");
}

export function isRunning(view: ThreadView): boolean {
  return view.unconfirmed.length > 0 || runningTurn(view) !== undefined;
}

export function fold(view: ThreadView, event: ViewEvent): ThreadView {
  if (event.method.startsWith("panel/")) return foldLocal(view, event as LocalEvent);
  const params = (event as Notification).params ?? {};
  const threadId = params.threadId;
  if (typeof threadId === "string" && threadId !== view.id) return view;
  return foldNotification(view, event.method, params);
}

function foldLocal(view: ThreadView, event: LocalEvent): ThreadView {
  switch (event.method) {
    case "panel/opened":
      return opened(view, event.params);
    case "panel/closed":
      return { ...emptyView, notices: view.notices, dismissed: view.dismissed, unsent: givenUp(view, anotherThread) };
    case "panel/sent":
      return { ...view, unconfirmed: [...view.unconfirmed, event.params] };
    case "panel/unsent":
      return unsent(view, event.params);
    case "panel/takenBack":
      return { ...view, unsent: without(view.unsent, event.params) };
    case "panel/asked":
      return asked(view, event.params);
    case "panel/answered":
      return answered(view, event.params);
    case "panel/notice":
      return noticed(view, event.params);
    case "panel/notice/dismissed":
      return dismissed(view, event.params.key);
    case "panel/lost":
      return lost(view, event.params.message);
    default:
      return view;
  }
}

function foldNotification(view: ThreadView, method: string, params: Record<string, unknown>): ThreadView {
  switch (method) {
    case "turn/started":
      return onTurn(view, params.turn as Turn);
    case "turn/completed":
      return turnCompleted(view, params.turn as Turn);
    case "item/started":
      return putItem(view, params, false);
    case "item/completed":
      return putItem(view, params, true);
    case "thread/name/updated":
      return { ...view, name: (params.threadName as string | undefined) ?? null };
    case "thread/tokenUsage/updated":
      return { ...view, usage: usage(params.tokenUsage as ThreadTokenUsage) };
    case "turn/plan/updated":
      return { ...view, plan: planView(params) };
    case "hook/started":
    case "hook/completed":
      return hookRan(view, params);
    case "treadle/ledger/updated":
      return { ...view, lastRequest: shown(params.row as LedgerRow | undefined) ?? view.lastRequest };
    case "treadle/context/changed":
      return { ...view, instructions: (params.instructionSources as string[] | undefined) ?? [] };
    case "treadle/progress":
      return { ...view, progress: (params.message as string | null | undefined) || null };
    case "error":
      return failed(view, params);
    case "warning":
    case "deprecationNotice":
      return noticed(view, warning(params));
    case "configWarning":
      return noticed(view, configWarning(params));
    default:
      return method.includes("item/") ? itemDelta(view, method, params) : view;
  }
}

function opened(view: ThreadView, answer: ThreadOpened): ThreadView {
  const thread = answer.thread;
  return {
    ...emptyView,
    notices: view.notices,
    dismissed: view.dismissed,
    unconfirmed: view.unconfirmed,
    unsent: view.unsent.filter((sent) => !read(thread.turns ?? [], sent)),
    id: thread.id,
    name: thread.name ?? null,
    cwd: answer.cwd ?? thread.cwd ?? null,
    model: answer.model ?? thread.model ?? null,
    provider: answer.modelProvider ?? thread.modelProvider ?? null,
    sandbox: answer.sandbox?.type ?? null,
    approvalPolicy: typeof answer.approvalPolicy === "string" ? answer.approvalPolicy : null,
    instructions: answer.instructionSources ?? [],
    turns: (thread.turns ?? []).map(turnView),
    ...(view.id === thread.id ? kept(view) : {}),
  };
}

/** What the sidecar does not tell again of the thread that is shown already. */
function kept({ usage, lastRequest, outcomes, plan }: ThreadView): Partial<ThreadView> {
  return { usage, lastRequest, outcomes, plan };
}

function turnView(turn: Turn): TurnView {
  const done = turn.status !== "inProgress";
  const items = (turn.items ?? []).map((wire) => itemView(wire, done));
  return { id: turn.id, status: turn.status, items, error: turn.error ?? undefined };
}

function onTurn(view: ThreadView, turn: Turn): ThreadView {
  if (view.turns.some((known) => known.id === turn.id)) return view;
  // A plan that is done belongs to the past; one that is not may go on.
  const plan = view.plan && isComplete(view.plan) ? null : view.plan;
  return { ...view, plan, turns: [...view.turns, turnView(turn)] };
}

function turnCompleted(view: ThreadView, turn: Turn): ThreadView {
  const known = onTurn(view, turn);
  const turns = known.turns.map((old) =>
    old.id === turn.id
      ? { ...old, status: turn.status, error: turn.error ?? undefined, retrying: undefined, items: settle(old) }
      : old,
  );
  return { ...known, turns, asked: known.asked.filter((asked) => asked.turnId !== turn.id) };
}

/** No card may spin for ever: what had not finished when its turn ended is done now. */
function settle(turn: TurnView): ItemView[] {
  return turn.items.map((entry) => (entry.done ? entry : { ...entry, done: true, item: stopped(entry.item) }));
}

function lost(view: ThreadView, message: string): ThreadView {
  const turns = view.turns.map((turn) =>
    turn.status === "inProgress"
      ? { ...turn, status: "interrupted", retrying: undefined, error: { message, codexErrorInfo: null }, items: settle(turn) }
      : turn,
  );
  const unread = givenUp(view, "Treadle's sidecar was not running.");
  return { ...view, turns, asked: [], unconfirmed: [], unsent: unread, progress: null };
}

/** A failure may be told when the message has long been given up, or sent anew: only the first word counts. */
function unsent(view: ThreadView, message: Unsent): ThreadView {
  const unconfirmed = without(view.unconfirmed, message);
  if (unconfirmed.length === view.unconfirmed.length) return view;
  return { ...view, unconfirmed, unsent: [...view.unsent, message] };
}

function givenUp(view: ThreadView, reason: string): Unsent[] {
  return [...view.unsent, ...view.unconfirmed.map((sent) => ({ ...sent, reason }))];
}

function without<T extends Sent>(messages: T[], { clientId }: Pick<Sent, "clientId">): T[] {
  return messages.filter((sent) => sent.clientId !== clientId);
}

/** The sidecar may have read a message and died before it could say so: then it is in the thread that is read anew. */
function read(turns: Turn[], sent: Sent): boolean {
  return turns.some((turn) => turn.items?.some((item) => item.type === "userMessage" && item.clientId === sent.clientId));
}

function updateTurn(view: ThreadView, turnId: unknown, update: (turn: TurnView) => TurnView): ThreadView {
  const index = view.turns.findLastIndex((turn) => turn.id === turnId);
  const turn = view.turns[index];
  if (!turn) return view;
  const next = update(turn);
  return next === turn ? view : { ...view, turns: view.turns.with(index, next) };
}

function putItem(view: ThreadView, params: Record<string, unknown>, done: boolean): ThreadView {
  const wire = params.item as WireItem | undefined;
  if (!wire) return view;
  const known = view.turns.some((turn) => turn.id === params.turnId)
    ? view
    : { ...view, turns: [...view.turns, { id: String(params.turnId), items: [], status: "inProgress" }] };
  const startedAt = params.startedAtMs as number | undefined;
  const completedAt = params.completedAtMs as number | undefined;
  const next = updateTurn(known, params.turnId, (turn) => {
    const index = turn.items.findIndex((entry) => entry.item.id === wire.id);
    const before = turn.items[index];
    const entry = keepOutput(itemView(wire, done), before);
    entry.startedAt = before?.startedAt ?? startedAt ?? entry.startedAt;
    entry.completedAt = completedAt ?? entry.completedAt;
    const items = before ? turn.items.with(index, entry) : [...turn.items, entry];
    return { ...turn, items, retrying: undefined };
  });
  const confirmed = wire.type === "userMessage" ? withoutSent(next, wire.clientId) : next;
  return done ? { ...confirmed, asked: confirmed.asked.filter((asked) => asked.itemId !== wire.id) } : confirmed;
}

function asked(view: ThreadView, question: Asked): ThreadView {
  const others = view.asked.filter((one) => one.id !== question.id);
  return { ...view, asked: [...others, located(question, view.turns.at(-1)?.items ?? [])] };
}

function answered(view: ThreadView, { id, outcome }: { id: string; outcome: Outcome }): ThreadView {
  const question = view.asked.find((asked) => asked.id === id);
  if (!question) return view;
  const at = question.itemId ?? question.turnId ?? "";
  const outcomes = { ...view.outcomes, [at]: [...(view.outcomes[at] ?? []), outcome] };
  return { ...view, asked: view.asked.filter((asked) => asked.id !== id), outcomes };
}

/** Hooks of no turn, as at a thread's start, are told with the turn that is there. */
function hookRan(view: ThreadView, params: Record<string, unknown>): ThreadView {
  const hook = hookItem(params);
  if (!hook) return view;
  return updateTurn(view, params.turnId ?? view.turns.at(-1)?.id, (turn) => {
    const index = turn.items.findIndex((entry) => entry.item.id === hook.id);
    const entry: ItemView = { item: hook, done: hook.status !== "running" };
    if (isQuiet(hook)) return index < 0 ? turn : { ...turn, items: turn.items.toSpliced(index, 1) };
    return { ...turn, items: index < 0 ? [...turn.items, entry] : turn.items.with(index, entry) };
  });
}

function withoutSent(view: ThreadView, clientId: unknown): ThreadView {
  if (!view.unconfirmed.length) return view;
  const named = view.unconfirmed.some((sent) => sent.clientId === clientId);
  const unconfirmed = named ? view.unconfirmed.filter((sent) => sent.clientId !== clientId) : view.unconfirmed.slice(1);
  return { ...view, unconfirmed };
}

function itemDelta(view: ThreadView, method: string, params: Record<string, unknown>): ThreadView {
  return updateTurn(view, params.turnId, (turn) => {
    const index = turn.items.findLastIndex((entry) => entry.item.id === params.itemId);
    const entry = turn.items[index];
    if (!entry) return turn;
    const item = grown(entry.item, method, params);
    return item === entry.item ? turn : { ...turn, items: turn.items.with(index, { ...entry, item }) };
  });
}

function usage(wire: ThreadTokenUsage): ThreadView["usage"] {
  return {
    used: wire.last.totalTokens,
    window: wire.modelContextWindow ?? null,
    total: wire.total.totalTokens,
    cached: wire.last.cachedInputTokens ?? 0,
  };
}

function shown(row: LedgerRow | undefined): ThreadView["lastRequest"] {
  return row ? { hit: row.hit ?? null, price: row.price ?? null, explanation: row.explanation ?? "" } : null;
}

function failed(view: ThreadView, params: Record<string, unknown>): ThreadView {
  const error = params.error as TurnError | undefined;
  if (!error) return view;
  return updateTurn(view, params.turnId, (turn) =>
    params.willRetry ? { ...turn, retrying: error.message } : { ...turn, error },
  );
}

function noticed(view: ThreadView, notice: Notice): ThreadView {
  const seen = view.dismissed.includes(notice.key) || view.notices.some((shown) => shown.key === notice.key);
  return seen || !notice.message ? view : { ...view, notices: [...view.notices, notice] };
}

function dismissed(view: ThreadView, key: string): ThreadView {
  return {
    ...view,
    notices: view.notices.filter((notice) => notice.key !== key),
    dismissed: [...view.dismissed, key].slice(-200),
  };
}

function warning(params: Record<string, unknown>): Notice {
  const message = String(params.message ?? params.summary ?? "");
  // What to expect of the embedded model is worth knowing once; nothing is wrong.
  if (message.startsWith("The small offline model")) return { key: "offline-model", level: "info", message };
  return { key: `warning:${message}`, level: "warning", message, details: (params.details as string | null) ?? undefined };
}

function configWarning(params: Record<string, unknown>): Notice {
  const message = String(params.summary ?? "");
  const path = typeof params.path === "string" ? params.path : undefined;
  return { key: `config:${message}`, level: "warning", message, details: (params.details as string | null) ?? undefined, path };
}
