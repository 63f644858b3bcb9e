// A command's output stays bounded, and both of its ends stay readable.
import { expect, test } from "vitest";
import { headAndTail, headLimit, tailLimit } from "@src/output";
import { plain } from "@webview/terminal";

test("short output is kept as it is", () => {
  expect(headAndTail("hello\n")).toBe("hello\n");
});

test("long output keeps its head and its tail and says how much is missing", () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join("");
  const cut = headAndTail(text);
  expect(cut.length).toBeLessThan(headLimit + tailLimit + 200);
  expect(cut.startsWith(text.slice(0, headLimit))).toBe(true);
  expect(cut.endsWith("line 19999\n")).toBe(true);
  const left = Number(/⋯ (\d+) characters left out/.exec(cut)?.[1]);
  const kept = cut.replace(/\n⋯ \d+ characters left out ⋯\n/, "").length;
  expect(left + kept).toBe(text.length);
});

test("output that grows after it was cut keeps counting what is missing", () => {
  let cut = "";
  let length = 0;
  for (let index = 0; index < 4_000; index += 1) {
    const line = `line ${index} ${"-".repeat(40)}\n`;
    length += line.length;
    cut = headAndTail(cut + line);
  }
  const left = Number(/⋯ (\d+) characters left out/.exec(cut)?.[1]);
  expect(left + cut.replace(/\n⋯ \d+ characters left out ⋯\n/, "").length).toBe(length);
});

test("colours and cursor moves are left out, and a line that was written over shows its last form", () => {
  expect(plain("\u001b[31mred\u001b[0m\r\n10%\r100%\n\u001b]0;title\u0007done\n\n", 50)).toBe("red\n100%\ndone");
});

test("many lines are drawn by their head and tail", () => {
  const lines = plain(Array.from({ length: 1_000 }, (_, index) => `${index}`).join("\n"), 100).split("\n");
  expect(lines).toHaveLength(101);
  expect(lines[0]).toBe("0");
  expect(lines.at(-1)).toBe("999");
  expect(lines[10]).toBe("⋯ 900 lines left out ⋯");
});
