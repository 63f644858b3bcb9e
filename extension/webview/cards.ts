/** The frame of every card in the transcript: a line that says what happened, and a body that opens and closes. */
import { html, nothing, type TemplateResult } from "lit";
import type { Asked, Outcome } from "../src/asked";
import type { ItemView } from "../src/thread";
import { asks, outcomes } from "./asks";
import { rememberOpened } from "./host";

/** What a card needs to know besides its item. */
export interface CardContext {
  folder: string | null;
  home: string | null;
  /** Questions about this item that wait, and how others ended. */
  asked: Asked[];
  outcomes: Outcome[];
  now: number;
}

export type Tone = "plain" | "running" | "good" | "bad" | "asking" | "muted";

export interface CardParts {
  id: string;
  icon: string;
  title: unknown;
  label: string;
  tone: Tone;
  aside?: unknown;
  open: boolean;
  body: unknown;
  /** What stays in sight when the card is closed. */
  after?: unknown;
  kind: string;
}

const toneIcons: Partial<Record<Tone, string>> = { good: "check", bad: "error", asking: "bell-dot", muted: "circle-slash" };

export function card(parts: CardParts): TemplateResult {
  const { id, icon, title, label, tone, aside, open, body, kind, after = nothing } = parts;
  const head = html`<span class="codicon codicon-${icon} kind" aria-hidden="true"></span>
    <span class="title">${title}</span>
    <span class="aside">${aside ?? nothing}${mark(tone)}</span>`;
  const bare = html`<div class="head">${head}</div>`;
  const folding = () => html`<details ?open=${open} @toggle=${(event: Event) => toggled(id, open, event)}>
      <summary class="head" title=${label}>
        ${head}<span class="codicon codicon-chevron-right twist" aria-hidden="true"></span>
      </summary>
      <div class="body">${body}</div>
    </details>`;
  // One frame for both: a question that is being answered stays where it is when the card gets a body.
  return html`<section class="card ${kind} ${tone}" aria-label=${label}>${!body || body === nothing ? bare : folding()}${after}</section>`;
}

function toggled(id: string, before: boolean, event: Event): void {
  const now = (event.target as HTMLDetailsElement).open;
  if (now !== before) rememberOpened(id, now);
}

function mark(tone: Tone): unknown {
  if (tone === "running")
    return html`<span class="codicon codicon-loading codicon-modifier-spin" role="img" aria-label="running"></span>`;
  const icon = toneIcons[tone];
  return icon ? html`<span class="codicon codicon-${icon} mark" aria-hidden="true"></span>` : nothing;
}

/** What a card shows below its own: the questions about it and how they ended. */
export function questions(context: CardContext): unknown {
  if (!context.asked.length && !context.outcomes.length) return nothing;
  return html`${outcomes(context.outcomes)}${asks(context.asked, context.folder, context.home)}`;
}

export function isAsking(context: CardContext): boolean {
  return context.asked.length > 0;
}

export function tone(entry: ItemView, context: CardContext): Tone {
  if (isAsking(context)) return "asking";
  if (!entry.done) return "running";
  const status = "status" in entry.item ? entry.item.status : undefined;
  if (status === "failed") return "bad";
  if (status === "declined") return "muted";
  return "good";
}
