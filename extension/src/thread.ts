/**
 * What the panel shows of a thread, as a fold: (ThreadView, event) -> ThreadView. The host and the webview run the same fold, so the
 * webview needs only a snapshot and the events after it. Pure: no `vscode`, no clock, no DOM. It never throws on an unknown kind,
 * and what it keeps of a command's output is bounded. Each matter has its reducers in a file of `folds/`.
 */
import { asides } from "./folds/asides";
import { asks } from "./folds/asks";
import { checkpoints } from "./folds/checkpoints";
import { facts } from "./folds/facts";
import { messages } from "./folds/messages";
import { notices } from "./folds/notices";
import { queue } from "./folds/queue";
import { review } from "./folds/review";
import { settings } from "./folds/settings";
import { tools } from "./folds/tools";
import { itemDelta, turns } from "./folds/turns";
import type { Reducers, ThreadView, ViewEvent } from "./view";

export * from "./view";

const reducers = new Map(
  Object.entries({
    ...turns,
    ...messages,
    ...asks,
    ...asides,
    ...notices,
    ...facts,
    ...tools,
    ...queue,
    ...settings,
    ...review,
    ...checkpoints,
  } satisfies Reducers),
);

export function fold(view: ThreadView, event: ViewEvent): ThreadView {
  const { method } = event;
  const params = (event.params ?? {}) as Record<string, unknown>;
  // What this window says of itself has no address; what the sidecar says is for the thread that it names.
  const local = method.startsWith("panel/");
  if (!local && typeof params.threadId === "string" && params.threadId !== view.id) return view;
  const reducer = reducers.get(method);
  try {
    if (reducer) return reducer(view, params);
    return !local && method.includes("item/") ? itemDelta(view, method, params) : view;
  } catch {
    // An event that lacks what it is about says nothing; a panel that stands still would say less.
    return view;
  }
}
