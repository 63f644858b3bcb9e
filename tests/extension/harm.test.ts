// @vitest-environment jsdom
// What a model, a server or a file name may hold, and how it is drawn: as words, within bounds, and never as something that acts.
import { beforeAll, describe, expect, test } from "vitest";
import { find, mount, said, words } from "./webview";
import { codeLanguage, codePath } from "@webview/code_path";
import { type Block, MarkdownBlocks } from "@webview/markdown";
import { cut, visible } from "@webview/visible";
import { itemView } from "@src/items";
import type { WireItem } from "@src/wire";

const RLO = "\u202e";
const blocks = (text: string, done = true): Block[] => new MarkdownBlocks().update(text, done);
const drawnLength = (all: Block[]) => all.reduce((sum, block) => sum + ("html" in block ? block.html.length : "text" in block ? block.text.length : "code" in block ? block.code.length : 0), 0);

beforeAll(async () => {
  await import("@webview/item");
});

const draw = (wire: object, done = true) =>
  mount<HTMLElement>("treadle-item", { entry: itemView(wire as WireItem, done), asked: [], outcomes: [], folder: "/w", home: null });
const message = (text: string) => draw({ type: "agentMessage", id: "m", text, phase: null });

describe("words of a model", () => {
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](command:workbench.action.quit)",
    "[x](vscode://a/b)",
    "[x](data:text/html,<script>1</script>)",
    "![x](https://evil.example/a.png)",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "<a href='javascript:alert(1)' onclick=alert(1)>x</a>",
    "<iframe src=https://evil.example></iframe><form action=x><input></form><style>*{display:none}</style>",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
  ])("%s acts in no way", async (text) => {
    const element = await message(text);
    expect(element.querySelectorAll("script, iframe, form, style, svg, object, embed, link, img").length).toBe(0);
    for (const node of element.querySelectorAll("*")) {
      for (const { name, value } of node.attributes) {
        expect(name.startsWith("on")).toBe(false);
        if (name === "href" || name === "src") expect(value).toMatch(/^(#|https:)/);
      }
    }
    for (const link of element.querySelectorAll("a")) link.click();
    expect(said.filter(({ type }) => type !== "openLink" && type !== "openFile")).toEqual([]);
  });

  test("half a mark is drawn as if it were whole, while it is written", () => {
    const html = (text: string) => blocks(text, false).map((block) => ("html" in block ? block.html : "")).join("");
    expect(html("some **bold wor")).toContain("<strong>bold wor</strong>");
    expect(html("see [the page](https://exam")).not.toContain("](");
    expect(html("call `run(")).toContain("<code>run(</code>");
  });

  test.each([
    ["one line", "x".repeat(5_000_000)],
    ["words in one line", "word ".repeat(1_000_000)],
    ["many lines", "some words\n".repeat(450_000)],
    ["brackets", "[".repeat(9_000)],
    ["stars", "*a ".repeat(3_000)],
    ["deep quotes", `${">".repeat(5_000)} x`],
    ["deep lists", Array.from({ length: 300 }, (_, depth) => `${" ".repeat(depth * 2)}- x`).join("\n")],
    ["a wide table", `${"|a".repeat(2_000)}\n${"|-".repeat(2_000)}\n`],
  ])("%s are parsed in no time and kept within bounds", (_, text) => {
    const begin = performance.now();
    const found = blocks(text);
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(drawnLength(found)).toBeLessThan(1_500_000);
  });

  test("a long line is drawn by its ends, and opened whole in an editor", async () => {
    const text = `first words ${"x".repeat(200_000)} last words`;
    const element = await message(`before\n\n${text}\n\nafter`);
    expect(words(element).length).toBeLessThan(20_000);
    for (const part of ["before", "first words", "last words", "after", "characters left out"]) expect(words(element)).toContain(part);
    find(element, ".cut button").click();
    expect(said).toContainEqual(expect.objectContaining({ type: "openText", text: expect.stringContaining(text) }));
  });

  test("of a message without end the rest is a button", async () => {
    const element = await message("some words\n".repeat(100_000));
    expect(words(find(element, ".block.cut"))).toContain("more characters are not drawn here");
  });
});

describe("letters that one does not see", () => {
  test("are shown where what is read must be what is there", () => {
    expect(visible(`a${RLO}b`)).toBe("a⟨U+202E⟩b");
    expect(visible("a\u0000\u001b[1m\u200b\u2066\ufeff\u00ad")).toBe("a␀␛[1m⟨U+200B⟩⟨U+2066⟩⟨U+FEFF⟩⟨U+00AD⟩");
    expect(visible("a\u{e0041}b")).toBe("a⟨U+E0041⟩b");
    expect(visible("tab\tline\nשלום ✓ 日本 👩‍💻".replace("\u200d", ""))).toBe("tab\tline\nשלום ✓ 日本 👩💻");
  });

  test("stand in commands, in file names and in code, which is copied as it is", async () => {
    const command = { type: "commandExecution", id: "c", command: `rm ${RLO}txt.exe`, cwd: "/w", status: "completed", commandActions: [], aggregatedOutput: `out${RLO}put\u0007`, exitCode: 0, durationMs: 1 };
    const card = words(await draw(command));
    expect(card).toContain("rm ⟨U+202E⟩txt.exe");
    expect(card).toContain("out⟨U+202E⟩put");
    const element = await message(`\`\`\`sh\nrm ${RLO}x\n\`\`\``);
    expect(words(element)).toContain("rm ⟨U+202E⟩x");
    find(element, "[aria-label='Copy code']").click();
    expect(said).toContainEqual({ type: "copy", text: `rm ${RLO}x` });
  });

  test("a text is cut between letters, not within one", () => {
    expect(cut("short", 10)).toBeNull();
    const found = cut("👩".repeat(100), 41);
    expect(found && `${found.head}${found.tail}`.includes("\ufffd")).toBe(false);
    expect(found?.head.endsWith("\ud83d")).toBe(false);
  });
});

describe("cards of what nobody foresaw", () => {
  test.each([
    { type: "hologram", id: "x", sides: 6, name: `a${RLO}b` },
    { type: "mcpToolCall", id: "x", server: 5, tool: null, arguments: "words", result: "nothing", error: "no object", status: 7 },
    { type: "mcpToolCall", id: "x", server: "s", tool: "t", arguments: {}, result: { content: [null, 3, { type: "image", mimeType: "image/svg+xml", data: "x" }] }, error: null },
    { type: "webSearch", id: "x", query: "q", action: null, results: [null, { url: "javascript:alert(1)", title: "t" }, { url: "https://a.example/x", title: "<b>t</b>" }] },
    { type: "imageView", id: "x", path: null },
    { type: "dynamicToolCall", id: "x", tool: "t", arguments: null, contentItems: "x" },
    { type: "__proto__", id: "x" },
  ])("$type is a card, and nothing breaks", async (wire) => {
    const element = await draw(wire);
    expect(element.querySelector(".card")).not.toBeNull();
    expect(element.innerHTML).not.toContain("javascript:");
    expect(element.querySelector("b")).toBeNull();
  });

  test("a compaction tells its summary when it is opened", async () => {
    const element = await draw({ type: "contextCompaction", id: "x" });
    expect(said.filter(({ type }) => type === "ask")).toEqual([]);
    const details = find(element, "details") as HTMLDetailsElement;
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    const asked = said.find(({ method }) => method === "summary");
    window.dispatchEvent(new MessageEvent("message", { data: { type: "answered", number: asked?.number, result: { text: "# Goal\nGreet.", reason: "" } } }));
    await new Promise((done) => setTimeout(done));
    expect(words(element)).toContain("Greet.");
  });

  test("a call of an MCP server says who offers it, what it was given, and what it said meanwhile", async () => {
    const call = { type: "mcpToolCall", id: "x", server: "docs", tool: "search", status: "completed", arguments: { query: "wind" }, result: { content: [{ type: "text", text: "Nothing found" }] }, error: null, durationMs: 1200 };
    const shown = words(await draw(call));
    for (const part of ["search", "docs", '"query": "wind"', "Nothing found", "1.2 s"]) expect(shown).toContain(part);
  });
});

describe("the file that a block of code is about", () => {
  test.each([
    ["python src/a.py", "", "src/a.py"],
    ["py:src/a.py", "", "src/a.py"],
    ['ts title="src/b.ts"', "", "src/b.ts"],
    ["python", "Then change `src/a.py`:", "src/a.py"],
    ["python", "Then change [a](src/a.py:10) as follows:", "src/a.py"],
    ["", "**basket.py**", "basket.py"],
    ["python", "Both `a.py` and `b.py` need it:", null],
    ["python", "It works with version 3.11:", null],
    ["sh", "Run this:", null],
    ["python", "See `../../etc/passwd.txt`:", null],
    ["console", "Look at https://example.org/a.html", null],
  ])("%s after %s is %s", (info, before, path) => {
    expect(codePath(info, before)).toBe(path);
  });

  test("its language is the first word", () => {
    expect([codeLanguage("python src/a.py"), codeLanguage("py:src/a.py"), codeLanguage("src/a.py"), codeLanguage("c++"), codeLanguage("")]).toEqual(["python", "py", "py", "c++", ""]);
  });
});
