// A request as a page: every piece is there with its source, and no text can break out of its fence.
import { expect, test } from "vitest";
import { choice, lastRequest, page } from "@src/inspection";
import { emptyView, fold } from "@src/thread";
import type { LedgerRow, PromptPart, PromptReadResponse } from "@src/wire";

const part = (index: number, text: string, more: Partial<PromptPart> = {}): PromptPart => ({
  index,
  where: "input",
  type: "message",
  role: "user",
  source: "user, turn t",
  turnId: "t",
  size: 1_234,
  tokens: 309,
  pending: false,
  raw: JSON.stringify(text),
  text,
  ...more,
});

const prompt = (...parts: PromptPart[]): PromptReadResponse => ({
  threadId: "thread",
  request: 3,
  model: "a-model",
  provider: "a-provider",
  size: 40_000,
  tokens: 10_000,
  problem: null,
  kept: 0,
  row: null,
  previous: null,
  next: null,
  parts,
});

const row: LedgerRow = {
  threadId: "thread",
  turnId: "t",
  number: 3,
  atMs: 1_000,
  model: "a-model",
  provider: "a-provider",
  endpoint: "responses",
  status: "completed",
  durationMs: 10,
  size: 40_000,
  fragments: 4,
  kept: 3,
  keptTokens: 9_000,
  cause: "provider_evicted",
  explanation: "The provider no longer had it.",
  differsAt: 3,
  differsSource: "user, turn t",
  idleSeconds: 10,
  inputTokens: 10_000,
  cachedInputTokens: 2_500,
  outputTokens: 5,
  reasoningOutputTokens: 0,
  hit: 0.25,
  price: 0.0123,
  priceNote: null,
};

test("a page has a heading for each piece, with its source and size", () => {
  const shown = page(prompt(part(0, "Be kind.", { type: "instructions", role: null, source: "base instructions" }), part(1, "hello")));
  expect(shown).toContain("# Request 3\n\na-model from a-provider, 40,000 bytes, about 10,000 tokens");
  expect(shown.match(/^# \d.*$/gm)).toEqual(["# 0 instructions: base instructions · about 309 tokens", "# 1 message (user): user · about 309 tokens"]);
  expect(shown).toContain("user, turn t · 1,234 bytes\n\n```text\nhello\n```");
});

test("a text that holds fences stays inside its own", () => {
  const shown = page(prompt(part(0, "````\n# not a heading\n````")));
  expect(shown).toContain("`````text\n````\n# not a heading\n````\n`````");
});

test("what has not been sent and what may be wrong is said", () => {
  const shown = page({ ...prompt(part(0, "new", { pending: true })), request: null, problem: "Not quite." });
  expect(shown).toContain("# The next request");
  expect(shown).toContain("> Not quite.");
  expect(shown).toContain("not sent yet");
});

test("a page says what came out of the cache, what that cost, and which pieces were there before", () => {
  const shown = page({ ...prompt(part(0, "a"), part(1, "b"), part(2, "c")), kept: 2, row });
  expect(shown).toContain("- Used: 10,000 tokens in, 25% from the cache, 5 out");
  expect(shown).toContain("- Cost: $0.0123");
  expect(shown).toContain("- Cache: The provider no longer had it.");
  expect(shown).toContain("the first 2 of 3 pieces, about 618 tokens");
  expect(shown.match(/^# \d.*$/gm)?.map((line) => line.endsWith("as before"))).toEqual([true, true, false]);
});

test("a request without a price says so", () => {
  const shown = page({ ...prompt(part(0, "a")), row: { ...row, price: null, priceNote: "No price is known for a-model." } });
  expect(shown).toContain("- Cost: No price is known for a-model.");
  expect(shown).toContain("- Nothing is as in a request before");
});

test("a request in a list says what it cost and kept", () => {
  expect(choice(row)).toEqual({
    label: "Request 3",
    description: "a-model · 10,000 tokens in · 25% from the cache · $0.0123",
    detail: "The provider no longer had it.",
  });
  const failed: LedgerRow = { ...row, status: "failed", inputTokens: null, hit: null, price: null };
  expect(choice(failed).description).toBe("a-model · failed");
});

test("the last request is kept for the meter, and nothing breaks without one", () => {
  const view = fold({ ...emptyView, id: "thread" }, { method: "treadle/ledger/updated", params: { threadId: "thread", turnId: "t", row } });
  expect(view.lastRequest && lastRequest(view.lastRequest)).toBe(
    "Last request: 25% from the cache. $0.0123. The provider no longer had it.",
  );
  expect(lastRequest({ hit: null, price: null, explanation: "The first request." })).toBe("Last request: The first request.");
  expect(fold(view, { method: "treadle/ledger/updated", params: { threadId: "thread" } }).lastRequest).toEqual(view.lastRequest);
});
