/** What waits for keep or undo, for the parts of the panel that show it beside something else: the cards of edits. */
import { ofTurn, type ReviewFile } from "../src/review_view";
import type { ThreadView } from "../src/thread";

let view: Pick<ThreadView, "review" | "turns"> = { review: [], turns: [] };
const listeners = new Set<() => void>();

/** The panel shows another state of the thread. */
export function shareReview(next: Pick<ThreadView, "review" | "turns">): void {
  const same = next.review === view.review && next.turns.length === view.turns.length && !view.review.length;
  view = next;
  if (!same) for (const listener of listeners) listener();
}

export function onReview(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export interface TurnReview {
  turnId: string;
  files: ReviewFile[];
  /** No later edit of the turn has a card. */
  last: boolean;
}

/** What waits of the turn that this edit belongs to; null: nothing does, or the turn still runs. */
export function turnReview(itemId: string): TurnReview | null {
  if (!view.review.length) return null;
  const turn = view.turns.findLast((one) => one.items.some((entry) => entry.item.id === itemId));
  const files = turn ? ofTurn(view.review, turn.id) : [];
  if (!turn || !files.length) return null;
  const edits = turn.items.filter((entry) => entry.item.type === "fileChange");
  return { turnId: turn.id, files, last: turn.status !== "inProgress" && edits.at(-1)?.item.id === itemId };
}
