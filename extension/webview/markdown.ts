/**
 * Markdown of a streaming message as blocks. Closed blocks are frozen: only the open tail is parsed again, so a long answer costs as
 * much as a short one. HTML in the text is shown as text, never interpreted; what comes out still passes the sanitiser before it is
 * drawn. Pure: no DOM.
 */
import { Lexer, Parser, Renderer, type Token, type Tokens } from "marked";
import remend from "remend";
import { codeLanguage, codePath } from "./code_path";

export type Block =
  | { kind: "html"; html: string }
  | { kind: "code"; language: string; path: string | null; code: string; closed: boolean }
  /** Not parsed: too long a line, or nested too deep. */
  | { kind: "plain"; text: string }
  /** So many characters follow that are not drawn. */
  | { kind: "cut"; left: number };

/** More of one message is not drawn here. */
const mostDrawn = 300_000;
const piece = 16_000;
const longestMended = 8_000;
/** A line that is too long, or opens too many quotes or lists at once. */
const wild = /[^\n]{10000}|^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])){24}|^[ \t]{200}/m;

const renderer = new Renderer();
renderer.html = ({ text }) => escaped(text);
renderer.link = function ({ href, title, tokens }) {
  const inner = this.parser.parseInline(tokens);
  const target = linkTarget(href);
  if (!target) return inner;
  const hint = escaped(title ? `${title} (${href})` : href);
  return target.kind === "web"
    ? `<a href="${escaped(target.url)}" title="${hint}">${inner}</a>`
    : `<a href="#" data-file="${escaped(target.path)}" title="${hint}">${inner}</a>`;
};
renderer.image = ({ href, text }) =>
  /^data:image\/(png|jpeg|gif|webp);/i.test(href)
    ? `<img src="${escaped(href)}" alt="${escaped(text)}">`
    : `<span class="blocked-image">${escaped(text || "image")} (not loaded)</span>`;
renderer.checkbox = ({ checked }) => (checked ? "☑ " : "☐ ");
renderer.table = ((table) =>
  function (this: Renderer, token: Tokens.Table) {
    return `<div class="table">${table.call(this, token)}</div>`;
  })(renderer.table);

const options = { gfm: true, breaks: false, async: false as const, renderer };

type LinkTarget = { kind: "web"; url: string } | { kind: "file"; path: string };

/** Where a link of the model may lead: a web page, or a file of the workspace that the host opens. Anything else is no link. */
export function linkTarget(href: string): LinkTarget | null {
  if (/^https?:\/\//i.test(href)) return { kind: "web", url: href };
  const path = href.replace(/^file:\/\//i, "");
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) && !/^[a-z]:[\\/]/i.test(path) && !/^[\w./-]+:\d+(:\d+)?$/.test(path)) return null;
  if (!path || path.startsWith("#") || path.startsWith("//")) return null;
  try {
    return { kind: "file", path: decodeURIComponent(path) };
  } catch {
    return { kind: "file", path };
  }
}

/** Grows with a message. Give it the whole text each time; what it has closed it does not look at again. */
export class MarkdownBlocks {
  private frozen: Block[] = [];
  private frozenText = "";
  private lastRaw = "";
  private links: Lexer["tokens"]["links"] = {};

  /** All blocks of the text so far. With `done` the tail is closed too. */
  update(text: string, done: boolean): Block[] {
    if (!text.startsWith(this.frozenText)) this.reset();
    const drawn = text.length > mostDrawn ? upToLine(text, mostDrawn) : text;
    // What comes at once is taken piece by piece, as if it streamed, so that no more than a piece is parsed twice.
    for (let size = piece; this.frozenText.length + size < drawn.length; ) {
      const before = this.frozenText.length;
      this.take(upToLine(drawn, before + size));
      size = this.frozenText.length > before ? piece : size * 2;
    }
    const open = this.take(drawn);
    const last = open.length - 1;
    const whole = done || drawn !== text;
    let raw = this.lastRaw;
    const tail = open.flatMap((token, index) => {
      const closed = whole || index < last;
      const found = blocks(closed ? token : mended(token), raw, closed);
      raw = token.raw.trim() ? token.raw : raw;
      return found;
    });
    const all = [...this.frozen, ...tail];
    return drawn === text ? all : [...all, { kind: "cut", left: text.length - drawn.length }];
  }

  /** Closes all but the last two tokens and gives these back: the last is open, and the one before it may still join with it. */
  private take(text: string): Token[] {
    const tokens = this.lex(text.slice(this.frozenText.length));
    const closed = tokens.slice(0, Math.max(0, tokens.length - 2));
    for (const token of closed) {
      this.frozenText += token.raw;
      this.frozen.push(...blocks(token, this.lastRaw, true));
      if (token.raw.trim()) this.lastRaw = token.raw;
    }
    return tokens.slice(closed.length);
  }

  private reset(): void {
    this.frozen = [];
    this.frozenText = "";
    this.lastRaw = "";
    this.links = {};
  }

  private lex(text: string): Token[] {
    const fence = openFence(text);
    if (fence) return [fence];
    return tame(text).flatMap(({ text, wild }): Token[] => {
      if (wild) return [plainToken(text)];
      const lexer = new Lexer(options);
      Object.assign(lexer.tokens.links, this.links);
      try {
        const tokens = lexer.lex(text);
        this.links = { ...tokens.links };
        return tokens;
      } catch {
        return [plainToken(text)];
      }
    });
  }
}

/** A fence that is open to the end: told without parsing, for code grows long. */
function openFence(text: string): Token | null {
  const [head = "", marks = "", info = ""] = /^(`{3,}|~{3,})([^\n`]*)\n/.exec(text) ?? [];
  if (!head || new RegExp(`^ {0,3}${marks}`, "m").test(text.slice(head.length))) return null;
  return { type: "code", raw: text, lang: info.trim(), text: text.slice(head.length).replace(/\n$/, "") } as Tokens.Code;
}

function plainToken(text: string): Token {
  return { type: "plain", raw: text, text } as Tokens.Generic;
}

/** Up to the last end of a line within so many characters; so many, where there is none. */
function upToLine(text: string, most: number): string {
  const end = text.lastIndexOf("\n", most) + 1;
  return text.slice(0, end > most / 2 ? end : most);
}

/** Text in which lines that no person wrote, and no parser should see, stand apart from the others. */
function tame(text: string): { text: string; wild: boolean }[] {
  if (!wild.test(text)) return text ? [{ text, wild: false }] : [];
  const parts: { text: string; wild: boolean }[] = [];
  for (const line of text.split(/(?<=\n)/)) {
    const isWild = wild.test(line);
    const last = parts.at(-1);
    if (last && last.wild === isWild) last.text += line;
    else parts.push({ text: line, wild: isWild });
  }
  return parts;
}

/** What is being written now, with its marks closed, so that half a mark is not drawn as stars and brackets. */
function mended(token: Token): Token {
  if (token.raw.length > longestMended) return token;
  if (token.type !== "paragraph" && token.type !== "heading" && token.type !== "list" && token.type !== "blockquote")
    return token;
  const text = remend(token.raw, { linkMode: "text-only", htmlTags: false, katex: false });
  if (text === token.raw) return token;
  const [first, ...others] = new Lexer(options).lex(text);
  return first && !others.length ? { ...first, raw: token.raw } : token;
}

function blocks(token: Token, before: string, closed: boolean): Block[] {
  if (token.type === "space" || token.type === "def") return [];
  if (token.type === "plain") return [{ kind: "plain", text: token.raw }];
  if (token.type === "code") {
    const code = token as Tokens.Code;
    const info = code.lang ?? "";
    return [{ kind: "code", language: codeLanguage(info), path: codePath(info, before), code: code.text, closed }];
  }
  try {
    return [{ kind: "html", html: Parser.parse([token], options) }];
  } catch {
    return [{ kind: "plain", text: token.raw }];
  }
}

export function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");
}
