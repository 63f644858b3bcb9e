/**
 * Find in the chat: how many places, the next and the one before, all of them marked. Of turns that are not loaded it says how often the
 * words occur there, and loads them when the user wants to see them.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { mark, mostFound, ranges, reveal } from "./found";
import { ask } from "./host";

const pause = 150;

@customElement("treadle-find")
export class Find extends LitElement {
  /** The element whose items are searched. */
  @property({ attribute: false }) page?: HTMLElement;
  /** There are turns that are not loaded. */
  @property({ attribute: false }) earlier = false;
  @property({ attribute: false }) close?: () => void;
  @state() private found: Range[] = [];
  @state() private at = -1;
  @state() private places: { turnId: string }[] = [];
  @state() private morePlaces = false;
  @state() private loading = false;
  @query("input") private input?: HTMLInputElement;
  private term = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
    mark([], undefined);
  }

  override focus(): void {
    this.input?.focus();
    this.input?.select();
  }

  /** The page was drawn anew: search again, soon, and stay at the place. */
  refresh(): void {
    if (!this.term) return;
    clearTimeout(this.timer);
    // Where there was no place before, the first that came is the place to be.
    this.timer = setTimeout(() => this.search(this.at < 0), pause);
  }

  private typed(): void {
    this.term = this.input?.value ?? "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.search(true);
      void this.searchEarlier();
    }, pause);
  }

  private search(go: boolean): void {
    const items = this.page?.querySelectorAll("treadle-item, .unsent, .failure, .user.sending") ?? [];
    this.found = ranges(items, this.term);
    if (go) this.at = this.nearest();
    else this.at = Math.min(this.at, this.found.length - 1);
    this.show(go);
  }

  /** The first place that is in view or below it, else the last one. */
  private nearest(): number {
    const top = this.page?.getBoundingClientRect().top ?? 0;
    const below = this.found.findIndex((range) => (range.startContainer.parentElement?.getBoundingClientRect().top ?? 0) >= top);
    return below < 0 ? this.found.length - 1 : below;
  }

  private show(go: boolean): void {
    const current = this.found[this.at];
    mark(this.found, current);
    if (go && current) reveal(current);
  }

  private async searchEarlier(): Promise<void> {
    const { term } = this;
    const nothingFound = { places: [], more: false };
    const answer = this.earlier && term ? await ask("occurrences", { term }).catch(() => nothingFound) : nothingFound;
    if (term !== this.term) return;
    this.places = answer.places;
    this.morePlaces = answer.more;
  }

  private step(by: number): void {
    if (!this.found.length) return;
    this.at = (this.at + by + this.found.length) % this.found.length;
    this.show(true);
  }

  /** The turn of the nearest of the places that are not loaded, and all after it. */
  private async load(): Promise<void> {
    const until = this.places.at(-1)?.turnId;
    if (!until || this.loading) return;
    this.loading = true;
    await ask("earlier", { until }).catch(() => false);
    this.loading = false;
    await this.searchEarlier();
    this.refresh();
  }

  private readonly key = (event: KeyboardEvent) => {
    if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") this.close?.();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  override render(): TemplateResult {
    const { found, at, term } = this;
    const many = found.length >= mostFound ? `${mostFound}+` : String(found.length);
    const status = !term ? "" : found.length ? `${at + 1} of ${many}` : "No results";
    return html`<div class="find" role="search" aria-label="Find in chat" @keydown=${this.key}>
      <input type="text" placeholder="Find" aria-label="Find in chat" spellcheck="false" @input=${this.typed} />
      <span class="status" role="status">${status}</span>
      ${this.button("arrow-up", "Previous match (Shift+Enter)", () => this.step(-1))}
      ${this.button("arrow-down", "Next match (Enter)", () => this.step(1))}
      ${this.button("close", "Close (Escape)", () => this.close?.())}
      ${this.places.length ? this.elsewhere() : nothing}
    </div>`;
  }

  private elsewhere(): TemplateResult {
    const { length } = this.places;
    const often = `${length}${this.morePlaces ? "+" : ""} more in earlier messages.`;
    return html`<div class="elsewhere">
      <span>${often}</span> <button class="link" ?disabled=${this.loading} @click=${this.load}>${this.loading ? "Loading…" : "Load the nearest"}</button>
    </div>`;
  }

  private button(icon: string, title: string, click: () => void): TemplateResult {
    return html`<button class="icon" title=${title} aria-label=${title.split(" (")[0] ?? title} @click=${click}>
      <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    </button>`;
  }
}
