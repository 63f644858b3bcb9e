/** What fills the context and what it cost, in words and numbers for people. Pure. */
import type { ContextPart, ContextReadResponse, LedgerRow, LedgerTotals } from "../src/wire";
import { tokens } from "./text";

const names: Record<ContextPart["kind"], string> = {
  base: "Base instructions",
  permissions: "Permissions, environment",
  instructions: "Instruction files",
  tools: "Tools",
  skills: "Skills",
  memory: "Summary and notes",
  user: "Your messages",
  agent: "Its answers",
  reasoning: "Reasoning",
  calls: "Tool calls",
  outputs: "Tool outputs",
  other: "Added by hooks and others",
};

export interface ShownPart {
  kind: string;
  name: string;
  tokens: number;
  /** Of all parts, 0 to 1. */
  share: number;
}

/** The parts in the order of the prompt, each with its share; kinds that nobody knows keep their own name. */
export function shownParts(parts: readonly ContextPart[]): ShownPart[] {
  const all = parts.reduce((sum, part) => sum + part.tokens, 0) || 1;
  return parts.map(({ kind, tokens: count }) => ({ kind, name: names[kind] ?? kind, tokens: count, share: count / all }));
}

/** "34.8k of 128k tokens (27 %)"; "about" where no provider has counted. */
export function fullness({ used, estimated, window }: Pick<ContextReadResponse, "used" | "estimated" | "window">): string {
  const about = estimated > 0 ? "about " : "";
  const share = window > 0 ? ` (${percent(used / window)})` : "";
  return `${about}${tokens(used)} of ${tokens(window)} tokens${share}`;
}

/** When the thread will be compacted. */
export function compaction({ used, compactAt }: Pick<ContextReadResponse, "used" | "compactAt">): string {
  const left = compactAt - used;
  return left > 0
    ? `Compacted at ${tokens(compactAt)}, in about ${tokens(left)} tokens.`
    : "Will be compacted before the next request.";
}

export function percent(share: number): string {
  const whole = share * 100;
  return `${whole > 0 && whole < 1 ? "<1" : Math.round(whole)} %`;
}

/** The whole in dollars; what has no price is said, never counted as nothing. */
export function cost({ price, unpriced, requests }: Pick<LedgerTotals, "price" | "unpriced" | "requests">): string {
  if (!requests) return "–";
  if (unpriced >= requests) return "no public price";
  return unpriced ? `${dollars(price)} and ${unpriced} without a public price` : dollars(price);
}

export function dollars(price: number): string {
  if (price > 0 && price < 0.0001) return "<$0.0001";
  return `$${price.toFixed(price < 1 ? 4 : 2)}`;
}

/** Share of the input that came out of the cache; null where there was none, or no count. */
export function cachedShare(totals: Pick<LedgerTotals, "inputTokens" | "cachedInputTokens">): string | null {
  return totals.inputTokens ? percent(totals.cachedInputTokens / totals.inputTokens) : null;
}

export interface ShownRow {
  number: number;
  /** Tokens, price, what it was for. */
  facts: string[];
  hit: string;
  why: string;
  /** The cache gave less than the prompt's growth explains. */
  missed: boolean;
  /** Its prompt is kept, so it can be looked into. */
  open: boolean;
}

const unmissed = new Set<LedgerRow["cause"]>(["first_request", "extended", "cache_not_reported"]);

export function shownRow(row: LedgerRow): ShownRow {
  const counted = row.inputTokens !== null;
  const size = counted ? [`${tokens(row.inputTokens ?? 0)} in`, `${tokens(row.outputTokens ?? 0)} out`] : [];
  const state = row.status === "completed" ? [] : [row.status];
  const price = counted ? [row.price === null ? "no public price" : dollars(row.price)] : [];
  const kind = row.endpoint === "title" ? ["title"] : row.endpoint === "compact" ? ["compaction"] : [];
  return {
    number: row.number,
    facts: [...kind, ...state, ...size, ...price],
    hit: row.hit === null ? "–" : percent(row.hit),
    why: row.explanation,
    missed: row.endpoint !== "title" && !unmissed.has(row.cause),
    open: row.endpoint !== "title",
  };
}

/** "1.2 KB" */
export function fileSize(bytes: number): string {
  return bytes < 1_000 ? `${bytes} bytes` : `${(bytes / 1_000).toFixed(1).replace(/\.0$/, "")} KB`;
}
