/**
 * Which items of the loaded turns are drawn: the last ones, and earlier ones as the user asks. The place where drawing begins stays
 * where it is while a thread grows, so that nothing moves under who reads; it follows when they are at the end. Pure.
 */
import type { TurnView } from "../src/thread";

/** How many items are drawn at first, and come with each "earlier". */
export const portion = 150;

/** Before this item nothing is drawn. */
export interface Start {
  turnId: string;
  itemId: string | null;
}

/** The place that leaves about so many items after it; null when all are to be drawn. */
export function startFor(turns: readonly TurnView[], most: number): Start | null {
  let left = most;
  for (let at = turns.length - 1; at >= 0; at -= 1) {
    const turn = turns[at];
    if (!turn) break;
    if (turn.items.length > left) {
      const from = Math.max(0, turn.items.length - left);
      return from === 0 && at === 0 ? null : { turnId: turn.id, itemId: turn.items[from]?.item.id ?? null };
    }
    left -= turn.items.length;
  }
  return null;
}

/** The turns to draw, the first perhaps without its first items; the other turns are the same objects. */
export function drawnTurns(turns: readonly TurnView[], start: Start | null): readonly TurnView[] {
  const at = start ? turns.findIndex((turn) => turn.id === start.turnId) : 0;
  const first = turns[at];
  if (!start || !first) return turns;
  const from = Math.max(
    0,
    first.items.findIndex((entry) => entry.item.id === start.itemId),
  );
  return [from ? { ...first, items: first.items.slice(from) } : first, ...turns.slice(at + 1)];
}

export function count(turns: readonly TurnView[]): number {
  return turns.reduce((sum, turn) => sum + turn.items.length, 0);
}

/** Where drawing begins now. `follow`: the user is at the end, so what was drawn long ago may go. */
export function moved(turns: readonly TurnView[], start: Start | null | undefined, follow: boolean): Start | null {
  if (start === undefined) return startFor(turns, portion);
  const gone = start !== null && !turns.some((turn) => turn.id === start.turnId);
  const drawn = drawnTurns(turns, gone ? null : start);
  return gone || (follow && count(drawn) > 3 * portion) ? startFor(turns, portion) : start;
}
