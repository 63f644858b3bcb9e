// The words that editor commands send for a selection.
import { expect, test } from "vitest";
import { selectionPrompt } from "@src/prompts";

const selection = { path: "src/a.md", firstLine: 3, lastLine: 5, language: "markdown", text: "```js\nx\n```\n" };

test("a prompt names the file and the lines, and its fence is longer than any in the code", () => {
  const prompt = selectionPrompt("explain", selection);
  expect(prompt).toContain("`src/a.md`, lines 3-5");
  expect(prompt).toContain("````markdown\n```js\nx\n```\n````");
});

test("a huge selection is cut, and the prompt says so", () => {
  const prompt = selectionPrompt("fix", { ...selection, text: "y".repeat(100_000) });
  expect(prompt.length).toBeLessThan(20_000);
  expect(prompt).toContain("read the file for the rest");
});
