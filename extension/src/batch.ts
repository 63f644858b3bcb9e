/**
 * Joins events that differ only in the text they add, so that a burst of small deltas crosses to the webview as one message.
 * The joined list folds to the same view as the original one (where a long output was cut, the cut may lie elsewhere).
 */

import type { ViewEvent } from "./thread";
import type { Notification } from "./wire";

export function joined(events: readonly ViewEvent[]): ViewEvent[] {
  const result: ViewEvent[] = [];
  for (const event of events) {
    const last = result.at(-1);
    const both = last && sum(last, event);
    if (both) result[result.length - 1] = both;
    else result.push(event);
  }
  return result;
}

function sum(first: ViewEvent, second: ViewEvent): Notification | undefined {
  if (first.method !== second.method) return undefined;
  const a = delta(first);
  const b = delta(second);
  if (!a || !b) return undefined;
  const same = ["threadId", "turnId", "itemId", "contentIndex", "summaryIndex"].every((key) => a[key] === b[key]);
  return same ? { method: first.method, params: { ...a, delta: `${a.delta}${b.delta}` } } : undefined;
}

function delta(event: ViewEvent): Notification["params"] | undefined {
  const params = event.params as Notification["params"];
  return event.method.includes("item/") && typeof params?.delta === "string" ? params : undefined;
}
