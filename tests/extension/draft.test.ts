// What is typed at the caret, what becomes of a draft when it is sent, and the walk through history.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bounded, type Draft, draftOf, emptyDraft, fenced, isEmpty, type Mention, places, standing, together, toInput } from "@src/draft";
import { HistoryWalk, remembered } from "@src/history";
import { moved, withText } from "@src/queue";
import { slashCommand, slashCommands, slashMatches } from "@src/slash_commands";
import { commandIn, tokenBefore, triggerAt } from "@src/trigger";

const at = (marked: string) => triggerAt(marked.replace("|", ""), marked.indexOf("|"));
const file = (path: string): Mention => ({ kind: "file", token: `@${path}`, label: path, path: `/w/${path}` });
const draft = (text: string, more: Partial<Draft> = {}): Draft => ({ ...emptyDraft, text, ...more });

describe("the word at the caret", () => {
  test.each([
    ["look at @src/a|", "mention", "src/a", 8],
    ["@|", "mention", "", 0],
    ["(@ab|c)", "mention", "ab", 1],
    ["line one\n@x|", "mention", "x", 9],
    ["use $rel|", "skill", "rel", 4],
    ["/mod|", "slash", "mod", 0],
    ["/|", "slash", "", 0],
  ])("%s is a %s", (marked, kind, query, start) => {
    expect(at(marked)).toEqual({ kind, query, start });
  });

  test.each(["me@example.org|", "a /mod|", "/model x|", "/usr/bin|", "costs $5.50|", "plain|", "|@src", "@src |", `@${"x".repeat(300)}|`])("%s names nothing", (marked) => {
    expect(at(marked)).toBeNull();
  });

  test("is found in a long text without reading it all", () => {
    const text = `${"words ".repeat(200_000)}@a`;
    const began = performance.now();
    for (let count = 0; count < 1_000; count += 1) triggerAt(text, text.length);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe("commands", () => {
  test("are a name at the beginning and what follows it", () => {
    expect(commandIn("/rename  A new name ")).toEqual({ name: "rename", rest: "A new name" });
    expect(commandIn("/compact")).toEqual({ name: "compact", rest: "" });
    for (const words of ["/usr/bin is full", "see /compact", "/", "/ compact", "// a comment"]) expect(commandIn(words)).toBeNull();
  });

  test("have names of their own, words, and something that they do", () => {
    expect(new Set(slashCommands.map(({ name }) => name)).size).toBe(slashCommands.length);
    const here = ["compact", "status", "undo"];
    for (const { name, words, runs, picks, types } of slashCommands) {
      expect(words).not.toBe("");
      expect(Boolean(runs || picks || types) || here.includes(name), name).toBe(true);
    }
    expect(slashCommand("nonsense")).toBeUndefined();
  });

  test("run what the extension has", () => {
    const { contributes } = JSON.parse(readFileSync(new URL("../../extension/package.json", import.meta.url), "utf8"));
    const known = new Set(contributes.commands.map(({ command }: { command: string }) => command));
    for (const { runs } of slashCommands) if (runs) expect(known.has(runs), runs).toBe(true);
  });

  test("that begin with the letters come first", () => {
    expect(slashMatches("mo").map(({ name }) => name)).toEqual(["model", "mode"]);
    expect(slashMatches("re").map(({ name }) => name).slice(0, 4)).toEqual(["resume", "review", "redo", "rename"]);
  });
});

describe("a mention", () => {
  test("stands as long as its token does, as a word of its own", () => {
    expect(places("@a.ts and @a.ts.", "@a.ts")).toEqual([0, 10]);
    expect(places("see (@a.ts), then @a.ts?", "@a.ts")).toEqual([5, 18]);
    expect(places("@a.tsx @a.ts/x x@a.ts", "@a.ts")).toEqual([]);
    expect(standing("only @b.ts", [file("a.ts"), file("b.ts")])).toEqual([file("b.ts")]);
  });

  test("is taken away whole by Backspace", () => {
    expect(tokenBefore("see @a.ts", 9, ["@a.ts"])).toBe("@a.ts");
    expect(tokenBefore("see @a.ts ", 10, ["@a.ts"])).toBeNull();
  });
});

describe("a draft that is sent", () => {
  test("says the words with their marks, in bytes, and then what they name", () => {
    const input = toInput(draft("  öffne @a.ts  ", { mentions: [file("a.ts"), file("gone.ts")] }), new Map(), new Map());
    expect(input).toEqual([
      { type: "text", text: "öffne @a.ts", text_elements: [{ byteRange: { start: 7, end: 12 }, placeholder: "@a.ts" }] },
      { type: "mention", name: "a.ts", path: "/w/a.ts" },
    ]);
  });

  test("carries contents as parts that are one thing, skills as skills, pictures as files", () => {
    const selection: Mention = { kind: "selection", token: "@a.ts:1-2", label: "a.ts:1-2", path: "/w/a.ts", lines: [1, 2] };
    const skill: Mention = { kind: "skill", token: "$tidy", label: "tidy", path: "/s/SKILL.md" };
    const attachments = [
      { id: "1", kind: "image", name: "a.png", path: "/s/1.png", size: 9 },
      { id: "2", kind: "text", name: "Pasted", path: "/s/2.txt", size: 9 },
    ] as const;
    const said = draft("do $tidy on @a.ts:1-2", { mentions: [selection, skill], attachments: [...attachments] });
    const input = toInput(said, new Map([["@a.ts:1-2", "lines é"]]), new Map([["2", "words"]]));
    expect(input.slice(1)).toEqual([
      { type: "text", text: "lines é", text_elements: [{ byteRange: { start: 0, end: 8 }, placeholder: "a.ts:1-2" }] },
      { type: "skill", name: "tidy", path: "/s/SKILL.md" },
      { type: "localImage", path: "/s/1.png" },
      { type: "text", text: "words", text_elements: [{ byteRange: { start: 0, end: 5 }, placeholder: "Pasted" }] },
    ]);
  });

  test("is nothing without a word or an attachment", () => {
    expect(isEmpty(draft(" \n"))).toBe(true);
    expect(toInput(draft(" \n"), new Map(), new Map())).toEqual([]);
  });

  test("reads drafts that an earlier version kept, and nonsense as nothing", () => {
    expect(draftOf("words")).toEqual(draft("words"));
    for (const stored of [undefined, null, 3, { text: 1, mentions: "x" }]) expect(draftOf(stored)).toEqual(emptyDraft);
  });

  test("joins what was written since with what is given back", () => {
    expect(together(draft("one ", { mentions: [file("a.ts")] }), draft("two", { mentions: [file("a.ts")] }))).toEqual(draft("one\n\ntwo", { mentions: [file("a.ts")] }));
    expect(together(draft(""), draft("two")).text).toBe("two");
  });
});

describe("bounds", () => {
  test("a fence is longer than any in the text", () => {
    expect(fenced("a\n````\nb", "md")).toBe("`````md\na\n````\nb\n`````");
  });

  test("what is too long keeps its beginning and its end, and says so", () => {
    expect(bounded("x".repeat(10), 10)).toBe("x".repeat(10));
    expect(bounded(`begin${"x".repeat(100)}end`, 10)).toMatch(/^begin\n… 98 characters left out …\nxxend$/);
  });
});

describe("history", () => {
  test("keeps each entry once, the newest last, bounded, and no long pastes", () => {
    expect(remembered(["a", "b"], " a ")).toEqual(["b", "a"]);
    expect(remembered(["a"], " ")).toEqual(["a"]);
    expect(remembered(["a"], "x".repeat(30_000))).toEqual(["a"]);
    const many = Array.from({ length: 150 }, (_, number) => String(number)).reduce(remembered, [] as string[]);
    expect([many.length, many.at(-1)]).toEqual([100, "149"]);
  });

  test("walks back to the oldest and forth to what was being written", () => {
    const walk = new HistoryWalk(["old", "new"], "half a sen");
    expect([walk.forth(), walk.back(), walk.back(), walk.back()]).toEqual([null, "new", "old", null]);
    expect([walk.forth(), walk.forth(), walk.forth()]).toEqual(["new", "half a sen", null]);
  });
});

describe("a waiting message", () => {
  test("moves among the others and stays within them", () => {
    expect(moved(["a", "b", "c"], "c", -1)).toEqual(["a", "c", "b"]);
    expect(moved(["a", "b", "c"], "a", -1)).toEqual(["a", "b", "c"]);
    expect(moved(["a", "b", "c"], "a", 5)).toEqual(["b", "c", "a"]);
    expect(moved(["a"], "x", 1)).toEqual(["a"]);
  });

  test("keeps what came with its words when they change", () => {
    const image = { type: "localImage", path: "/a.png" } as const;
    expect(withText([{ type: "text", text: "old", text_elements: [] }, image], " new ")).toEqual([{ type: "text", text: "new", text_elements: [] }, image]);
    expect(withText([image], "new")).toEqual([{ type: "text", text: "new", text_elements: [] }, image]);
  });
});
