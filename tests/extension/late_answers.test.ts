// @vitest-environment jsdom
// What comes late, twice, early, or not at all: the page shows what counts now, and says what could not be had.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { answers, drawn, find, kept, mount, press, said, words, write } from "./webview";
import type { ApprovalView, FormView } from "@src/asked";
import type { Knowledge, PanelState, PermissionsState } from "@src/messages";
import { emptyView, type ThreadView } from "@src/thread";
import type { Grant } from "@src/wire";
import type { Option, Picker } from "@webview/picker";
import "@webview/asks";
import "@webview/context";
import "@webview/panel";
import type { Pickers } from "@webview/pickers";
import "@webview/permissions";
import "@webview/restore_card";

// What this document does not know.
Object.assign(globalThis, { ResizeObserver: class { observe() {} disconnect() {} } });
Element.prototype.scrollIntoView ??= () => undefined;

const host = (message: object) => window.dispatchEvent(new MessageEvent("message", { data: message }));
const settle = async (element: HTMLElement) => {
  for (let round = 0; round < 3; round += 1) {
    await drawn(element);
    await new Promise((done) => setTimeout(done));
  }
};
const asked = (method: string) => said.filter((one) => one.type === "ask" && one.method === method);
const panel: PanelState = { connection: "ready", folder: "/w", home: "/home/ada", trusted: true, model: "m", sandboxMode: "workspace-write", recent: [] };

beforeEach(() => {
  kept.state = undefined;
});

describe("a page that is built anew", () => {
  const snapshot = { type: "snapshot", seq: 4, view: emptyView, panel, draft: { text: "half a thought", mentions: [], attachments: [] } };

  test("has the draft, although news for the page before come first", async () => {
    const page = await mount<HTMLElement>("treadle-panel", {});
    host({ type: "panel", panel: { ...panel, connection: "starting" } });
    await settle(page);
    host(snapshot);
    await settle(page);
    expect((find(page, "textarea.field") as HTMLTextAreaElement).value).toBe("half a thought");
  });

  test("has the words that were meant for the page before", async () => {
    const page = await mount<HTMLElement>("treadle-panel", {});
    host({ type: "compose", text: "and these", replace: false });
    host(snapshot);
    await settle(page);
    expect((find(page, "textarea.field") as HTMLTextAreaElement).value).toBe("half a thought\n\nand these");
  });
});

describe("going back", () => {
  const plan = { files: [{ path: "/w/a.py", kind: "restore", added: 1, removed: 1, reason: null, shown: true }], turns: 1 };

  test.each(["before", "after"])("does not say why a plan that nobody wants any more failed, %s the one that counts", async (when) => {
    const card = await mount<HTMLElement>("treadle-restore", { itemId: "i1" });
    find(card, "input[value=files]").click();
    const [first, second] = asked("restorePlan");
    const late = () => host({ type: "answered", number: first?.number, failure: "It took too long." });
    if (when === "before") late();
    await settle(card);
    host({ type: "answered", number: second?.number, result: plan });
    await settle(card);
    if (when === "after") late();
    await settle(card);
    expect(words(card)).toContain("1 file changes");
    expect(words(card)).not.toContain("too long");
  });
});

describe("what the agent knows", () => {
  const totals = { requests: 1, inputTokens: 1_000, cachedInputTokens: 0, outputTokens: 9, reasoningOutputTokens: 0, price: 0, unpriced: 1 };
  const row = (number: number) => ({ threadId: "t", turnId: "u", number, atMs: 1, model: "m", provider: "p", endpoint: "responses", status: "completed", durationMs: 1, size: 1, fragments: 1, kept: 0, keptTokens: 0, cause: "first", explanation: "The first.", differsAt: null, differsSource: "", idleSeconds: null, inputTokens: 1, cachedInputTokens: 0, outputTokens: 9, reasoningOutputTokens: 0, hit: 0, price: null, priceNote: "" });
  const knowledge = {
    context: { threadId: "t", instructionSources: [], documents: [], used: 900, estimated: 100, window: 10_000, compactAt: 9_000, parts: [] },
    ledger: { rows: [row(9)], nextCursor: "before 9", totals: { turn: totals, thread: totals, day: totals, date: "2026-01-01" } },
    skills: [],
    servers: [],
  } as unknown as Knowledge;
  const view: ThreadView = { ...emptyView, id: "t", cwd: "/w" };
  type Box = HTMLElement & { view: ThreadView; focusAt(at: string): Promise<void> };
  const open = () => mount<Box>("treadle-context", { view, panel });
  const known = async (box: Box) => {
    host({ type: "answered", number: asked("knowledge").at(-1)?.number, result: knowledge });
    await settle(box);
  };
  const numbers = (box: Box) => [...box.querySelectorAll(".request .number")].map((one) => words(one as HTMLElement));
  const earlier = (box: Box) => find(box, "ul.requests + button");

  test("lists earlier requests once, though they are asked for twice", async () => {
    const box = await open();
    await known(box);
    earlier(box).click();
    earlier(box).click();
    for (const { number } of asked("requests")) host({ type: "answered", number, result: { rows: [row(8)], nextCursor: null } });
    await settle(box);
    expect(numbers(box)).toEqual(["Request 9", "Request 8"]);
  });

  test("lists no earlier requests that were asked for before all was read anew", async () => {
    const box = await open();
    await known(box);
    earlier(box).click();
    box.view = { ...view, lastRequest: { number: 10 } as never };
    await settle(box);
    await known(box);
    host({ type: "answered", number: asked("requests")[0]?.number, result: { rows: [row(8)], nextCursor: null } });
    await settle(box);
    expect(numbers(box)).toEqual(["Request 9"]);
  });

  test("says when earlier requests cannot be had", async () => {
    const box = await open();
    await known(box);
    earlier(box).click();
    host({ type: "answered", number: asked("requests")[0]?.number, failure: "The sidecar is gone." });
    await settle(box);
    expect(words(find(box, ".trouble"))).toBe("The sidecar is gone.");
  });

  test("gives the keyboard to the requests, however late they come, unless it went elsewhere", async () => {
    for (const elsewhere of [false, true]) {
      const box = await open();
      void box.focusAt("ledger");
      await settle(box);
      expect(document.activeElement).toBe(find(box, ".context"));
      const other = document.body.appendChild(document.createElement("button"));
      if (elsewhere) other.focus();
      await known(box);
      expect(document.activeElement).toBe(elsewhere ? other : find(box, "#context-requests"));
    }
  });
});

describe("a list to choose from", () => {
  const options = (...values: string[]): Option[] => values.map((value) => ({ value, label: value }));

  test("keeps what is under Enter when the list comes while it is open", async () => {
    const chosen: string[] = [];
    const picker = await mount<Picker>("treadle-picker", { name: "Model", value: "own", options: options("own"), choose: (value: string) => chosen.push(value) });
    picker.open();
    await settle(picker);
    picker.options = options("big", "own", "small");
    await settle(picker);
    press(find(picker, ".list"), "Enter");
    expect(chosen).toEqual(["own"]);
  });
});

describe("how long a model thinks", () => {
  test("is not said to be its own affair before the models are known", async () => {
    const pickers = await mount<Pickers>("treadle-pickers", { view: emptyView, panel });
    expect(pickers.open("effort", "high")).toContain("not known yet");
    pickers.panel = { ...panel, models: [] };
    await settle(pickers);
    expect(pickers.open("effort", "high")).toContain("does not say");
  });
});

describe("a form", () => {
  test("leaves a date alone that is half typed, and so says that it is empty", async () => {
    const asked: FormView = { id: "f", kind: "form", server: "tracker", message: "When?", turnId: null, itemId: null, fields: [{ name: "day", title: "Day", kind: "string", format: "date", required: false, initial: "2026-01-01", options: [] }] } as never;
    const form = await mount<HTMLElement>("treadle-form", { asked });
    const field = find(form, "input") as HTMLInputElement;
    field.value = "";
    const set = vi.spyOn(field, "value", "set");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await settle(form);
    expect(set).not.toHaveBeenCalled();
  });
});

describe("a rule", () => {
  const approval: ApprovalView = { id: "c1#1", kind: "command", turnId: "u1", itemId: "c1", command: "npm test", cwd: "/w", reason: "", offers: [{ scope: "thread", subject: { kind: "command", text: "npm test", outsideSandbox: false, cwd: null }, editable: true }] } as never;

  test("keeps the space that stands before the next word", async () => {
    const card = await mount<HTMLElement>("treadle-approval", { asked: approval, folder: "/w", home: null });
    find(card, ".lasting").click();
    await settle(card);
    const field = find(card, "treadle-rule input") as HTMLInputElement;
    for (const text of ["npm tes", "npm te", "npm t", "npm "]) {
      write(field, text);
      await settle(card);
      expect(field.value).toBe(text);
    }
    write(field, "npm run ");
    const check = await vi.waitUntil(() => said.findLast((one) => one.type === "checkRule"), 30_000);
    host({ type: "ruleChecked", number: check.number, problem: null });
    await settle(card);
    find(card, ".save").click();
    expect(answers()[0]).toMatchObject({ answer: { verdict: "accept", scope: "thread", rule: "npm run" } });
  });

  test("counts where the sidecar says, when it refuses another place", async () => {
    const grant = { id: "g1", scope: "thread", threadId: "t", workspace: "/w", createdAtMs: 1, subject: { kind: "command", text: "npm test", outsideSandbox: false, cwd: null } } as unknown as Grant;
    const state: PermissionsState = { threadId: "t", folder: "/w", home: null, grants: [grant], rules: [], problems: [], failure: null, undo: null };
    const page = await mount<HTMLElement>("treadle-permissions", {});
    host({ type: "permissions", state });
    await settle(page);
    const select = find(page, "select") as HTMLSelectElement;
    expect(select.value).toBe("thread");
    select.value = "always";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    host({ type: "refused", reason: "It cannot be written." });
    host({ type: "permissions", state: { ...state } });
    await settle(page);
    expect(select.value).toBe("thread");
  });
});
