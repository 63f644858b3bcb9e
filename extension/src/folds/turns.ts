/** Turns and their items: as they come, as their deltas come, and as a thread is opened or lost. Pure. */

import { hookItem, isQuiet } from "../hooks";
import { grown, type ItemView, itemView, keepOutput, stopped } from "../items";
import { isComplete, planView } from "../plan";
import { emptyView, type Reducers, type ThreadView, type TurnView } from "../view";
import type { ThreadOpened, Turn, TurnError, WireItem } from "../wire";
import { givenUp, read, withoutSent } from "./messages";
import { bounded, earlierTurns, opening, withEarlier } from "./paging";

export const turns: Reducers = {
  ...earlierTurns(turnView),
  "panel/opened": (view, params) => opened(view, params as unknown as ThreadOpened),
  "panel/lost": (view, params) => lost(view, String(params.message)),
  "turn/started": (view, params) => onTurn(view, params.turn as Turn),
  "turn/completed": (view, params) => turnCompleted(view, params.turn as Turn),
  "item/started": (view, params) => putItem(view, params, false),
  "item/completed": (view, params) => putItem(view, params, true),
  "turn/plan/updated": (view, params) => ({ ...view, plan: planView(params) }),
  "hook/started": hookRan,
  "hook/completed": hookRan,
  error: failed,
};

function opened(view: ThreadView, answer: ThreadOpened): ThreadView {
  const { thread } = answer;
  const held = opening(answer);
  const turns = held.turns.map(turnView);
  return {
    ...emptyView,
    notices: view.notices,
    dismissed: view.dismissed,
    unconfirmed: view.unconfirmed,
    unsent: view.unsent.filter((sent) => !read(held.turns, sent)),
    id: thread.id,
    name: thread.name ?? null,
    preview: thread.preview ?? "",
    cwd: answer.cwd ?? thread.cwd ?? null,
    model: answer.model ?? thread.model ?? null,
    provider: answer.modelProvider ?? thread.modelProvider ?? null,
    sandbox: answer.sandbox?.type ?? null,
    approvalPolicy: typeof answer.approvalPolicy === "string" ? answer.approvalPolicy : null,
    effort: answer.reasoningEffort ?? null,
    askBeforeEdits: answer.askBeforeEdits ?? null,
    instructions: answer.instructionSources ?? [],
    ...(view.id === thread.id ? withEarlier(view, turns, held.more) : { turns, earlier: held.more }),
    ...(view.id === thread.id ? kept(view) : {}),
  };
}

/** What the sidecar does not tell again of the thread that is shown already. */
function kept(view: ThreadView): Partial<ThreadView> {
  const { usage, lastRequest, pendingTools, outcomes, plan, review, restored, editing } = view;
  return { usage, lastRequest, pendingTools, outcomes, plan, review, restored, editing };
}

function turnView(turn: Turn): TurnView {
  const done = turn.status !== "inProgress";
  // Of what is kept of a running turn only calls can be under way, and the last.
  const last = (turn.items ?? []).length - 1;
  const items = (turn.items ?? []).map((wire, at) => itemView(wire, done || (hasStatus(wire) ? ended(wire) : at < last)));
  return { id: turn.id, status: turn.status, items, error: turn.error ?? undefined };
}

function hasStatus(wire: WireItem): wire is WireItem & { status: string } {
  return "status" in wire && typeof wire.status === "string";
}

function ended(wire: { status: string }): boolean {
  return wire.status !== "inProgress";
}

function onTurn(view: ThreadView, turn: Turn): ThreadView {
  if (view.turns.some((known) => known.id === turn.id)) return view;
  // A plan that is done belongs to the past; one that is not may go on.
  const plan = view.plan && isComplete(view.plan) ? null : view.plan;
  return bounded({ ...view, plan, turns: [...view.turns, turnView(turn)] });
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

export function updateTurn(view: ThreadView, turnId: unknown, update: (turn: TurnView) => TurnView): ThreadView {
  const index = view.turns.findLastIndex((turn) => turn.id === turnId);
  const turn = view.turns[index];
  if (!turn) return view;
  const next = update(turn);
  return next === turn ? view : { ...view, turns: view.turns.with(index, next) };
}

function putItem(view: ThreadView, params: Record<string, unknown>, done: boolean): ThreadView {
  const wire = params.item as WireItem | undefined;
  if (!wire?.id) return view;
  const of = view.turns.find((turn) => turn.id === params.turnId);
  // The end of something that began in a turn that is not loaded.
  if (!of && done && view.earlier) return view;
  const old = of?.items.find((entry) => entry.item.id === wire.id);
  // Told twice, or late: what is known of it is more.
  if (old && !done) return view;
  const known = of ? view : { ...view, turns: [...view.turns, { id: String(params.turnId), items: [], status: "inProgress" }] };
  const startedAt = params.startedAtMs as number | undefined;
  const completedAt = params.completedAtMs as number | undefined;
  const next = updateTurn(known, params.turnId, (turn) => {
    const index = turn.items.findIndex((entry) => entry.item.id === wire.id);
    const before = turn.items[index];
    const late = !done && turn.status !== "inProgress";
    const entry = keepOutput(itemView(wire, done || late), before);
    if (late) entry.item = stopped(entry.item);
    entry.startedAt = before?.startedAt ?? startedAt ?? entry.startedAt;
    entry.completedAt = completedAt ?? entry.completedAt;
    const items = before ? turn.items.with(index, entry) : [...turn.items, entry];
    return { ...turn, items, retrying: undefined };
  });
  const confirmed = wire.type === "userMessage" && !old ? withoutSent(next, wire.clientId) : next;
  return done ? { ...confirmed, asked: confirmed.asked.filter((asked) => asked.itemId !== wire.id) } : confirmed;
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

export function itemDelta(view: ThreadView, method: string, params: Record<string, unknown>): ThreadView {
  return updateTurn(view, params.turnId, (turn) => {
    const index = turn.items.findLastIndex((entry) => entry.item.id === params.itemId);
    const entry = turn.items[index];
    // What was completed has had its last word.
    if (!entry || (entry.done && entry.completedAt)) return turn;
    const item = grown(entry.item, method, params);
    return item === entry.item ? turn : { ...turn, items: turn.items.with(index, { ...entry, item }) };
  });
}

function failed(view: ThreadView, params: Record<string, unknown>): ThreadView {
  const error = params.error as TurnError | undefined;
  if (!error) return view;
  return updateTurn(view, params.turnId, (turn) =>
    params.willRetry ? { ...turn, retrying: error.message } : { ...turn, error },
  );
}
