// @vitest-environment jsdom
// Writing faster than the host answers: no key is lost, no words go, and nothing goes in twice.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drawn, find, mount, press, said } from "./webview";
import type { Composer } from "@webview/composer";
import "@webview/composer";

interface Asking {
  number: number;
  method: string;
}

let box: Composer;
const field = () => find(box, "textarea.field") as HTMLTextAreaElement;
const asked = (method: string) => said.filter((one) => one.type === "ask" && one.method === method) as unknown as Asking[];
const answer = async (to: Asking | undefined, outcome: { result?: unknown; failure?: string }) => {
  window.dispatchEvent(new MessageEvent("message", { data: { type: "answered", number: to?.number, ...outcome } }));
  await vi.advanceTimersByTimeAsync(0);
  await drawn(box);
};
const type = (text: string) => {
  field().focus();
  field().value = text;
  field().setSelectionRange(text.length, text.length);
  field().dispatchEvent(new Event("input", { bubbles: true }));
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  box = await mount<Composer>("treadle-composer", {});
});

afterEach(() => vi.useRealTimers());

describe("what was sent before", () => {
  test("is walked through as often as Up is pressed, also before it has come, and what was being written is at the end of the way", async () => {
    type("half a thought");
    field().setSelectionRange(0, 0);
    press(field(), "ArrowUp");
    press(field(), "ArrowUp");
    for (const one of asked("history")) await answer(one, { result: ["oldest", "newest"] });
    expect(field().value).toBe("oldest");
    press(field(), "ArrowDown");
    press(field(), "ArrowDown");
    await vi.advanceTimersByTimeAsync(0);
    expect(field().value).toBe("half a thought");
  });

  test("does not come in place of what was typed since", async () => {
    field().focus();
    press(field(), "ArrowUp");
    type("new words");
    await answer(asked("history")[0], { result: ["newest"] });
    expect(field().value).toBe("new words");
  });

  test.each(["before", "after"])("brings no list for its last word when it comes %s the key is let go", async (when) => {
    const release = () => field().dispatchEvent(new KeyboardEvent("keyup", { key: "ArrowUp", bubbles: true }));
    field().focus();
    press(field(), "ArrowUp");
    if (when === "after") release();
    await answer(asked("history")[0], { result: ["tidy with $tidy-up"] });
    if (when === "before") release();
    await drawn(box);
    expect(field().value).toBe("tidy with $tidy-up");
    expect(asked("choices")).toEqual([]);
    press(field(), "ArrowDown");
    await vi.advanceTimersByTimeAsync(0);
    expect(field().value).toBe("");
  });

  test("brings the list again when it is changed", async () => {
    field().focus();
    press(field(), "ArrowUp");
    await answer(asked("history")[0], { result: ["tidy with $tidy-up"] });
    type("tidy with $tid");
    expect(asked("choices")).toHaveLength(1);
  });
});

describe("Enter", () => {
  const sent = () => said.filter((one) => one.type === "say") as unknown as { draft: { text: string; attachments: unknown[] } }[];

  test("sends words whose last one could have named something, but did not, however late that is known", async () => {
    type("it costs $5");
    press(field(), "Enter");
    await answer(asked("choices").at(-1), { result: [] });
    expect(sent().map(({ draft }) => draft.text)).toEqual(["it costs $5"]);
  });

  test("sends them also when nobody can say what they name", async () => {
    type("write to @ada");
    press(field(), "Enter");
    await answer(asked("choices").at(-1), { failure: "The sidecar is gone." });
    expect(sent().map(({ draft }) => draft.text)).toEqual(["write to @ada"]);
  });

  const paste = (text: string) => {
    const event = Object.assign(new Event("paste", { bubbles: true, cancelable: true }), { clipboardData: { getData: () => text, files: [] } });
    field().dispatchEvent(event);
  };
  const pasted = { id: "p1", kind: "text", name: "Pasted text", path: "/p1", size: 13_000 };

  test("waits for what was pasted and is still being put away", async () => {
    type("explain this");
    paste("x".repeat(13_000));
    press(field(), "Enter");
    expect(sent()).toEqual([]);
    await answer(asked("attachText")[0], { result: pasted });
    expect(sent()).toHaveLength(1);
    expect(sent()[0]?.draft).toMatchObject({ text: "explain this", attachments: [pasted] });
  });

  test("sends nothing when that could not be put away", async () => {
    type("explain this");
    paste("x".repeat(13_000));
    press(field(), "Enter");
    await answer(asked("attachText")[0], { failure: "The disk is full." });
    expect(sent()).toEqual([]);
    expect(find(box, ".said").textContent).toContain("The disk is full.");
  });

  test("that is held for one question does not answer the next", async () => {
    box.approvalId = "c1#1";
    await drawn(box);
    press(field(), "Enter", { ctrlKey: true, repeat: true });
    expect(said.filter((one) => one.type === "answer")).toEqual([]);
    press(field(), "Enter", { ctrlKey: true });
    expect(said.filter((one) => one.type === "answer")).toHaveLength(1);
  });
});

describe("the draft", () => {
  const told = () => said.findLast((one) => one.type === "draft") as unknown as { draft: { text: string } } | undefined;

  test("is told to the host before the keyboard goes elsewhere", async () => {
    type("half a thought");
    expect(told()).toBeUndefined();
    field().blur();
    expect(told()?.draft.text).toBe("half a thought");
  });

  test("with words that are given back is told at once", async () => {
    box.giveBack("could not be sent");
    await drawn(box);
    expect(told()?.draft.text).toBe("could not be sent");
  });

  test("takes pasted text once, though it is clicked twice", async () => {
    box.first = { text: "", mentions: [], attachments: [{ id: "p1", kind: "text", name: "Pasted text", path: "/p1", size: 10 }] };
    await drawn(box);
    const unfold = find(box, ".named-one button");
    unfold.click();
    unfold.click();
    for (const one of asked("attachedText")) await answer(one, { result: "once" });
    expect(field().value).toBe("once");
  });

  test("offers what can be named again, after a word for which the list was closed is sent", async () => {
    type("@ada");
    press(field(), "Escape");
    await drawn(box);
    find(box, "button.send").click();
    expect(field().value).toBe("");
    type("@a");
    await drawn(box);
    expect(box.querySelector(".choices")).not.toBeNull();
  });
});
