// @vitest-environment jsdom
// The box of what the agent knows: it asks when it must and no more, says what it is told, and gives the keyboard back.
import { beforeEach, expect, test, vi } from "vitest";
import { drawn, find, mount, press, said, words } from "./webview";
import type { Knowledge, PanelState } from "@src/messages";
import { emptyView, type ThreadView } from "@src/thread";
import "@webview/context";
import { header } from "@webview/header";
import { render } from "lit";

const view: ThreadView = { ...emptyView, id: "t", cwd: "/w", turns: [{ id: "u", status: "completed", items: [] }] };
const panel: PanelState = { connection: "ready", folder: "/w", home: "/home/ada", trusted: true, model: "m", sandboxMode: "workspace-write", recent: [] };
const totals = { requests: 1, inputTokens: 1_000, cachedInputTokens: 0, outputTokens: 9, reasoningOutputTokens: 0, price: 0, unpriced: 1 };
const knowledge = {
  context: {
    threadId: "t",
    instructionSources: ["/w/AGENTS.md"],
    documents: [
      { path: "/w/AGENTS.md", scope: "project", size: 10, inForce: true },
      { path: "/w/sub/AGENTS.md", scope: "project", size: 20, inForce: false },
    ],
    used: 900,
    estimated: 100,
    window: 10_000,
    compactAt: 9_000,
    parts: [
      { kind: "tools", tokens: 600 },
      { kind: "user", tokens: 200 },
    ],
  },
  ledger: {
    rows: [
      { threadId: "t", turnId: "u", number: 1, atMs: 1, model: "m", provider: "p", endpoint: "responses", status: "completed", durationMs: 1, size: 1, fragments: 1, kept: 0, keptTokens: 0, cause: "model_changed", explanation: "Another model answers from here on.", differsAt: null, differsSource: "", idleSeconds: null, inputTokens: 1_000, cachedInputTokens: 0, outputTokens: 9, reasoningOutputTokens: 0, hit: 0, price: null, priceNote: "No price is known." },
    ],
    nextCursor: null,
    totals: { turn: totals, thread: totals, day: totals, date: "2026-01-01" },
  },
  skills: [],
  servers: [{ name: "tracker", state: "failed", error: "it ended", required: false, tools: [] }],
} satisfies Knowledge;

const asked = () => said.filter(({ type }) => type === "ask") as unknown as { number: number; method: string }[];
const answer = async (box: HTMLElement, reply: { result?: unknown; failure?: string }, at = -1): Promise<void> => {
  window.dispatchEvent(new MessageEvent("message", { data: { type: "answered", number: asked().at(at)?.number, ...reply } }));
  await new Promise((done) => setTimeout(done));
  await drawn(box);
};
const leave = vi.fn();
const open = (more: Partial<ThreadView> = {}) => mount<HTMLElement & { view: ThreadView }>("treadle-context", { view: { ...view, ...more }, panel, leave });

beforeEach(() => leave.mockClear());

test("it says the parts, what was ignored, what has no price, and why the cache missed", async () => {
  const box = await open();
  await answer(box, { result: knowledge });
  const text = words(box);
  expect(text).toContain("about 900 of 10k tokens (9 %)");
  expect(text).toContain("Compacted at 9k, in about 8.1k tokens.");
  expect(text).toContain("Toolsabout 60075 %");
  expect(text).toContain("no public price");
  expect(words(find(box, ".request.missed"))).toContain("Another model answers from here on.");
  expect(words(find(box, ".source.ignored"))).toContain("ignored until trusted");
  expect(text).toContain("tracker failed");
});

test("a request and a file are opened by a click", async () => {
  const box = await open();
  await answer(box, { result: knowledge });
  find(box, ".request").click();
  find(box, ".source").click();
  expect(said.slice(-2)).toEqual([
    { type: "inspectRequest", number: 1 },
    { type: "openFile", path: "/w/AGENTS.md" },
  ]);
});

test("it asks again when something is another, and not while words stream", async () => {
  const box = await open();
  await answer(box, { result: knowledge });
  box.view = { ...box.view, turns: [...view.turns, { id: "v", status: "completed", items: [] }] };
  await drawn(box);
  expect(asked().length).toBe(1);
  box.view = { ...box.view, usage: { used: 2_000, window: 10_000, total: 2_000, cached: 0 } };
  await drawn(box);
  expect(asked().length).toBe(2);
});

test("an answer that came late does not replace a newer one", async () => {
  const box = await open();
  box.view = { ...box.view, instructions: ["/w/AGENTS.md"] };
  await drawn(box);
  await answer(box, { result: knowledge });
  await answer(box, { result: { ...knowledge, context: { ...knowledge.context, used: 5_000 } } }, 0);
  expect(words(box)).toContain("about 900 of 10k");
});

test("Escape closes it and reaches nobody else", async () => {
  const box = await open();
  const beyond = vi.fn();
  document.body.addEventListener("keydown", beyond);
  expect(press(find(box, ".context"), "Escape").defaultPrevented).toBe(true);
  expect(leave).toHaveBeenCalledOnce();
  expect(beyond).not.toHaveBeenCalled();
});

test("a click beside it closes it, one in it does not", async () => {
  const box = await open();
  find(box, ".context").dispatchEvent(new MouseEvent("pointerdown", { bubbles: true }));
  expect(leave).not.toHaveBeenCalled();
  document.querySelector("textarea")?.dispatchEvent(new MouseEvent("pointerdown", { bubbles: true }));
  expect(leave).toHaveBeenCalledOnce();
});

test("what cannot be read is said, and what was read stays", async () => {
  const box = await open();
  await answer(box, { failure: "The sidecar is not running." });
  expect(words(find(box, ".trouble"))).toBe("The sidecar is not running.");
  box.view = { ...box.view, name: "x", lastRequest: { hit: 1, price: null, explanation: "" } };
  await drawn(box);
  await answer(box, { result: { ...knowledge, ledger: null, servers: [], skills: [] } });
  expect(words(box)).toContain("10k tokens");
  expect(box.querySelector(".trouble")).toBe(null);
});

const top = (more: Partial<ThreadView>, of: Partial<PanelState> = {}): HTMLElement => {
  const place = document.createElement("div");
  render(header({ ...view, ...more }, { ...panel, ...of }, { open: false, toggle: leave }), place);
  return place;
};

test("the meter is there from the first moment, and opens the box", () => {
  const before = find(top({ usage: null }), ".meter");
  expect(words(before)).toBe("–");
  expect(before.getAttribute("aria-expanded")).toBe("false");
  before.click();
  expect(leave).toHaveBeenCalledOnce();
  const after = find(top({ usage: { used: 2_700, window: 10_000, total: 2_700, cached: 900 } }), ".meter");
  expect(words(after)).toBe("27%");
  expect(after.getAttribute("aria-label")).toBe("Context 27%: 2.7k of 10k tokens in the context, 900 read from the cache");
});

test("files of a folder that is not trusted are shown, and said to be ignored", () => {
  const chip = find(top({}, { trusted: false, ignoredInstructions: ["/w/AGENTS.md"] }), ".chip.ignored");
  expect(chip.title).toBe("Instructions there: AGENTS.md (ignored until trusted)");
  expect(top({}, { ignoredInstructions: ["/w/AGENTS.md"] }).querySelector(".chip.ignored")).toBe(null);
});
