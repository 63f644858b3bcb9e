// @vitest-environment jsdom
// The line of changes that wait, and the buttons on the cards of edits: what they show, what each click says, and when they are not there.
import { beforeEach, describe, expect, test } from "vitest";
import { drawn, find, kept, mount, said, words } from "./webview";
import type { ReviewFile } from "@src/review_view";
import type { TurnView } from "@src/thread";
import "@webview/review_bar";
import { shareReview } from "@webview/review_store";

const file = (path: string, hunks: number, turns: Record<string, number>, more: Partial<ReviewFile> = {}): ReviewFile => ({
  path,
  kind: "update",
  hunks,
  added: hunks * 2,
  removed: hunks,
  turns,
  omitted: null,
  moved: null,
  ...more,
});
const files = [file("/w/src/a.py", 2, { u1: 1, u2: 1 }), file("/w/new.py", 1, { u2: 1 }, { kind: "add" }), file("/w/huge.bin", 1, { u1: 1 }, { omitted: "it is too large" })];
const edit = (id: string) => ({ item: { type: "fileChange", id, status: "completed", changes: [] }, done: true });
const turn = (id: string, status: string, ...items: string[]) => ({ id, status, items: items.map(edit) }) as unknown as TurnView;
const turns = [turn("u1", "completed", "e1"), turn("u2", "completed", "e2", "e3")];
const button = (element: HTMLElement, label: string) => find(element, `button[aria-label="${label}"]`);
const reviews = () => said.map(({ type: _, ...more }) => more);

beforeEach(() => {
  kept.state = undefined;
  shareReview({ review: [], turns: [] });
});

describe("the line above the composer", () => {
  const show = (more: object = {}) => mount("treadle-review", { files, folder: "/w", home: null, ...more });

  /** Whether it is unfolded is remembered. */
  const unfolded = async (more: object = {}) => {
    const bar = await show(more);
    if (find(bar, ".fold").getAttribute("aria-expanded") === "false") find(bar, ".fold").click();
    return show(more);
  };

  test("says how much waits, and keeps, undoes and shows all of it", async () => {
    const bar = await show();
    expect(words(find(bar, ".fold"))).toBe("3 files, 4 changes");
    button(bar, "Review all changes in one view").click();
    button(bar, "Keep all changes").click();
    button(bar, "Undo all changes").click();
    expect(reviews()).toEqual([{ act: "changes" }, { act: "keep" }, { act: "undo" }]);
  });

  test("is not there when nothing waits", async () => {
    expect((await show({ files: [] })).children).toHaveLength(0);
  });

  test("unfolds the files, stays so when the panel is built anew, and acts on one", async () => {
    const first = await show();
    expect(find(first, ".fold").getAttribute("aria-expanded")).toBe("false");
    find(first, ".fold").click();
    await drawn(first);
    const bar = await show();
    expect(find(bar, ".fold").getAttribute("aria-expanded")).toBe("true");
    expect([...bar.querySelectorAll("li .base")].map((one) => one.textContent)).toEqual(["a.py", "new.py", "huge.bin"]);
    find(bar, "li .name").click();
    button(bar, "Keep the changes of src/a.py").click();
    button(bar, "Undo the changes of src/a.py").click();
    const path = "/w/src/a.py";
    expect(reviews()).toEqual([{ act: "open", path }, { act: "keep", path }, { act: "undo", path }]);
  });

  test("offers no undo of what cannot be undone", async () => {
    const bar = await unfolded();
    expect(bar.querySelectorAll('[aria-label="Keep the changes of huge.bin"]')).toHaveLength(1);
    expect(bar.querySelectorAll('[aria-label="Undo the changes of huge.bin"]')).toHaveLength(0);
  });

  test("draws a bounded number of files and names the rest", async () => {
    const many = Array.from({ length: 1_000 }, (_, at) => file(`/w/${at}.py`, 1, {}));
    const bar = await unfolded({ files: many });
    expect(bar.querySelectorAll("li")).toHaveLength(200);
    expect(words(bar)).toContain("800 more files");
  });
});

describe("on the card of an edit", () => {
  test("a file has what its turn did to it, until that is decided", async () => {
    shareReview({ review: files, turns });
    const part = await mount<HTMLElement>("treadle-file-review", { itemId: "e1", path: "/w/src/a.py" });
    button(part, "Keep the changes of a.py").click();
    button(part, "Undo the changes of a.py").click();
    expect(reviews()).toEqual([
      { act: "keep", path: "/w/src/a.py", turnId: "u1" },
      { act: "undo", path: "/w/src/a.py", turnId: "u1" },
    ]);
    shareReview({ review: [file("/w/src/a.py", 1, { u2: 1 })], turns });
    await drawn(part);
    expect(part.children).toHaveLength(0);
  });

  test("the last edit of a turn has what to do with all of the turn", async () => {
    shareReview({ review: files, turns });
    const line = await mount<HTMLElement>("treadle-turn-review", { itemId: "e3" });
    expect(words(line)).toContain("2 changes");
    button(line, "Review the changes of this turn in one view").click();
    button(line, "Keep the changes of this turn").click();
    button(line, "Undo the changes of this turn").click();
    expect(reviews()).toEqual([
      { act: "changes", turnId: "u2" },
      { act: "keep", turnId: "u2" },
      { act: "undo", turnId: "u2" },
    ]);
    expect((await mount("treadle-turn-review", { itemId: "e2" })).children).toHaveLength(0);
  });

  test("a turn that runs is not decided as a whole yet", async () => {
    shareReview({ review: files, turns: [turn("u2", "inProgress", "e3")] });
    expect((await mount("treadle-turn-review", { itemId: "e3" })).children).toHaveLength(0);
  });
});
