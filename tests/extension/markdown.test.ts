// @vitest-environment jsdom
import { describe, expect, test } from "vitest";
import { type Block, linkTarget, MarkdownBlocks } from "@webview/markdown";
import { sanitized } from "@webview/sanitize";

const html = (text: string) => new MarkdownBlocks().update(text, true).map((block) => (block.kind === "html" ? sanitized(block.html) : "code" in block ? block.code : "")).join("");

const long = `# Title

Some *words* with [a link](https://example.org) and \`code\`.

- one
- two

  still two

1. first
2. second

| a | b |
|---|---|
| 1 | 2 |

\`\`\`python
def f():
    return 1


print(f())
\`\`\`

> quoted

A last paragraph with **bold** text.
`;

describe("markdown that streams", () => {
  test.each([1, 3, 7, 20, 64])("ends as the whole text would, in pieces of %i characters", (size) => {
    const streaming = new MarkdownBlocks();
    let last: Block[] = [];
    for (let end = size; end < long.length + size; end += size) last = streaming.update(long.slice(0, end), end >= long.length);
    expect(last).toEqual(new MarkdownBlocks().update(long, true));
  });

  test("does not touch a block again once it is closed", () => {
    const streaming = new MarkdownBlocks();
    const first = streaming.update("one\n\ntwo\n\nthree\n\nfo", false);
    const second = streaming.update("one\n\ntwo\n\nthree\n\nfour and more", false);
    expect(second[0]).toBe(first[0]);
    expect(second[1]).toBe(first[1]);
  });

  test("starts anew when the text is another one", () => {
    const streaming = new MarkdownBlocks();
    streaming.update("one\n\ntwo\n\nthree\n\nfour", false);
    expect(streaming.update("other", true)).toEqual([{ kind: "html", html: "<p>other</p>\n" }]);
  });

  test("shows an open fence as code that is not closed yet", () => {
    const open = new MarkdownBlocks().update("text\n\n```js\nlet a = 1", false);
    expect(open.at(-1)).toEqual({ kind: "code", language: "js", path: null, code: "let a = 1", closed: false });
  });

  test("costs little for a long message, because only the tail is parsed", () => {
    const text = long.repeat(120);
    const streaming = new MarkdownBlocks();
    let parsed = 0;
    const lex = (streaming as unknown as { lex: (tail: string) => unknown }).lex.bind(streaming);
    (streaming as unknown as { lex: (tail: string) => unknown }).lex = (tail) => {
      parsed += tail.length;
      return lex(tail);
    };
    let updates = 0;
    for (let end = 40; end < text.length; end += 40, updates += 1) streaming.update(text.slice(0, end), false);
    expect(parsed / updates).toBeLessThan(4 * long.length);
  });
});

describe("what the model may put on the page", () => {
  test("HTML is shown as text", () => {
    expect(html('<img src=x onerror="alert(1)"><script>alert(1)</script>')).not.toMatch(/<img|<script/);
    expect(html("an <b>inline</b> tag")).toContain("&lt;b&gt;");
  });

  test.each(["javascript:alert(1)", "command:workbench.action.quit", "vscode://x", "data:text/html,x", "//evil.example", "JaVaScRiPt:alert(1)"])(
    "a link to %s is only its text",
    (href) => {
      expect(html(`[text](${href})`)).not.toContain("<a");
    },
  );

  test("a web link keeps its address, a file link goes to the host", () => {
    expect(html("[web](https://example.org/a?b=c)")).toContain('href="https://example.org/a?b=c"');
    expect(html("[file](src/a.py:12)")).toContain('data-file="src/a.py:12"');
    expect(linkTarget("src/with%20space.py")).toEqual({ kind: "file", path: "src/with space.py" });
    expect(linkTarget("C:\\code\\a.py")).toEqual({ kind: "file", path: "C:\\code\\a.py" });
  });

  test("a remote image is not loaded, one that is in the text is", () => {
    expect(html("![pixel](https://evil.example/p.png)")).not.toContain("<img");
    expect(html("![dot](data:image/png;base64,iVBORw0KGgo=)")).toContain('src="data:image/png;base64,iVBORw0KGgo="');
    expect(html("![svg](data:image/svg+xml;base64,PHN2Zz4=)")).not.toContain("<img");
  });

  test("styles, handlers and forms do not pass the sanitiser", () => {
    const clean = sanitized('<a href="https://e.org" style="position:fixed" onclick="x()">a</a><form><input></form><iframe src="https://e.org"></iframe>');
    expect(clean).toBe('<a href="https://e.org">a</a>');
  });
});
