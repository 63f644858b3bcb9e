/**
 * Markdown of a streaming message as blocks. Closed blocks are frozen: only the open tail is parsed again, so a long answer costs as
 * much as a short one. HTML in the text is shown as text, never interpreted; what comes out still passes the sanitiser before it is
 * drawn. Pure: no DOM.
 */
import { Lexer, Parser, Renderer, type Token, type Tokens } from "marked";

export type Block = { kind: "html"; html: string } | { kind: "code"; language: string; code: string; closed: boolean };

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
  private links: Lexer["tokens"]["links"] = {};

  /** All blocks of the text so far. With `done` the tail is closed too. */
  update(text: string, done: boolean): Block[] {
    if (!text.startsWith(this.frozenText)) this.reset();
    const tail = this.lex(text.slice(this.frozenText.length));
    // The last token is open; the one before it may still join with it (a list that goes on after a blank line).
    const closed = tail.slice(0, Math.max(0, tail.length - 2));
    for (const token of closed) {
      this.frozenText += token.raw;
      this.frozen.push(...blocks([token], true));
    }
    const open = tail.slice(closed.length);
    return [...this.frozen, ...open.flatMap((token, index) => blocks([token], done || index < open.length - 1))];
  }

  private reset(): void {
    this.frozen = [];
    this.frozenText = "";
    this.links = {};
  }

  private lex(text: string): Token[] {
    const lexer = new Lexer(options);
    Object.assign(lexer.tokens.links, this.links);
    const tokens = lexer.lex(text);
    this.links = { ...tokens.links };
    return tokens;
  }
}

function blocks(tokens: Token[], closed: boolean): Block[] {
  return tokens.flatMap((token): Block[] => {
    if (token.type === "space" || token.type === "def") return [];
    if (token.type !== "code") return [{ kind: "html", html: Parser.parse([token], options) }];
    const code = token as Tokens.Code;
    return [{ kind: "code", language: (code.lang ?? "").split(/\s/)[0] ?? "", code: code.text, closed }];
  });
}

export function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");
}
