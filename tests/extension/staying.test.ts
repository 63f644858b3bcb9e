// @vitest-environment jsdom
// Where the transcript stands: at the end while the user is there, and nowhere but where they are when they went away, whatever is
// drawn between what they do and what is heard of it.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { drawn, find, kept, mount, press, said, words } from "./webview";
import { emptyView, type ThreadView, type TurnView } from "@src/thread";
import type { Transcript } from "@webview/transcript";
import "@webview/transcript";

// What this document does not know: sizes, and how they change.
Object.assign(globalThis, { ResizeObserver: class { observe() {} disconnect() {} } });
let shown: string[] = [];
Element.prototype.scrollIntoView = function () {
  shown.push(words(this as HTMLElement));
};

const turn = (id: string): TurnView =>
  ({ id, status: "completed", items: [{ done: true, item: { type: "userMessage", id: `${id}-said`, clientId: null, content: [{ type: "text", text: `says ${id}`, text_elements: [] }] } }] }) as never;
const view = (id: string, ...turns: string[]): ThreadView => ({ ...emptyView, id, turns: turns.map(turn), earlier: true });

let page: Transcript;
let height = 1000;
const box = () => find(page, ".scroll");
const left = () => height - box().scrollTop - 200;
const settle = async () => {
  for (let round = 0; round < 5; round += 1) await drawn(page);
  await new Promise((done) => setTimeout(done));
  await drawn(page);
};
const draw = async (next: ThreadView) => {
  page.view = next;
  await settle();
};
const heard = async () => {
  box().dispatchEvent(new Event("scroll"));
  await settle();
};
const asked = () => said.findLast((one) => one.type === "ask" && one.method === "earlier");
const answer = async (outcome: object) => {
  window.dispatchEvent(new MessageEvent("message", { data: { type: "answered", number: asked()?.number, ...outcome } }));
  await settle();
};

beforeEach(async () => {
  kept.state = undefined;
  shown = [];
  height = 1000;
  page = await mount<Transcript>("treadle-transcript", { view: view("t", "three", "four") });
  let top = 0;
  Object.defineProperties(box(), {
    scrollHeight: { get: () => height },
    clientHeight: { get: () => 200 },
    scrollTop: { get: () => top, set: (to: number) => (top = Math.max(0, Math.min(height - 200, to))) },
  });
  // Each message stands 100 below the one before; where the first stands says how far the box is scrolled.
  HTMLElement.prototype.getBoundingClientRect = function () {
    const all = [...page.querySelectorAll("treadle-item")];
    const at = all.indexOf(this.closest("treadle-item") as Element);
    return new DOMRect(0, at < 0 ? 0 : at * 100 - top, 0, 0);
  };
  await draw(view("t", "three", "four", "five"));
  expect(left()).toBe(0);
});

describe("the end", () => {
  test("is let go of by a move upwards, although something is drawn before that is heard of", async () => {
    box().dispatchEvent(new Event("wheel"));
    box().scrollTop = 300;
    height = 1100;
    await draw(view("t", "three", "four", "five", "six"));
    expect(box().scrollTop).toBe(300);
    await heard();
    expect(box().scrollTop).toBe(300);
    expect(page.querySelector(".jump")).not.toBeNull();
  });

  test("is kept when what is drawn grows, and when it shrinks", async () => {
    height = 1300;
    await draw(view("t", "three", "four", "five", "six"));
    expect(left()).toBe(0);
    height = 600;
    box().scrollTop = 400; // as far as it goes now
    await draw(view("t", "three"));
    height = 900;
    await draw(view("t", "three", "four"));
    expect(left()).toBe(0);
  });

  test("is kept when what is drawn shrinks and grows before it is looked at, and nobody touched it", async () => {
    height = 600;
    box().scrollTop = 400; // as far as it goes now
    height = 900;
    await draw(view("t", "three", "four"));
    expect(left()).toBe(0);
    await heard();
    expect(page.querySelector(".jump")).toBeNull();
  });

  test("is shown when the user sends something, wherever they are, heard of or not", async () => {
    box().scrollTop = 300;
    const next = view("t", "three", "four", "five");
    await draw({ ...next, unconfirmed: [{ clientId: "c", text: "and this" }] });
    expect(left()).toBe(0);
  });

  test("is where another thread begins", async () => {
    box().scrollTop = 300;
    await heard();
    await draw(view("other", "a", "b", "c"));
    expect(left()).toBe(0);
    expect(page.querySelector(".jump")).toBeNull();
  });

  test("is followed again when a search that was opened there is closed", async () => {
    page.go("find");
    await settle();
    press(find(page, "treadle-find input"), "Escape");
    await settle();
    height = 1200;
    await draw(view("t", "three", "four", "five", "six"));
    expect(left()).toBe(0);
  });

  test("needs no button when the user is brought there and was there already", async () => {
    await (page as unknown as { toItem(id: string): Promise<void> }).toItem("five-said");
    await settle();
    find(page, ".jump").click();
    await settle();
    expect(page.querySelector(".jump")).toBeNull();
  });
});

describe("earlier messages", () => {
  beforeEach(async () => {
    box().scrollTop = 0;
    await heard();
  });

  test.each(["before", "after"])("that come %s the answer leave what is in view where it is", async (when) => {
    find(page, "button.earlier").click();
    const more = view("t", "one", "two", "three", "four", "five");
    if (when === "after") await answer({ result: true });
    await draw(more);
    if (when === "before") await answer({ result: true });
    await vi.waitFor(() => expect(box().scrollTop).toBe(200), 30_000);
  });

  test("that were asked for to go to the one before are gone to when they come", async () => {
    page.go("previous");
    await answer({ result: true });
    await draw(view("t", "one", "two", "three", "four", "five"));
    await vi.waitFor(() => expect(shown).toEqual(["says two"]), 30_000);
  });

  test("that come when another thread is shown move nothing there", async () => {
    find(page, "button.earlier").click();
    await draw(view("other", "a", "b", "c"));
    await answer({ result: true });
    height = 1200;
    await draw(view("other", "a", "b", "c", "d"));
    expect(left()).toBe(0);
  });

  test("that do not come say why", async () => {
    find(page, "button.earlier").click();
    await answer({ failure: "The sidecar is gone." });
    expect(words(page)).toContain("Earlier messages could not be loaded: The sidecar is gone.");
    find(page, "button.earlier").click();
    await settle();
    expect(words(page)).not.toContain("could not be loaded");
  });
});
