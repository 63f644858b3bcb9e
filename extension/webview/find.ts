/**
 * Find in the chat: how many places, the next and the one before, all of them marked. Of turns that are not loaded it says how often the
 * words occur there, and loads them when the user wants to see them.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Asks } from "../src/messages";
import { mark, mostFound, ranges, reveal } from "./found";
import { ask, reason } from "./host";

const pause = 150;

@customElement("treadle-find")
export class Find extends LitElement {
  /** The element whose items are searched. */
  @property({ attribute: false }) page?: HTMLElement;
  /** There are turns that are not loaded. */
  @property({ attribute: false }) earlier = false;
  /** The first turn that is loaded: with another one, other places are in earlier messages. */
  @property({ attribute: false }) first?: string;
  @property({ attribute: false }) close?: () => void;
  @state() private found: Range[] = [];
  @state() private at = -1;
  @state() private places: { turnId: string }[] = [];
  @state() private morePlaces = false;
  @state() private loading = false;
  /** What could not be done with earlier messages, in a sentence. */
  @state() private failure = "";
  @query("input") private input?: HTMLInputElement;
  private term = "";
  private asked = 0;
  // Two of them: a page that is drawn anew must not take away what was typed.
  private typing: ReturnType<typeof setTimeout> | undefined;
  private drawing: ReturnType<typeof setTimeout> | undefined;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.typing);
    clearTimeout(this.drawing);
    mark([], undefined);
  }

  override updated(changed: PropertyValues<this>): void {
    // While pages are loaded for a place, one search at the end of it is enough.
    if (this.term && !this.loading && (changed.has("earlier") || changed.has("first"))) void this.searchEarlier();
  }

  override focus(): void {
    this.input?.focus();
    this.input?.select();
  }

  /** The page was drawn anew: search again, soon, and stay at the place. A page that is drawn all the time must not put it off for ever. */
  refresh(): void {
    if (!this.term || this.drawing !== undefined) return;
    this.drawing = setTimeout(() => {
      this.drawing = undefined;
      if (this.typing !== undefined) return; // what was typed is searched in a moment, from where the user is
      // Where there was no place before, the first that came is the place to be.
      this.search(this.at < 0);
    }, pause);
  }

  private typed(): void {
    this.term = this.input?.value ?? "";
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.searchTyped(), pause);
  }

  private searchTyped(): void {
    clearTimeout(this.typing);
    this.typing = undefined;
    this.search(true);
    void this.searchEarlier();
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

  private async searchEarlier(failure = ""): Promise<void> {
    const { term } = this;
    this.asked += 1;
    const mine = this.asked;
    let answer: Asks["occurrences"]["result"] = { places: [], more: false };
    if (this.earlier && term) {
      try {
        answer = await ask("occurrences", { term });
      } catch (error) {
        failure ||= `Earlier messages could not be searched: ${reason(error)}`;
      }
    }
    if (mine !== this.asked) return;
    this.places = answer.places;
    this.morePlaces = answer.more;
    this.failure = failure;
  }

  private step(by: number): void {
    // Whoever is quicker than the pause goes on from the place that it would have found.
    if (this.typing !== undefined) this.searchTyped();
    if (!this.found.length) return;
    this.at = (this.at + by + this.found.length) % this.found.length;
    this.show(true);
  }

  /** The turn of the nearest of the places that are not loaded, and all after it. */
  private async load(): Promise<void> {
    const until = this.places.at(-1)?.turnId;
    if (!until || this.loading) return;
    this.loading = true;
    const failure = await ask("earlier", { until }).then(
      (there) => (there ? "" : "The nearest place is too far back to be loaded."),
      (error) => `Earlier messages could not be loaded: ${reason(error)}`,
    );
    this.loading = false;
    await this.searchEarlier(failure);
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
      ${this.places.length || this.failure ? this.elsewhere() : nothing}
    </div>`;
  }

  private elsewhere(): TemplateResult {
    const { failure, loading, places } = this;
    const often = places.length ? `${places.length}${this.morePlaces ? "+" : ""} more in earlier messages.` : "";
    const again = failure && !places.length;
    return html`<div class="elsewhere">
      ${often ? html`<span>${often}</span>` : nothing} ${failure ? html`<span role="alert">${failure}</span>` : nothing}
      <button class="link" ?disabled=${loading} @click=${() => (again ? this.searchEarlier() : this.load())}>${again ? "Try again" : loading ? "Loading…" : "Load the nearest"}</button>
    </div>`;
  }

  private button(icon: string, title: string, click: () => void): TemplateResult {
    return html`<button class="icon" title=${title} aria-label=${title.split(" (")[0] ?? title} @click=${click}>
      <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    </button>`;
  }
}
