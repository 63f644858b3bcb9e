/** One item of the transcript, drawn by its kind. An item that did not change is not drawn again; an unknown kind has a plain card. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { AsideItem } from "../src/asides";
import type { Asked, Outcome } from "../src/asked";
import { type HookItem, hookTitle } from "../src/hooks";
import type { ItemView } from "../src/thread";
import type { ReasoningItem } from "../src/wire";
import { type CardContext, card } from "./cards";
import { changeCard } from "./change_card";
import { commandCard } from "./command_card";
import { wasOpened } from "./host";
import "./message";
import { withActions } from "./message_actions";
import { duration } from "./text";
import { otherCard } from "./tool_cards";
import { beside, userMessage, words } from "./user_message";
import { visible } from "./visible";

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
    if (!this.entry) return nothing;
    try {
      return this.drawn(this.entry);
    } catch {
      // of another version, or damaged: the items around it are drawn all the same
      return html`<p class="unreadable">This step cannot be shown.</p>`;
    }
  }

  private drawn(entry: ItemView): unknown {
    const { item } = entry;
    const { folder, home, asked, outcomes } = this;
    const context: CardContext = { folder, home, asked, outcomes, now: Date.now() };
    switch (item.type) {
      case "userMessage":
        return withActions(item, userMessage(words(item), false, beside(item)));
      case "agentMessage":
        // the words of a review are data: what it found is drawn when it ends
        return item.text && !item.text.startsWith('{"findings"')
          ? html`<treadle-markdown .text=${item.text} .done=${entry.done}></treadle-markdown>`
          : nothing;
      case "reasoning":
        return reasoning(entry, item);
      case "commandExecution":
        return commandCard(entry, item, context);
      case "fileChange":
        return changeCard(entry, item, context);
      case "hook":
        return hook(item);
      case "aside":
        return aside(item);
      case "other":
        return otherCard(entry, item, context);
    }
  }
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

function aside({ icon, words, details }: AsideItem): TemplateResult {
  return html`<div class="aside-line" title=${visible(details)}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span><span class="words">${visible(words)}</span>
  </div>`;
}

function hook(item: HookItem): TemplateResult {
  const bad = item.status !== "running" && item.status !== "completed";
  return html`<div class="aside-line hook ${bad ? "bad" : ""}">
    <span class="codicon codicon-${bad ? "warning" : "zap"}" aria-hidden="true"></span>
    <span class="words">${hookTitle(item)}${item.said.length ? html`: ${visible(item.said.join(" "))}` : nothing}</span>
  </div>`;
}
