/**
 * The webview's only line to the extension host, and the little that it keeps for itself when it is hidden: which cards are open, and
 * what was typed into a question that still waits. Secrets are never kept.
 */
import type { Asks, FromPermissions, FromWebview, ToPermissions, ToWebview } from "../src/messages";
import type { Subject } from "../src/wire";

interface Kept {
  open: Record<string, boolean>;
  drafts?: Record<string, unknown>;
}

const api = acquireVsCodeApi<Kept>();
let kept: Kept = api.getState() ?? { open: {} };

export function post(message: FromWebview | FromPermissions): void {
  api.postMessage(message);
}

export function listen(receive: (message: ToWebview) => void): void {
  window.addEventListener("message", (event: MessageEvent<ToWebview>) => {
    if (event.data.type !== "ruleChecked") receive(event.data);
  });
}

export function listenPermissions(receive: (message: ToPermissions) => void): void {
  listen(receive as (message: ToWebview | ToPermissions) => void);
}

/** Whether the user opened or closed a card; undefined when it was left as it was. */
export function wasOpened(id: string): boolean | undefined {
  return kept.open[id];
}

export function rememberOpened(id: string, open: boolean): void {
  const entries = Object.entries({ ...kept.open, [id]: open }).slice(-300);
  keep({ ...kept, open: Object.fromEntries(entries) });
}

/** What was typed into a question before the webview was built anew. */
export function draftOf<Draft>(id: string): Draft | undefined {
  return kept.drafts?.[id] as Draft | undefined;
}

export function keepDraft(id: string, draft: unknown): void {
  const others = Object.entries(kept.drafts ?? {}).filter(([key]) => key !== id);
  keep({ ...kept, drafts: Object.fromEntries([...others, ...(draft === undefined ? [] : [[id, draft] as const])].slice(-30)) });
}

function keep(next: Kept): void {
  kept = next;
  api.setState(kept);
}

const checks = new Map<number, (problem: string | null) => void>();
let number = 0;

window.addEventListener("message", (event: MessageEvent<ToWebview>) => {
  if (event.data.type === "ruleChecked") checks.get(event.data.number)?.(event.data.problem);
});

/** What is wrong with a rule, in a sentence; null when it can be stored. The sidecar decides. */
export function checkRule(subject: Subject): Promise<string | null> {
  number += 1;
  const asked = number;
  return new Promise((resolve) => {
    checks.set(asked, (problem) => {
      checks.delete(asked);
      resolve(problem);
    });
    post({ type: "checkRule", number: asked, subject });
  });
}

const asked = new Map<number, (message: Extract<ToWebview, { type: "answered" }>) => void>();

window.addEventListener("message", ({ data }: MessageEvent<ToWebview>) => {
  if (data.type === "answered") asked.get(data.number)?.(data);
});

/** Asks the host something; fails with its reason when there is no answer to be had. */
export function ask<M extends keyof Asks>(method: M, params: Asks[M]["params"]): Promise<Asks[M]["result"]> {
  number += 1;
  const mine = number;
  return new Promise((resolve, reject) => {
    asked.set(mine, ({ result, failure }) => {
      asked.delete(mine);
      if (failure === undefined) resolve(result as Asks[M]["result"]);
      else reject(new Error(failure));
    });
    post({ type: "ask", number: mine, method, params });
  });
}

/** Why something that was asked was not answered, as a sentence for the user. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
