// What a screen reader hears: finished sentences, each once, whatever the pieces they came in.
import { describe, expect, test } from "vitest";
import { emptyView, fold, type ThreadView, type ViewEvent } from "@src/thread";
import { Announcer, finished, plain } from "../../extension/webview/announcer";
import { command, completed, delta, message, opened, started, turnStarted } from "./events";

const heard = (events: ViewEvent[]): string[] => {
  const announcer = new Announcer();
  let view: ThreadView = emptyView;
  const said: string[] = [];
  for (const event of events) {
    const before = view.id;
    view = fold(view, event);
    if (view.id !== before) announcer.begin(view);
    const news = announcer.news(view);
    if (news) said.push(news);
  }
  return said;
};
const begin = [opened(), turnStarted(), started(message("m"))];
const words = (text: string) => delta("agentMessage/delta", "m", text);

describe("a screen reader hears", () => {
  test("a sentence when it is finished, and the rest when the message is", () => {
    expect(heard([...begin, words("One is"), words(" done. Two"), words(" goes on"), completed(message("m", "One is done. Two goes on"))])).toEqual(["One is done.", "Two goes on"]);
  });

  test("the same words, cut wherever they are", () => {
    const text = "First **bold** words. A `name_of_it` here!\n\n```py\nx = 1.\ny = 2\n```\n\n- [a link](https://example.org/a.b) ends\n\nLast one, e.g. this";
    for (const size of [1, 2, 3, 7, 20, 500]) {
      const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
      const said = heard([...begin, ...pieces.map(words), completed(message("m", text))]);
      expect(said.join(" ").replaceAll(/\s+/g, " ")).toBe("First bold words. A name_of_it here! Code, 2 lines. a link ends Last one, e.g. this");
    }
  });

  test("how a command ended, once", () => {
    const done = completed(command("c", { status: "completed", exitCode: 3 }));
    expect(heard([opened(), turnStarted(), started(command("c")), done, done])).toEqual([expect.stringContaining("exit code 3")]);
  });

  test("nothing of what a thread held when it was opened", () => {
    const turn = { id: "old", status: "completed", error: null, items: [message("m", "Old words.")] };
    expect(heard([opened("t1", [turn])])).toEqual([]);
  });
});

describe("words", () => {
  test("are finished at the end of a sentence or of a line", () => {
    expect(finished("It is v1.2 of it. And")).toBe("It is v1.2 of it.");
    expect(finished("no end")).toBe("");
    expect(finished("a line\nnext")).toBe("a line\n");
  });

  test("lose their marks", () => {
    expect(plain("## A **title** with snake_case")).toBe("A title with snake_case");
    expect(plain("| a | b |\n|---|---|\n| 1 | 2 |")).toContain("1");
  });
});
