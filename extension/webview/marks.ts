/** The small bar over the transcript: the user's messages as a list, the one before and after the place in view, and the search. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { ThreadView } from "../src/thread";
import { words } from "./user_message";
import { visible } from "./visible";

export interface Mark {
  itemId: string;
  text: string;
}

/** The user's messages of the loaded turns, each by its first line. */
export function marks(view: ThreadView | undefined): Mark[] {
  const items = view?.turns.flatMap((turn) => turn.items.map((entry) => entry.item)) ?? [];
  return items.flatMap((item) => (item.type === "userMessage" ? [{ itemId: item.id, text: firstLine(words(item)) }] : []));
}

function firstLine(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return visible(line.slice(0, 120)) || "(a picture)";
}

@customElement("treadle-marks")
export class Marks extends LitElement {
  @property({ attribute: false }) view?: ThreadView;
  @property({ attribute: false }) go?: (to: "previous" | "next" | "find") => void;
  @property({ attribute: false }) jump?: (itemId: string) => void;
  @state() private open = false;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): TemplateResult {
    return html`<div class="marks ${this.open ? "open" : ""}" role="toolbar" aria-label="Go to" @keydown=${this.key} @focusout=${this.left}>
      ${this.button("list-flat", "Your messages", () => this.toggle(), this.open)}
      ${this.button("arrow-up", "Previous message (Alt+PageUp)", () => this.go?.("previous"))}
      ${this.button("arrow-down", "Next message (Alt+PageDown)", () => this.go?.("next"))}
      ${this.button("search", "Find (Ctrl+F)", () => this.go?.("find"))}
      ${this.open ? this.list() : nothing}
    </div>`;
  }

  private toggle(): void {
    this.open = !this.open;
    if (this.open) void this.updateComplete.then(() => this.querySelector<HTMLElement>(".outline button:last-of-type")?.focus());
  }

  private list(): TemplateResult {
    const choose = (itemId: string) => {
      this.open = false;
      this.jump?.(itemId);
    };
    return html`<div class="menu outline" role="group" aria-label="Your messages">
      ${marks(this.view).map(({ itemId, text }) => html`<button class="entry" title=${text} @click=${() => choose(itemId)}>${text}</button>`)}
    </div>`;
  }

  private readonly left = (event: FocusEvent) => {
    if (!this.contains(event.relatedTarget as Node | null)) this.open = false;
  };

  private readonly key = (event: KeyboardEvent) => {
    if (!this.open) return;
    if (event.key === "Escape") {
      this.open = false;
      this.querySelector<HTMLElement>("button")?.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const entries = [...this.querySelectorAll<HTMLElement>(".entry")];
      const at = entries.indexOf(document.activeElement as HTMLElement) + (event.key === "ArrowDown" ? 1 : -1);
      entries[(at + entries.length) % entries.length]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  private button(icon: string, title: string, click: () => void, expanded?: boolean): TemplateResult {
    return html`<button class="icon" title=${title} aria-label=${title.split(" (")[0] ?? title} aria-expanded=${expanded === undefined ? nothing : String(expanded)} @click=${click}>
      <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    </button>`;
  }
}
