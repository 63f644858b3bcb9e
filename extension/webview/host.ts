/** The webview's only line to the extension host, and the little that it keeps for itself when it is hidden: which cards are open. */
import type { FromWebview, ToWebview } from "../src/messages";

interface Kept {
  open: Record<string, boolean>;
}

const api = acquireVsCodeApi<Kept>();
let kept: Kept = api.getState() ?? { open: {} };

export function post(message: FromWebview): void {
  api.postMessage(message);
}

export function listen(receive: (message: ToWebview) => void): void {
  window.addEventListener("message", (event: MessageEvent<ToWebview>) => receive(event.data));
}

/** Whether the user opened or closed a card; undefined when it was left as it was. */
export function wasOpened(id: string): boolean | undefined {
  return kept.open[id];
}

export function rememberOpened(id: string, open: boolean): void {
  const entries = Object.entries({ ...kept.open, [id]: open }).slice(-300);
  kept = { open: Object.fromEntries(entries) };
  api.setState(kept);
}
