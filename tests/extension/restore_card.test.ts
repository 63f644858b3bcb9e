// @vitest-environment jsdom
// The card of going back: it shows what would happen before it does anything, leaves conflicts alone, and says what cannot be done.
import { beforeEach, describe, expect, test } from "vitest";
import { drawn, find, mount, press, said, words } from "./webview";
import type { PlannedFile, RestorePlan } from "@src/restoring";
import "@webview/message_actions";
import "@webview/restored";

const file = (kind: PlannedFile["kind"], path: string, reason: string | null = null): PlannedFile => ({ path, kind, added: 2, removed: 1, reason, shown: kind !== "conflict" });
const plan = (files: PlannedFile[], turns = 1): RestorePlan => ({ files, turns });

interface Asked {
  number: number;
  method: string;
  params: Record<string, unknown>;
}

const asked = () => said.filter((one) => one.type === "ask") as unknown as Asked[];

async function answer(card: HTMLElement, reply: { result?: unknown; failure?: string }): Promise<void> {
  const last = asked().at(-1);
  window.dispatchEvent(new MessageEvent("message", { data: { type: "answered", number: last?.number, ...reply } }));
  await new Promise((done) => setTimeout(done));
  await drawn(card);
}

const show = async (first: { result?: unknown; failure?: string } = { result: plan([file("restore", "/w/a.py")]) }, more = {}) => {
  const closed: boolean[] = [];
  const card = await mount<HTMLElement>("treadle-restore", { itemId: "i1", close: () => closed.push(true), ...more });
  await answer(card, first);
  return { card, closed };
};

beforeEach(() => {
  Element.prototype.scrollIntoView ??= () => undefined;
});

describe("the card of going back", () => {
  test("asks for the plan and does nothing until it is told to", async () => {
    const { card } = await show();
    expect(asked().map(({ method }) => method)).toEqual(["restorePlan"]);
    expect(asked()[0]?.params).toEqual({ itemId: "i1", what: "both" });
    expect(words(find(card, ".summary"))).toContain("1 file changes, 1 turn goes.");
    expect(words(find(card, ".restore-file"))).toContain("a.py");
  });

  test("plans anew for what is chosen, and does that", async () => {
    const { card, closed } = await show();
    find(card, "input[value=conversation]").click();
    await answer(card, { result: plan([], 2) });
    expect(words(find(card, ".summary"))).toContain("2 turns go.");
    find(card, ".do").click();
    expect(asked().at(-1)).toMatchObject({ method: "restore", params: { itemId: "i1", what: "conversation", skip: false } });
    await answer(card, { result: null });
    expect(closed).toEqual([true]);
  });

  test("names conflicts, and restores the others only when that is what the button says", async () => {
    const mixed = plan([file("restore", "/w/a.py"), file("conflict", "/w/b.py", "you changed the same lines")]);
    const { card } = await show({ result: mixed });
    expect(words(card)).toContain("1 file holds changes of yours in the same places.");
    expect(words(card)).toContain("you changed the same lines");
    expect(words(find(card, ".do"))).toBe("Restore the Others");
    find(card, ".do").click();
    expect(asked().at(-1)).toMatchObject({ params: { skip: true } });
  });

  test("shows a conflict that came meanwhile instead of closing", async () => {
    const { card, closed } = await show();
    find(card, ".do").click();
    await answer(card, { result: plan([file("restore", "/w/a.py"), file("conflict", "/w/b.py")]) });
    expect(closed).toEqual([]);
    expect(words(find(card, ".do"))).toBe("Restore the Others");
  });

  test("says why nothing can be done, and has nothing to press but Cancel", async () => {
    const { card, closed } = await show({ failure: "A turn is running here." });
    expect(words(find(card, "[role=alert]"))).toBe("A turn is running here.");
    expect(find(card, ".do").hasAttribute("disabled")).toBe(true);
    find(card, ".leave").click();
    expect(closed).toEqual([true]);
  });

  test("closes by Escape, which goes no further", async () => {
    const { card, closed } = await show();
    let outside = 0;
    document.body.addEventListener("keydown", () => {
      outside += 1;
    });
    press(find(card, ".restore-card"), "Escape");
    expect([closed, outside]).toEqual([[true], 0]);
  });

  test("opens the diff of a file, and of all of them", async () => {
    const { card } = await show({ result: plan([file("restore", "/w/a.py"), file("delete", "/w/b.py")]) });
    find(card, ".restore-file .name").click();
    find(card, ".all").click();
    expect(said.filter((one) => one.type === "openRestoreDiff").map((one) => one.path)).toEqual(["/w/a.py", null]);
  });
});

describe("the word that something was restored", () => {
  const restored = { restoreId: "r1", turnId: "t1", what: "files" as const, words: "Fix it" };

  test("leads to a plan of taking it back", async () => {
    const line = await mount<HTMLElement>("treadle-restored", { restored });
    expect(words(line)).toContain("Files are restored to before “Fix it”");
    find(line, ".redo").click();
    await drawn(line);
    await answer(line, { result: plan([file("restore", "/w/a.py")], 0) });
    expect(asked()[0]?.params).toEqual({ restoreId: "r1", what: "files" });
    expect(words(find(line, ".do"))).toBe("Redo");
  });

  test("goes when it is closed, and comes with the next restore", async () => {
    const line = await mount<HTMLElement>("treadle-restored", { restored });
    find(line, "[aria-label=Dismiss]").click();
    await drawn(line);
    expect(words(line)).toBe("");
    Object.assign(line, { restored: { ...restored, restoreId: "r2" } });
    await drawn(line);
    expect(words(line)).toContain("Files are restored");
  });
});

describe("the actions of a message", () => {
  test("say what they do, and open the card from the menu, too", async () => {
    const actions = await mount<HTMLElement>("treadle-message-actions", { itemId: "i1" });
    const names = [...actions.querySelectorAll("button")].map((button) => button.getAttribute("aria-label"));
    expect(names).toEqual(["Edit", "Restore…", "More actions"]);
    find(actions, ".edit").click();
    expect(said.at(-1)).toEqual({ type: "onMessage", act: "edit", itemId: "i1" });
    let menus = 0;
    actions.addEventListener("contextmenu", () => {
      menus += 1;
    });
    find(actions, ".more").click();
    expect(menus).toBe(1);
    find(actions, ".restore").click();
    await drawn(actions);
    expect(find(actions, ".restore").getAttribute("aria-expanded")).toBe("true");
    expect(actions.querySelector("treadle-restore")).toBeTruthy();
  });
});
