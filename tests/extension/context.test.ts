// What the agent knows, in words: sizes, money, misses of the cache; and tools that wait to be told to the model.
import { expect, test } from "vitest";
import { emptyView, fold, type ThreadView, type ViewEvent } from "@src/thread";
import type { LedgerRow } from "@src/wire";
import { cachedShare, compaction, cost, fileSize, fullness, percent, shownParts, shownRow } from "../../extension/webview/context_words";

const totals = { requests: 3, inputTokens: 12_000, cachedInputTokens: 9_000, outputTokens: 10, reasoningOutputTokens: 0, price: 0.5, unpriced: 0 };

const row: LedgerRow = {
  threadId: "t",
  turnId: "u",
  number: 7,
  atMs: 1_000,
  model: "m",
  provider: "p",
  endpoint: "responses",
  status: "completed",
  durationMs: 10,
  size: 1,
  fragments: 4,
  kept: 3,
  keptTokens: 9_000,
  cause: "model_changed",
  explanation: "Another model answers from here on.",
  differsAt: null,
  differsSource: "",
  idleSeconds: 1,
  inputTokens: 12_100,
  cachedInputTokens: 0,
  outputTokens: 410,
  reasoningOutputTokens: 0,
  hit: 0,
  price: 0.0041,
  priceNote: null,
};

test("how full it is says what is only estimated", () => {
  expect(fullness({ used: 34_800, estimated: 0, window: 128_000 })).toBe("34.8k of 128k tokens (27 %)");
  expect(fullness({ used: 900, estimated: 900, window: 128_000 })).toBe("about 900 of 128k tokens (<1 %)");
});

test("when it will be compacted", () => {
  expect(compaction({ used: 34_800, compactAt: 115_200 })).toBe("Compacted at 115k, in about 80.4k tokens.");
  expect(compaction({ used: 120_000, compactAt: 115_200 })).toBe("Will be compacted before the next request.");
});

test("parts have names and shares, those that nobody knows as well", () => {
  const parts = shownParts([
    { kind: "tools", tokens: 300 },
    { kind: "made-up" as "other", tokens: 100 },
  ]);
  expect(parts.map(({ name, share }) => [name, share])).toEqual([
    ["Tools", 0.75],
    ["made-up", 0.25],
  ]);
  expect(shownParts([])).toEqual([]);
});

test("what has no price is said and is never counted as nothing", () => {
  expect(cost(totals)).toBe("$0.5000");
  expect(cost({ ...totals, price: 12.3456 })).toBe("$12.35");
  expect(cost({ ...totals, price: 0, unpriced: 3 })).toBe("no public price");
  expect(cost({ ...totals, unpriced: 1 })).toBe("$0.5000 and 1 without a public price");
  expect(cost({ ...totals, requests: 0 })).toBe("–");
  expect(cost({ ...totals, price: 0.00001 })).toBe("<$0.0001");
});

test("the share of the cache", () => {
  expect(cachedShare(totals)).toBe("75 %");
  expect(cachedShare({ inputTokens: 0, cachedInputTokens: 0 })).toBe(null);
  expect(percent(0)).toBe("0 %");
});

test("a request that missed is marked, with its cause", () => {
  expect(shownRow(row)).toEqual({
    number: 7,
    facts: ["12.1k in", "410 out", "$0.0041"],
    hit: "0 %",
    why: "Another model answers from here on.",
    missed: true,
    open: true,
  });
  for (const cause of ["first_request", "extended", "cache_not_reported"] as const) expect(shownRow({ ...row, cause }).missed).toBe(false);
});

test("a request for a title, one that failed and one without a price", () => {
  expect(shownRow({ ...row, endpoint: "title" })).toMatchObject({ open: false, missed: false, facts: ["title", "12.1k in", "410 out", "$0.0041"] });
  expect(shownRow({ ...row, status: "failed", inputTokens: null, hit: null, price: null })).toMatchObject({ facts: ["failed"], hit: "–" });
  expect(shownRow({ ...row, price: null }).facts).toContain("no public price");
});

test("sizes of files", () => {
  expect([fileSize(12), fileSize(1_000), fileSize(2_345)]).toEqual(["12 bytes", "1 KB", "2.3 KB"]);
});

const changed = (more: object = {}): ViewEvent => ({
  method: "treadle/tools/changed",
  params: { threadId: "t", message: "Tools of MCP servers: 1 new.", added: ["mcp__a__b"], removed: [], changed: [], cost: 900, ...more },
});
const after = (...events: ViewEvent[]): ThreadView => events.reduce(fold, { ...emptyView, id: "t" });

test("tools that came late wait in the view, said once, until nothing differs any more", () => {
  const warned = { method: "warning", params: { threadId: "t", message: "Tools of MCP servers: 1 new." } };
  const view = after(changed(), warned);
  expect(view.pendingTools).toMatchObject({ added: ["mcp__a__b"], cost: 900 });
  expect(view.notices).toEqual([]);
  expect(fold(view, changed({ message: "", added: [], cost: 0 })).pendingTools).toBe(null);
});

test("a banner of a server that is not connected goes when it is tried again", () => {
  const said = (name: string) => ({ method: "warning", params: { threadId: "t", message: `The MCP server ${name} is not connected: it ended.` } });
  const told = (status: string) => ({ method: "mcpServer/startupStatus/updated", params: { threadId: "t", name: "a", status } });
  const view = after(said("a"), said("ab"), told("failed"));
  expect(view.notices.length).toBe(2);
  expect(after(said("a"), said("ab"), told("starting")).notices.map(({ message }) => message)).toEqual([
    "The MCP server ab is not connected: it ended.",
  ]);
});

test("tools of another thread, and broken news of tools, change nothing", () => {
  expect(after(changed({ threadId: "other" })).pendingTools).toBe(null);
  expect(after({ method: "treadle/tools/changed", params: { threadId: "t", added: "all", cost: "much" } }).pendingTools).toBe(null);
});
