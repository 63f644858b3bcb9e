/** One item of the transcript, drawn by its kind. An item that did not change is not drawn again; an unknown kind has a plain card. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ApprovalView, ItemView } from "../src/thread";
import type { OtherItem, ReasoningItem, UserMessageItem } from "../src/wire";
import { approvalForm } from "./approval_card";
import { type CardContext, card, tone } from "./cards";
import { changeCard } from "./change_card";
import { commandCard } from "./command_card";
import { wasOpened } from "./host";
import "./message";
import { duration } from "./text";

@customElement("treadle-item")
export class TranscriptItem extends LitElement {
  @property({ attribute: false }) entry?: ItemView;
  @property({ attribute: false }) approval?: ApprovalView;
  @property({ attribute: false }) folder: string | null = null;
  @property({ attribute: false }) home: string | null = null;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): unknown {
    const { entry } = this;
    if (!entry) return nothing;
    const { item } = entry;
    const context: CardContext = { folder: this.folder, home: this.home, approval: this.approval, now: Date.now() };
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

const otherNames: Record<string, [icon: string, name: string]> = {
  mcpToolCall: ["plug", "Tool"],
  dynamicToolCall: ["tools", "Tool"],
  webSearch: ["globe", "Web search"],
  contextCompaction: ["fold", "Context compacted"],
  imageView: ["file-media", "Looked at an image"],
  plan: ["checklist", "Plan"],
};

function other(entry: ItemView, item: OtherItem, context: CardContext): TemplateResult {
  const [icon, name] = otherNames[item.kind] ?? ["symbol-misc", item.kind];
  return card({
    id: item.id,
    kind: "other",
    icon,
    title: item.title ? html`${name} <code>${item.title}</code>` : name,
    label: `${name} ${item.title}`,
    tone: item.kind === "contextCompaction" ? "plain" : tone(entry, context),
    aside: context.approval ? html`<span class="word">approval</span>` : nothing,
    open: context.approval ? true : (wasOpened(item.id) ?? false),
    body: context.approval
      ? approvalForm(context.approval, context)
      : item.body
        ? html`<pre class="output" tabindex="0"><code>${item.body}</code></pre>`
        : nothing,
  });
}
