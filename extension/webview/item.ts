/** One item of the transcript, drawn by its kind. An item that did not change is not drawn again; an unknown kind has a plain card. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { type Asked, isApproval, type Outcome } from "../src/asked";
import { type HookItem, hookTitle } from "../src/hooks";
import type { ItemView } from "../src/thread";
import type { OtherItem, ReasoningItem, UserMessageItem } from "../src/wire";
import { type CardContext, card, isAsking, questions, tone } from "./cards";
import { changeCard } from "./change_card";
import { commandCard } from "./command_card";
import { wasOpened } from "./host";
import "./message";
import "./picture";
import { duration } from "./text";

@customElement("treadle-item")
export class TranscriptItem extends LitElement {
  @property({ attribute: false }) entry?: ItemView;
  @property({ attribute: false }) asked: Asked[] = [];
  @property({ attribute: false }) outcomes: Outcome[] = [];
  @property({ attribute: false }) folder: string | null = null;
  @property({ attribute: false }) home: string | null = null;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): unknown {
    const { entry } = this;
    if (!entry) return nothing;
    const { item } = entry;
    const { folder, home, asked, outcomes } = this;
    const context: CardContext = { folder, home, asked, outcomes, now: Date.now() };
    switch (item.type) {
      case "userMessage":
        return userMessage(words(item));
      case "agentMessage":
        return item.text ? html`<treadle-markdown .text=${item.text} .done=${entry.done}></treadle-markdown>` : nothing;
      case "reasoning":
        return reasoning(entry, item);
      case "commandExecution":
        return commandCard(entry, item, context);
      case "fileChange":
        return changeCard(entry, item, context);
      case "hook":
        return hook(item);
      case "other":
        return other(entry, item, context);
    }
  }
}

export function words(item: UserMessageItem): string {
  return item.content.map((part) => (part.type === "text" ? part.text : `[${part.type}]`)).join("");
}

export function userMessage(text: string, sending = false): TemplateResult {
  const long = text.length > 900 || text.split("\n").length > 14;
  return html`<div class="user ${sending ? "sending" : ""} ${long ? "long" : ""}">
    <treadle-markdown .text=${text} .done=${true}></treadle-markdown>
  </div>`;
}

function reasoning(entry: ItemView, item: ReasoningItem): unknown {
  const text = (item.summary.some(Boolean) ? item.summary : item.content).filter(Boolean).join("\n\n");
  if (!text && entry.done) return nothing;
  const took = entry.startedAt && entry.completedAt ? entry.completedAt - entry.startedAt : 0;
  const title = entry.done ? (took > 500 ? `Thought for ${duration(took)}` : "Thought") : "Thinking";
  return card({
    id: item.id,
    kind: "reasoning",
    icon: "lightbulb",
    title: html`<span class=${entry.done ? "" : "shimmer"}>${title}</span>`,
    label: title,
    tone: "plain",
    open: wasOpened(item.id) ?? !entry.done,
    body: text ? html`<treadle-markdown .text=${text} .done=${entry.done}></treadle-markdown>` : nothing,
  });
}

function hook(item: HookItem): TemplateResult {
  const bad = item.status !== "running" && item.status !== "completed";
  return html`<div class="aside-line hook ${bad ? "bad" : ""}">
    <span class="codicon codicon-${bad ? "warning" : "zap"}" aria-hidden="true"></span>
    <span class="words">${hookTitle(item)}${item.said.length ? html`: ${item.said.join(" ")}` : nothing}</span>
  </div>`;
}

const otherNames: Record<string, [icon: string, name: string]> = {
  mcpToolCall: ["plug", "Tool"],
  dynamicToolCall: ["tools", "Tool"],
  webSearch: ["globe", "Web search"],
  contextCompaction: ["fold", "Context compacted"],
  imageView: ["file-media", "Looked at"],
  plan: ["checklist", "Plan"],
};

/** Our own tools, by what they do. */
const tools: Record<string, [icon: string, name: string]> = {
  update_plan: ["checklist", "Updated the plan"],
  request_user_input: ["question", "Asked you"],
  view_image: ["file-media", "Looked at an image"],
  read_output: ["output", "Read on in an output"],
};

function other(entry: ItemView, item: OtherItem, context: CardContext): TemplateResult {
  const own = item.kind === "dynamicToolCall" ? tools[item.title] : undefined;
  const [icon, name] = own ?? otherNames[item.kind] ?? ["symbol-misc", item.kind];
  const asking = isAsking(context);
  return card({
    id: item.id,
    kind: "other",
    icon,
    title: item.title && !own ? html`${name} <code>${item.title}</code>` : name,
    label: own ? name : `${name} ${item.title}`,
    tone: item.kind === "contextCompaction" ? "plain" : tone(entry, context),
    aside: asking ? html`<span class="word">${context.asked.some(isApproval) ? "approval" : "waits for you"}</span>` : nothing,
    open: asking ? true : (wasOpened(item.id) ?? item.images !== undefined),
    body:
      asking || (!item.body && !item.images)
        ? nothing
        : html`${pictures(item)}${item.body ? html`<pre class="output" tabindex="0"><code>${item.body}</code></pre>` : nothing}`,
    after: questions(context),
  });
}

function pictures(item: OtherItem): unknown {
  return item.images?.map(
    (source) => html`<treadle-picture .source=${source} .name=${item.title || "Picture"}></treadle-picture>`,
  );
}
