/**
 * Where a text has TODO and FIXME comments. Pure, and one pass: it knows strings and comments of the common languages well enough not
 * to take a string for a comment. Text without the words is not looked at; text that is too long, and more than a hundred, are left.
 */

export interface Todo {
  /** Counted from 0. */
  line: number;
  column: number;
  text: string;
}

export const mostText = 2_000_000;
export const mostTodos = 100;

interface Grammar {
  line: string[];
  block: [string, string][];
  /** Quotes that end with their line. */
  quotes: string;
  /** Quotes that go on over lines, the longest first. */
  long: string[];
}

const c: Grammar = {
  line: ["//"],
  block: [
    ["/*", "*/"],
    ["{/*", "*/}"],
  ],
  quotes: "\"'",
  long: ["`"],
};
const hash: Grammar = { line: ["#"], block: [], quotes: "\"'", long: ['"""', "'''"] };
const markup: Grammar = { line: [], block: [["<!--", "-->"]], quotes: "", long: [] };
const mixed: Grammar = { ...c, block: [...c.block, ["<!--", "-->"]] };
const dashes: Grammar = { line: ["--"], block: [["/*", "*/"]], quotes: "\"'", long: [] };

const grammars: Record<string, Grammar> = {
  ...every(
    c,
    "javascript javascriptreact typescript typescriptreact java c cpp csharp go rust swift kotlin scala dart groovy objective-c jsonc less scss",
  ),
  ...every(
    hash,
    "python ruby shellscript yaml toml perl perl6 r julia elixir dockerfile makefile cmake coffeescript powershell ignore properties nix",
  ),
  ...every(markup, "html xml markdown xsl"),
  ...every(mixed, "vue svelte astro"),
  ...every(dashes, "sql haskell elm ada"),
  php: { ...c, line: ["//", "#"], long: [] },
  css: { line: [], block: [["/*", "*/"]], quotes: "\"'", long: [] },
  lua: { line: ["--"], block: [["--[[", "]]"]], quotes: "\"'", long: [] },
  clojure: { line: [";"], block: [], quotes: '"', long: [] },
  lisp: { line: [";"], block: [], quotes: '"', long: [] },
  ini: { line: [";", "#"], block: [], quotes: "", long: [] },
};

function every(grammar: Grammar, names: string): Record<string, Grammar> {
  return Object.fromEntries(names.split(" ").map((name) => [name, grammar]));
}

const word = /\b(?:TODO|FIXME)\b/;

export function todos(text: string, language: string): Todo[] {
  const grammar = grammars[language];
  if (!grammar || text.length > mostText || !word.test(text)) return [];
  const found: Todo[] = [];
  let [line, lineStart, at] = [0, 0, 0];
  while (at < text.length && found.length < mostTodos) {
    const end = next(text, at, grammar);
    if (end.comment) found.push(...inComment(text.slice(at, end.at), line, at - lineStart));
    for (let newline = text.indexOf("\n", at); newline >= 0 && newline < end.at; newline = text.indexOf("\n", newline + 1)) {
      line += 1;
      lineStart = newline + 1;
    }
    at = end.at;
  }
  return found.slice(0, mostTodos);
}

/** What begins here, and where it ends: a comment, a string, or a stretch of code. */
function next(text: string, at: number, { line, block, quotes, long }: Grammar): { at: number; comment: boolean } {
  for (const [open, close] of block) {
    if (text.startsWith(open, at)) return { at: after(text, close, at + open.length), comment: true };
  }
  for (const open of line) {
    if (!text.startsWith(open, at) || (open === "#" && /[\w$&{]/.test(text[at - 1] ?? " "))) continue;
    const end = text.indexOf("\n", at);
    return { at: end < 0 ? text.length : end, comment: true };
  }
  for (const quote of long) if (text.startsWith(quote, at)) return { at: closing(text, quote, at, false), comment: false };
  const char = text[at] ?? "";
  if (quotes.includes(char)) return { at: closing(text, char, at, true), comment: false };
  return { at: at + 1, comment: false };
}

function after(text: string, close: string, from: number): number {
  const end = text.indexOf(close, from);
  return end < 0 ? text.length : end + close.length;
}

/** Past the end of a string. One that does not end in its line is none: an apostrophe, a lifetime. */
function closing(text: string, quote: string, start: number, short: boolean): number {
  for (let at = start + quote.length; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text.startsWith(quote, at)) return at + quote.length;
    else if (short && text[at] === "\n") return start + 1;
  }
  return short ? start + 1 : text.length;
}

/** One a line: the first word of the comment's line, or after it a colon or a bracket. */
function inComment(comment: string, line: number, column: number): Todo[] {
  if (!word.test(comment)) return [];
  const found: Todo[] = [];
  for (const [number, words] of comment.split("\n").entries()) {
    const match = /(?:^[^\p{L}\p{N}]*|[\s(])(TODO|FIXME)\b(?=\s*[:(\-!]|\s|$)/u.exec(words);
    if (!match) continue;
    const at = match.index + match[0].length - (match[1]?.length ?? 0);
    const text = words
      .slice(at)
      .replace(/\s*(?:\*+\/|-->|\]\])\s*\}?\s*$/, "")
      .trim();
    found.push({ line: line + number, column: at + (number ? 0 : column), text });
  }
  return found;
}
