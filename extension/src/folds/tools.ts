/** Tools of MCP servers that are not what the model was told of, as the sidecar says it. Pure. */
import type { PendingTools, Reducers } from "../view";

export const tools: Reducers = {
  "treadle/tools/changed": (view, params) => ({ ...view, pendingTools: pending(params) }),
  "panel/tools": (view, params) => ({ ...view, pendingTools: pending(params) }),
};

/** Null when nothing differs any more. */
function pending(params: Record<string, unknown>): PendingTools | null {
  const listed = { added: names(params.added), removed: names(params.removed), changed: names(params.changed) };
  if (!listed.added.length && !listed.removed.length && !listed.changed.length) return null;
  return { ...listed, cost: typeof params.cost === "number" ? params.cost : 0, message: String(params.message ?? "") };
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
