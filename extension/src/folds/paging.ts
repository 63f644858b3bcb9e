/**
 * Which turns of a thread are held: the last ones, and earlier ones as the user asks for them. A thread that grows for days gives up
 * its oldest turns, which can be asked for again. Pure.
 */
import type { Reducers, ThreadView, TurnView } from "../view";
import type { ThreadOpened, Turn } from "../wire";

/** How many turns a thread is opened with, and come with each "load earlier". */
export const pageOfTurns = 25;
/** More items than this are not held; then the oldest turns go until this many are left. */
export const mostItems = 4_000;
export const keptItems = 2_500;

/** The turns of an answer, the oldest first, and whether there are earlier ones. */
export function opening(answer: ThreadOpened): { turns: Turn[]; more: boolean } {
  const page = "initialTurnsPage" in answer ? answer.initialTurnsPage : null;
  if (!page) return { turns: answer.thread.turns ?? [], more: false };
  return { turns: page.data.toReversed(), more: page.nextCursor != null };
}

/** A thread that is opened anew keeps the earlier turns that were loaded, where the new ones go on from them. */
export function withEarlier(view: ThreadView, turns: TurnView[], more: boolean): Pick<ThreadView, "turns" | "earlier"> {
  const at = view.turns.findIndex((turn) => turn.id === turns[0]?.id);
  return at > 0 ? { turns: [...view.turns.slice(0, at), ...turns], earlier: view.earlier } : { turns, earlier: more };
}

export function earlierTurns(turnView: (turn: Turn) => TurnView): Reducers {
  return {
    "panel/earlier": (view, params) => {
      const { before, turns, more } = params as { before: string; turns: Turn[]; more: boolean };
      // Asked of a thread, or a place in it, that is no longer shown.
      if (view.turns[0]?.id !== before) return view;
      return { ...view, turns: [...turns.map(turnView), ...view.turns], earlier: more };
    },
  };
}

/** Called when a turn begins: then the user looks at the end. */
export function bounded(view: ThreadView): ThreadView {
  let items = view.turns.reduce((sum, turn) => sum + turn.items.length, 0);
  if (items <= mostItems) return view;
  let first = 0;
  while (items > keptItems && first < view.turns.length - 2) {
    items -= view.turns[first]?.items.length ?? 0;
    first += 1;
  }
  return first ? { ...view, turns: view.turns.slice(first), earlier: true } : view;
}
