/**
 * Items beside messages, commands and edits, as they are drawn: calls of tools, searches in the web, pictures, compactions, and whatever
 * else comes, as a plain card. Everything in them is bounded, and nothing is trusted to have the shape that it should have. Pure.
 */
import { headAndTail } from "./output";
import type { CallView, OtherItem, WebView, WireItem } from "./wire";

type Loose = Record<string, unknown>;

export function otherItem(wire: WireItem): OtherItem {
  const { type, id, startedAtMs, completedAtMs, status, answer: _answer, ...rest } = wire as unknown as Loose;
  const common = { type: "other" as const, id: String(id), kind: String(type), status: text(status) || undefined };
  switch (type) {
    case "mcpToolCall":
    case "dynamicToolCall":
      return { ...common, ...toolCall(rest, type === "mcpToolCall") };
    case "webSearch":
      return { ...common, title: text(rest.query), body: "", web: webSearch(rest) };
    case "imageView":
      return { ...common, title: fileName(rest.path), body: "", images: [text(rest.path)] };
    case "contextCompaction":
      return { ...common, title: "", body: "" };
    default:
      return { ...common, title: [rest.server, rest.tool ?? rest.query].map(text).filter(Boolean).join(" · "), body: json(rest) };
  }
}

const longestProgress = 20;

/** A line that an MCP server says while it works. */
export function progressed(item: OtherItem, message: string): OtherItem {
  if (!item.call || !message) return item;
  return { ...item, call: { ...item.call, progress: [...item.call.progress, message.slice(0, 500)].slice(-longestProgress) } };
}

export function said(item: OtherItem, delta: string): OtherItem {
  if (!item.call) return { ...item, body: headAndTail(item.body + delta) };
  return { ...item, call: { ...item.call, said: headAndTail(item.call.said + delta) } };
}

/** What a completed call does not repeat of what came while it ran. */
export function kept(item: OtherItem, before: OtherItem): OtherItem {
  if (!item.call || !before.call) return item;
  const { progress, said } = before.call;
  return { ...item, call: { ...item.call, progress, said: item.call.said || (item.call.error ? "" : said) } };
}

interface ContentPart {
  type?: string;
  text?: string;
  data?: string;
  mimeType?: string;
  imageUrl?: string;
}

const drawable = /^image\/(png|jpeg|gif|webp)$/;
const drawableUrl = /^data:image\/(png|jpeg|gif|webp);base64,/;
const mostPictures = 4;

/** A tool: what it was called with and what it said; its pictures as pictures, not as letters. */
function toolCall(rest: Loose, mcp: boolean): Pick<OtherItem, "title" | "body" | "images" | "call"> {
  const result = (rest.result ?? {}) as { content?: unknown; structuredContent?: unknown };
  const content = list(rest.contentItems ?? result.content) as ContentPart[];
  const pictures = content.map(picture).filter((url) => url !== null);
  const words = content.filter((part) => picture(part) === null).map(wordsOf);
  const structured = !content.length && result.structuredContent ? [json(result.structuredContent)] : [];
  const call: CallView = {
    server: mcp ? text(rest.server) : text(rest.namespace) || null,
    tool: text(rest.tool),
    given: json(rest.arguments),
    said: headAndTail([...words, ...structured].filter(Boolean).join("\n\n")),
    error: text((rest.error as { message?: unknown } | null)?.message).slice(0, 4_000),
    progress: [],
    durationMs: typeof rest.durationMs === "number" ? rest.durationMs : null,
    readOnly: rest.readOnlyHint === true,
  };
  const images = pictures.slice(0, mostPictures);
  const title = [call.server, call.tool].filter(Boolean).join(" · ");
  return { title, body: "", call, images: images.length ? images : undefined };
}

function wordsOf(part: ContentPart): string {
  if (part?.type === "image" || part?.type === "inputImage")
    return `(a picture that is not drawn: ${text(part.mimeType) || "not in the text"})`;
  return text(part?.text) || json(part);
}

function picture(part: ContentPart | null): string | null {
  if (part?.type === "image" && drawable.test(part.mimeType ?? "")) return `data:${part.mimeType};base64,${text(part.data)}`;
  if (part?.type === "inputImage" && drawableUrl.test(text(part.imageUrl))) return text(part.imageUrl);
  return null;
}

const mostLinks = 20;

function webSearch(rest: Loose): WebView {
  const action = (rest.action ?? {}) as Loose;
  const queries = [...list(action.queries), action.query, rest.query].map(text).filter(Boolean);
  return {
    action: text(action.type) || "search",
    queries: [...new Set(queries)].slice(0, mostLinks),
    url: webAddress(action.url),
    pattern: text(action.pattern),
    links: list(rest.results)
      .map(link)
      .filter((found) => found !== null)
      .slice(0, mostLinks),
  };
}

function link(found: unknown): WebView["links"][number] | null {
  const { url, link, title, name, snippet, description, text: words } = (found ?? {}) as Loose;
  const address = webAddress(url ?? link);
  if (!address) return null;
  return {
    url: address,
    title: (text(title ?? name) || address).slice(0, 300),
    text: text(snippet ?? description ?? words).slice(0, 500),
  };
}

function webAddress(value: unknown): string | null {
  const address = text(value);
  return /^https?:\/\//i.test(address) && address.length < 2_000 ? address : null;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Data as people read it; empty when there is nothing in it. */
function json(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return headAndTail(value);
  const shown = JSON.stringify(value, (_key, part: unknown) => part ?? undefined, 2) ?? "";
  return shown === "{}" || shown === "[]" ? "" : headAndTail(shown);
}

function fileName(path: unknown): string {
  return text(path).split(/[\\/]/).at(-1) ?? "";
}
