/**
 * A request of the agent as a page to read: every piece with where it comes from, its size, and its text. Pure: no `vscode`, no clock.
 * It shows what the sidecar says and adds nothing.
 */
import type { LedgerRow, PromptPart, PromptReadResponse } from "./wire";

/** Markdown: a heading for each piece, so that the outline is the table of contents, and its text in a fence. */
export function page(prompt: PromptReadResponse): string {
  const which = prompt.request === null ? "The next request" : `Request ${prompt.request}`;
  const about = `${prompt.model} from ${prompt.provider}, ${count(prompt.size)} bytes, about ${count(prompt.tokens)} tokens`;
  const problem = prompt.problem ? [`> ${prompt.problem}`, ""] : [];
  return [`# ${which}`, "", about, "", ...problem, ...prompt.parts.map(piece)].join("\n");
}

function piece(part: PromptPart): string {
  const what = part.role ? `${part.type} (${part.role})` : part.type;
  const pending = part.pending ? " · not sent yet" : "";
  const about = `${part.source} · ${count(part.size)} bytes · about ${count(part.tokens)} tokens${pending}`;
  const fence = fenceFor(part.text);
  const language = part.type === "tools" || part.type === "fields" ? "json" : "text";
  return [`## ${part.index} ${what}`, "", about, "", `${fence}${language}`, part.text, fence, ""].join("\n");
}

/** Longer than any run of backticks in the text, so that the text cannot end it. */
function fenceFor(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return "`".repeat(longest + 1);
}

/** A request as a line of a list: its label, and what it cost and kept. */
export function choice(row: LedgerRow): { label: string; description: string; detail: string } {
  const input = row.inputTokens === null ? row.status : `${count(row.inputTokens)} tokens in`;
  const price = row.price === null ? [] : [dollars(row.price)];
  const description = [row.model, input, ...(cached(row) ?? []), ...price].join(" · ");
  return { label: `Request ${row.number}`, description, detail: row.explanation };
}

/** What the meter says of the last request: how much of it came out of the cache, and why not more. */
export function lastRequest(row: Pick<LedgerRow, "hit" | "price" | "explanation">): string {
  const facts = [...(cached(row) ?? []), ...(row.price === null ? [] : [dollars(row.price)])];
  return `Last request: ${[...facts, ""].join(". ")}${row.explanation}`;
}

function cached(row: Pick<LedgerRow, "hit">): string[] | null {
  return row.hit === null ? null : [`${Math.round(row.hit * 100)}% from the cache`];
}

function dollars(price: number): string {
  return `$${price.toFixed(price < 1 ? 4 : 2)}`;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
