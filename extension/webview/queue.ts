/** The messages that wait for the running turn to end, over the box: each can be changed, moved, deleted, or sent now. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { QueuedView } from "../src/thread";
import { draftOf, keepDraft, post } from "./host";

@customElement("treadle-queue")
export class Queue extends LitElement {
  @property({ attribute: false }) queue: QueuedView[] = [];
  @property({ attribute: false }) running = false;
  /** The one that is being changed. */
  @state() private editing: string | null = null;
  private focusAfter: string | null = null;
  /** Where the keyboard is while the messages change places: an element that is moved loses it. */
  private focused: HTMLElement | null = null;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override willUpdate(): void {
    const at = document.activeElement;
    this.focused = at instanceof HTMLElement && this.contains(at) ? at : null;
  }

  override updated(): void {
    if (this.focused?.isConnected && document.activeElement !== this.focused) this.focused.focus();
    this.focused = null;
    if (!this.focusAfter) return;
    this.querySelector<HTMLElement>(this.focusAfter)?.focus();
    this.focusAfter = null;
  }

  override render(): unknown {
    const { queue } = this;
    if (!queue.length) return nothing;
    return html`<section class="queue" aria-label="Messages that wait">
      <div class="title">
        <span class="codicon codicon-list-ordered" aria-hidden="true"></span>${queue.length === 1 ? "1 message waits" : `${queue.length} messages wait`}
      </div>
      <ol>
        ${repeat(
          queue,
          ({ id }) => id,
          (queued, index) => this.one(queued, index),
        )}
      </ol>
    </section>`;
  }

  private one(queued: QueuedView, index: number): TemplateResult {
    const { id } = queued;
    if (this.editing === id || draftOf<string>(key(id)) !== undefined) return this.field(queued);
    const text = words(queued);
    const more = queued.input.length - (queued.input[0]?.type === "text" ? 1 : 0);
    return html`<li data-id=${id} @keydown=${(event: KeyboardEvent) => this.key(event, id)}>
      <button class="words" title="Change (Enter); move with Alt+Up and Alt+Down" @click=${() => this.edit(id)}>${text || "(no words)"}${
        more > 0 ? html`<span class="more">+${more}</span>` : nothing
      }</button>
      <span class="acts">
        ${this.act("arrow-up", "Move up", () => post({ type: "queueMove", id, by: -1 }), index === 0)}
        ${this.act("arrow-down", "Move down", () => post({ type: "queueMove", id, by: 1 }), index === this.queue.length - 1)}
        ${this.act("edit", "Change", () => this.edit(id))}
        ${this.act("trash", "Delete", () => post({ type: "queueDelete", id }))}
        ${this.act("send", this.running ? "Send now, into the running turn" : "Send now", () => post({ type: "queueSend", id }))}
      </span>
    </li>`;
  }

  private act(icon: string, name: string, act: () => void, off = false): TemplateResult {
    return html`<button class="icon small ${icon}" title=${name} aria-label=${name} ?disabled=${off} @click=${act}>
      <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    </button>`;
  }

  private field(queued: QueuedView): TemplateResult {
    const { id } = queued;
    const text = draftOf<string>(key(id)) ?? words(queued);
    const save = () => {
      const value = this.querySelector<HTMLTextAreaElement>(`[data-id="${id}"] textarea`)?.value ?? text;
      if (value.trim() && value !== words(queued)) post({ type: "queueEdit", id, text: value });
      this.stop(id);
    };
    const press = (event: KeyboardEvent) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.shiftKey) save();
      else if (event.key === "Escape") this.stop(id);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    return html`<li data-id=${id} class="editing">
      <textarea rows="2" aria-label="Change the waiting message" .value=${text} @keydown=${press}
        @input=${(event: Event) => keepDraft(key(id), (event.target as HTMLTextAreaElement).value)}></textarea>
      <span class="acts">
        ${this.act("check", "Save (Enter)", save)}
        ${this.act("close", "Leave as it was (Escape)", () => this.stop(id))}
      </span>
    </li>`;
  }

  private edit(id: string): void {
    this.editing = id;
    this.focusAfter = `[data-id="${id}"] textarea`;
  }

  private stop(id: string): void {
    keepDraft(key(id), undefined);
    this.editing = null;
    this.focusAfter = `[data-id="${id}"] .words`;
    this.requestUpdate();
  }

  private key(event: KeyboardEvent, id: string): void {
    const by = event.altKey ? { ArrowUp: -1, ArrowDown: 1 }[event.key] : undefined;
    if (by !== undefined) post({ type: "queueMove", id, by });
    else if (event.key === "Delete") post({ type: "queueDelete", id });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function words({ input }: QueuedView): string {
  const [first] = input;
  return first?.type === "text" ? first.text : "";
}

function key(id: string): string {
  return `queued:${id}`;
}
