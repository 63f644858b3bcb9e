// @vitest-environment jsdom
// Find in the chat while the page is drawn anew under it: what was asked for is looked for, in earlier messages, too.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drawn, find, mount, press, said, words, write } from "./webview";
import type { Find } from "@webview/find";
import "@webview/find";

// What this document does not know: places of words on the screen, and how to mark them.
Range.prototype.getBoundingClientRect ??= () => new DOMRect();
Element.prototype.scrollIntoView ??= () => undefined;

const place = { turnId: "t1", itemId: "i1" };
const asked = (method = "occurrences") => said.filter((message) => message.type === "ask" && message.method === method);
const answer = async (element: Find, outcome: object, to = asked().at(-1)) => {
  window.dispatchEvent(new MessageEvent("message", { data: { type: "answered", number: to?.number, ...outcome } }));
  await vi.advanceTimersByTimeAsync(0);
  await drawn(element);
};
const elsewhere = (element: Find) => (element.querySelector(".elsewhere") ? words(find(element, ".elsewhere")) : "");

describe("earlier messages", () => {
  let element: Find;

  beforeEach(async () => {
    vi.useFakeTimers();
    element = await mount<Find>("treadle-find", { page: document.createElement("div"), earlier: true });
  });

  afterEach(() => vi.useRealTimers());

  const type = async (term: string) => {
    write(find(element, "input"), term);
    await vi.advanceTimersByTimeAsync(1000);
  };

  test("are searched for what was typed", async () => {
    await type("needle");
    expect(asked().map(({ params }) => params)).toEqual([{ term: "needle" }]);
    await answer(element, { result: { places: [place], more: false } });
    expect(elsewhere(element)).toBe("1 more in earlier messages. Load the nearest");
  });

  test("are searched although the page is drawn anew right after the typing", async () => {
    write(find(element, "input"), "needle");
    element.refresh();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked()).toHaveLength(1);
  });

  test("are searched although the page is drawn anew again and again", async () => {
    write(find(element, "input"), "needle");
    for (let drawing = 0; drawing < 20; drawing += 1) {
      await vi.advanceTimersByTimeAsync(100);
      element.refresh();
    }
    expect(asked()).toHaveLength(1);
  });

  test("are searched as soon as it is known that there are any", async () => {
    element.earlier = false;
    await type("needle");
    expect(asked()).toHaveLength(0);
    element.earlier = true;
    await drawn(element);
    expect(asked().map(({ params }) => params)).toEqual([{ term: "needle" }]);
  });

  test("are no longer offered when all of them are loaded", async () => {
    await type("needle");
    await answer(element, { result: { places: [place], more: false } });
    element.earlier = false;
    await drawn(element);
    expect(elsewhere(element)).toBe("");
  });

  test("are searched once when pages are loaded for a place, and not for each of them", async () => {
    await type("needle");
    await answer(element, { result: { places: [place], more: false } });
    find(element, ".elsewhere button").click();
    for (const first of ["t9", "t8", "t7"]) {
      element.first = first;
      await drawn(element);
    }
    expect(asked()).toHaveLength(1);
    await answer(element, { result: true }, asked("earlier").at(-1));
    expect(asked()).toHaveLength(2);
  });

  test("keep the answer to the last question, whichever comes last", async () => {
    await type("need");
    await type("needle");
    const [first, second] = asked();
    await answer(element, { result: { places: [place], more: false } }, second);
    await answer(element, { result: { places: [place, place], more: true } }, first);
    expect(elsewhere(element)).toContain("1 more");
  });

  test("that could not be searched are not passed over in silence, and can be searched again", async () => {
    await type("needle");
    await answer(element, { failure: "The sidecar is gone." });
    expect(elsewhere(element)).toBe("Earlier messages could not be searched: The sidecar is gone. Try again");
    find(element, ".elsewhere button").click();
    expect(asked()).toHaveLength(2);
    await answer(element, { result: { places: [place], more: false } });
    expect(elsewhere(element)).toContain("1 more");
  });

  test("that could not be loaded say so", async () => {
    await type("needle");
    await answer(element, { result: { places: [place], more: false } });
    find(element, ".elsewhere button").click();
    await drawn(element);
    await answer(element, { failure: "The sidecar is gone." }, asked("earlier").at(-1));
    await answer(element, { result: { places: [place], more: false } });
    expect(elsewhere(element)).toContain("could not be loaded");
    expect((find(element, ".elsewhere button") as HTMLButtonElement).disabled).toBe(false);
  });
});

describe("Enter", () => {
  let element: Find;
  const status = async () => {
    await vi.advanceTimersByTimeAsync(1000);
    await drawn(element);
    return words(find(element, ".status"));
  };

  beforeEach(async () => {
    vi.useFakeTimers();
    const page = document.createElement("div");
    page.innerHTML = "<treadle-item>a needle, a needle</treadle-item><treadle-item>and a needle</treadle-item>";
    element = await mount<Find>("treadle-find", { page, earlier: false });
  });

  afterEach(() => vi.useRealTimers());

  test("goes to the next place", async () => {
    write(find(element, "input"), "needle");
    expect(await status()).toBe("1 of 3");
    press(find(element, "input"), "Enter");
    expect(await status()).toBe("2 of 3");
  });

  test("goes to the next place however soon it is pressed", async () => {
    write(find(element, "input"), "needle");
    press(find(element, "input"), "Enter");
    expect(await status()).toBe("2 of 3");
  });

  test("is not taken back when the page was drawn anew while the words were typed", async () => {
    write(find(element, "input"), "and");
    expect(await status()).toBe("1 of 1");
    element.refresh();
    await vi.advanceTimersByTimeAsync(100);
    write(find(element, "input"), "needle");
    await vi.advanceTimersByTimeAsync(60);
    await drawn(element);
    press(find(element, "input"), "Enter");
    expect(await status()).toBe("2 of 3");
  });
});
