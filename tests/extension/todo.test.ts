// Where TODO comments are found, and where strings only look like them.
import { expect, test } from "vitest";
import { mostTodos, todos } from "@src/todo";

const texts = (text: string, language: string) => todos(text, language).map(({ line, text }) => [line, text]);

test("comments are found in the common languages, with their line and words", () => {
  expect(texts("let a = 1; // TODO: name it\n/* x\n * FIXME(ada): here */\n", "typescript")).toEqual([
    [0, "TODO: name it"],
    [2, "FIXME(ada): here"],
  ]);
  expect(texts("x = 1  # TODO later\n", "python")).toEqual([[0, "TODO later"]]);
  expect(texts("<p>TODO</p>\n<!-- TODO: a title -->", "html")).toEqual([[1, "TODO: a title"]]);
  expect(texts("select 1 -- FIXME: two", "sql")).toEqual([[0, "FIXME: two"]]);
});

test("strings, words that go on and languages without comments have none", () => {
  expect(texts('const a = "// TODO: no"; const b = `\n// TODO: no\n`;', "javascript")).toEqual([]);
  expect(texts('a = """\n# TODO: no\n"""\n', "python")).toEqual([]);
  expect(texts("// TODOS are many, mastodon", "go")).toEqual([]);
  expect(texts("TODO: buy milk", "plaintext")).toEqual([]);
});

test("an apostrophe that is no string hides no comment, and floods are bounded", () => {
  expect(texts("fn a<'b>() {} // TODO: c", "rust")).toEqual([[0, "TODO: c"]]);
  expect(todos("// TODO: x\n".repeat(5_000), "c")).toHaveLength(mostTodos);
});
