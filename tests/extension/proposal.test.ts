// A proposed edit becomes the text of the file as it would be.
import { expect, test } from "vitest";
import { newPath, sides } from "@src/proposal";
import type { FileUpdateChange } from "@src/wire";
import { diffView } from "@webview/diff_lines";

const update = (diff: string): FileUpdateChange => ({ path: "/w/a.py", kind: { type: "update", move_path: null }, diff });
const hunk = "@@ -1,3 +1,4 @@\n one\n-two\n+2\n+2.5\n three\n";

test("an update is applied to the text as it is now", () => {
  expect(sides(update(hunk), "one\ntwo\nthree\nfour\n")).toEqual({ before: "one\ntwo\nthree\nfour\n", after: "one\n2\n2.5\nthree\nfour\n" });
});

test("a diff with headers and without a last newline is applied too", () => {
  const diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-old\n\\ No newline at end of file\n+new\n\\ No newline at end of file\n";
  expect(sides(update(diff), "old")?.after).toBe("new");
});

test("nothing is guessed when the text has moved on, or is gone", () => {
  expect(sides(update(hunk), "something else\n")).toBeNull();
  expect(sides(update(hunk), null)).toBeNull();
});

test("a new file has nothing on its left, a deleted one nothing on its right", () => {
  expect(sides({ path: "/w/n", kind: { type: "add" }, diff: "hi\n" }, null)).toEqual({ before: "", after: "hi\n" });
  expect(sides({ path: "/w/n", kind: { type: "delete" }, diff: "hi\n" }, "hi\n")).toEqual({ before: "hi\n", after: "" });
});

test("a renamed file goes by its new name", () => {
  expect(newPath({ path: "/w/a", kind: { type: "update", move_path: "/w/b" }, diff: "" })).toBe("/w/b");
});

test("a diff is drawn with the numbers of its lines and its counts", () => {
  const view = diffView(update(`${hunk}@@ -10,2 +11,1 @@ def f():\n ten\n-eleven\n`));
  expect([view.added, view.removed]).toEqual([2, 2]);
  expect(view.lines.map((line) => `${line.kind} ${line.number} ${line.text}`)).toEqual([
    "same 1 one",
    "removed 2 two",
    "added 2 2",
    "added 3 2.5",
    "same 4 three",
    "gap null def f():",
    "same 11 ten",
    "removed 11 eleven",
  ]);
});
