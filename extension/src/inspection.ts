/**
 * A request of the agent as a page to read: every piece with where it comes from, its size, whether it was there before, and its text.
 * Pure: no `vscode`, no clock. It shows what the sidecar says and adds nothing.
 */
import type { LedgerRow, PromptPart, PromptReadResponse } from "./wire";

/** Markdown: a heading for each piece, all of one level, so that the outline is the table of contents and each folds by itself. */
export function page(prompt: PromptReadResponse): string {
  const which = prompt.request === null ? "The next request" : `Request ${prompt.request}`;
  const about = `${prompt.model} from ${prompt.provider}, ${count(prompt.size)} bytes, about ${count(prompt.tokens)} tokens`;
  const problem = prompt.problem ? [`> ${prompt.problem}`, ""] : [];
  return [`# ${which}`, "", about, "", ...problem, ...bill(prompt), ...prompt.parts.map((part) => piece(part, prompt))].join(
    "\n",
  );
}

/** What came out of the cache, what was to be expected, and what it cost. */
function bill({ row, kept, parts }: PromptReadResponse): string[] {
  const old = parts.slice(0, kept);
  const tokens = old.reduce((sum, part) => sum + part.tokens, 0);
  const expected = kept
    ? `- As in the request before: the first ${kept} of ${parts.length} pieces, about ${count(tokens)} tokens. They are marked “as before”; the rest is new.`
    : "- Nothing is as in a request before: all of it is new to the cache.";
  if (!row) return [expected, ""];
  const used = row.inputTokens === null ? row.status : [`${count(row.inputTokens)} tokens in`, ...(cached(row) ?? [])].join(", ");
  const out = row.outputTokens === null ? "" : `, ${count(row.outputTokens)} out`;
  const price = row.price === null ? (row.priceNote ?? "No public price.") : dollars(row.price);
  return [`- Used: ${used}${out}`, `- Cost: ${price}`, `- Cache: ${row.explanation}`, expected, ""];
}

function piece(part: PromptPart, { kept, request }: PromptReadResponse): string {
  const what = part.role ? `${part.type} (${part.role})` : part.type;
  const fresh = part.index < kept ? " · as before" : request === null && part.pending ? " · not sent yet" : "";
  const title = `# ${part.index} ${what}: ${brief(part.source)} · about ${count(part.tokens)} tokens${fresh}`;
  const about = `${part.source} · ${count(part.size)} bytes`;
  const fence = fenceFor(part.text);
  const language = part.type === "tools" || part.type === "fields" ? "json" : "text";
  return [title, "", about, "", `${fence}${language}`, part.text, fence, ""].join("\n");
}

/** The source as a heading has room for it. */
function brief(source: string): string {
  const short = source.replace(/ \([^)]*\)/g, "").replace(/, turn [\w-]+/, "");
  return short.length > 60 ? `${short.slice(0, 59)}…` : short;
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

export function dollars(price: number): string {
  return `$${price.toFixed(price < 1 ? 4 : 2)}`;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
