/** What is known of the thread as a whole: its name, its tokens, what the last request cost, which instructions are in force. Pure. */
import type { Reducers, ThreadView } from "../view";
import type { LedgerRow, ThreadTokenUsage } from "../wire";

export const facts: Reducers = {
  "thread/name/updated": (view, params) => ({ ...view, name: (params.threadName as string | undefined) ?? null }),
  "thread/tokenUsage/updated": (view, params) => ({ ...view, usage: usage(params.tokenUsage as ThreadTokenUsage) }),
  "treadle/ledger/updated": (view, params) => ({
    ...view,
    lastRequest: shown(params.row as LedgerRow | undefined) ?? view.lastRequest,
  }),
  "treadle/context/changed": (view, params) => ({
    ...view,
    instructions: (params.instructionSources as string[] | undefined) ?? [],
  }),
  "treadle/progress": (view, params) => ({ ...view, progress: (params.message as string | null | undefined) || null }),
};

function usage(wire: ThreadTokenUsage): ThreadView["usage"] {
  return {
    used: wire.last.totalTokens,
    window: wire.modelContextWindow ?? null,
    total: wire.total.totalTokens,
    cached: wire.last.cachedInputTokens ?? 0,
  };
}

function shown(row: LedgerRow | undefined): ThreadView["lastRequest"] {
  return row ? { hit: row.hit ?? null, price: row.price ?? null, explanation: row.explanation ?? "" } : null;
}
