// @vitest-environment jsdom
// Words that the host puts into the box: they go again when it says so, unless the user made something else of them.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { drawn, mount, said } from "./webview";
import type { Composer } from "@webview/composer";
import "@webview/composer";

describe("the box that is shown", () => {
  let box: Composer;
  const field = () => box.querySelector("textarea") as HTMLTextAreaElement;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    box = await mount<Composer>("treadle-composer", {});
  });

  test("lets the words go, tells the host so, and leaves the keyboard where it is", async () => {
    box.giveBack("Add a test");
    await drawn(box);
    field().blur();
    box.takeAway("Add a test");
    await drawn(box);
    vi.runAllTimers();
    expect(field().value).toBe("");
    expect(document.activeElement).not.toBe(field());
    expect(said.findLast(({ type }) => type === "draft")).toMatchObject({ draft: { text: "" } });
  });

  test.each(["Add a test!", "Add a test\n\nand run it", "so: Add a test"])("keeps %j", async (text) => {
    box.suggest(text);
    await drawn(box);
    box.takeAway("Add a test");
    await drawn(box);
    expect(field().value).toBe(text);
  });
});
