/**
 * A run of one of the user's hooks as a line of the transcript. One that ran and had nothing to say leaves no line: hooks run with every
 * call. Pure.
 */

export interface HookItem {
  type: "hook";
  id: string;
  event: string;
  status: string;
  /** What the hook says, in its words. */
  said: string[];
}

interface Run {
  id?: unknown;
  eventName?: unknown;
  status?: unknown;
  statusMessage?: unknown;
  entries?: unknown;
}

export function hookItem(params: Record<string, unknown>): HookItem | null {
  const run = params.run as Run | undefined;
  if (!run?.id) return null;
  const entries = Array.isArray(run.entries) ? (run.entries as { text?: unknown }[]) : [];
  const said = [run.statusMessage, ...entries.map((entry) => entry?.text)].filter(
    (text): text is string => typeof text === "string" && text !== "",
  );
  return {
    type: "hook",
    id: `hook:${String(run.id)}`,
    event: String(run.eventName ?? ""),
    status: String(run.status ?? ""),
    said: [...new Set(said)],
  };
}

export function isQuiet(hook: HookItem): boolean {
  return hook.status === "completed" && !hook.said.length;
}

const events: Record<string, string> = {
  preToolUse: "before a tool",
  postToolUse: "after a tool",
  userPromptSubmit: "on your message",
  sessionStart: "at the start",
  stop: "at the end",
};

const states: Record<string, string> = {
  running: "runs",
  completed: "ran",
  failed: "failed",
  blocked: "blocked this",
  stopped: "stopped the turn",
};

export function hookTitle({ event, status }: HookItem): string {
  return `A hook ${events[event] ?? event} ${states[status] ?? status}`.replaceAll("  ", " ");
}
