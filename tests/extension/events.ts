/** Notifications as the sidecar sends them, short to write in tests. */
import type { ViewEvent } from "@src/thread";

export const threadId = "t1";
export const turnId = "u1";

export const opened = (id = threadId, turns: unknown[] = []): ViewEvent => ({
  method: "panel/opened",
  params: {
    thread: { id, name: null, preview: "", turns },
    model: "a-model",
    modelProvider: "a-provider",
    cwd: "/w",
    approvalPolicy: "on-request",
    sandbox: { type: "workspaceWrite" },
    instructionSources: ["/w/AGENTS.md"],
  } as never,
});

export const turnStarted = (id = turnId): ViewEvent => ({
  method: "turn/started",
  params: { threadId, turn: { id, items: [], status: "inProgress", error: null } },
});

export const turnCompleted = (status = "completed", error: unknown = null): ViewEvent => ({
  method: "turn/completed",
  params: { threadId, turn: { id: turnId, items: [], status, error } },
});

export const started = (item: unknown): ViewEvent => ({
  method: "item/started",
  params: { threadId, turnId, item, startedAtMs: 1_000 },
});

export const completed = (item: unknown): ViewEvent => ({
  method: "item/completed",
  params: { threadId, turnId, item, completedAtMs: 3_000 },
});

export const delta = (kind: string, itemId: string, text: string, more: Record<string, unknown> = {}): ViewEvent => ({
  method: `item/${kind}`,
  params: { threadId, turnId, itemId, delta: text, ...more },
});

export const message = (id: string, text = "") => ({ type: "agentMessage", id, text, phase: null });

export const command = (id: string, more: Record<string, unknown> = {}) => ({
  type: "commandExecution",
  id,
  command: "make test",
  cwd: "/w",
  status: "inProgress",
  commandActions: [],
  aggregatedOutput: null,
  exitCode: null,
  durationMs: null,
  ...more,
});
