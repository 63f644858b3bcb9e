/**
 * The list of turns. It stays at the end while the user is there and never pulls them back when they have scrolled up. What a screen
 * reader hears are finished blocks, not tokens.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Asked, Outcome } from "../src/asked";
import type { Draft } from "../src/draft";
import type { PanelState } from "../src/messages";
import type { ItemView, ThreadView, TurnView, Unsent } from "../src/thread";
import { isRunning } from "../src/thread";
import { Announcer } from "./announcer";
import { answerBar } from "./answer_bar";
import { asks, outcomes } from "./asks";
import { count, drawnTurns, moved, portion, type Start, startFor } from "./drawn";
import "./find";
import type { Find } from "./find";
import { ask, post, reason } from "./host";
import "./item";
import "./marks";
import { turnEnd } from "./turn_end";
import { userMessage } from "./user_message";
import { withCode } from "./with_code";

const near = 48;
/** Milliseconds in which a move of the view is still heard of. */
const recently = 1_000;
const pages: Record<string, "previous" | "next"> = { PageUp: "previous", PageDown: "next" };
// The same lists each time, so that an item without questions is not drawn again.
const nobody: Asked[] = [];
const nothingSaid: Outcome[] = [];

@customElement("treadle-transcript")
export class Transcript extends LitElement {
  @property({ attribute: false }) view?: ThreadView;
  @property({ attribute: false }) panel?: PanelState;
  /** Where words go that the user wants to change before they are sent again. */
  @property({ attribute: false }) giveBack?: (text: string, draft?: Draft) => void;
  @state() private away = false;
  @state() private finding = false;
  @state() private loading = false;
  /** Why earlier messages did not come. */
  @state() private failure = "";
  @query(".scroll") private scroller?: HTMLElement;
  @query("treadle-find") private find?: Find;
  /** Where drawing begins; null: all that is loaded is drawn; undefined: to be found out. */
  private start: Start | null | undefined;
  private pinned = true;
  private lastTop = 0;
  /** When the user last turned, dragged or pressed something here that may move the view. */
  private touched = Number.NEGATIVE_INFINITY;
  /** Something drawn that must stay in its place while more is drawn above it. */
  private held?: { element: Element; top: number };
  private watcher?: ResizeObserver;
  private readonly announcer = new Announcer();
  private announced = "";

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("keydown", this.key, true);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.key, true);
    this.watcher?.disconnect();
  }

  override firstUpdated(): void {
    const content = this.querySelector(".turns");
    this.watcher = new ResizeObserver(() => this.stay());
    if (content) this.watcher.observe(content);
    if (this.scroller) this.watcher.observe(this.scroller);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("view") || !this.view) return;
    const before = changed.get("view");
    const other = before?.id !== this.view.id;
    if (other) this.start = undefined;
    if (!other && before && before.turns[0]?.id !== this.view.turns[0]?.id) this.hold();
    this.start = this.finding ? null : moved(this.view.turns, this.start, this.pinned);
    if (other) this.announcer.begin(this.view);
    this.announced = this.announcer.news(this.view) || this.announced;
    if (other || pending(before) < pending(this.view)) this.pin();
    if (other) this.failure = "";
  }

  override updated(): void {
    const { held, scroller } = this;
    this.held = undefined;
    if (held?.element.isConnected && scroller) scroller.scrollTop += held.element.getBoundingClientRect().top - held.top;
    this.stay();
    // Looked for only when it is there: not to find it takes a walk through the whole page.
    if (this.finding) this.find?.refresh();
  }

  /** To the user's message before or after what is in view, or to the search. */
  readonly go = (to: "previous" | "next" | "find") => {
    if (to === "find") void this.openFind();
    else if (to === "next") this.toMessage(1);
    else void this.toPrevious();
  };

  /** Taken before VS Code hears of them: its own search would go to an editor that happens to be open. */
  private readonly key = (event: KeyboardEvent) => {
    const { key, altKey, shiftKey } = event;
    const command = event.ctrlKey || event.metaKey;
    const wanted = command && !altKey && !shiftKey && key === "f" ? "find" : altKey && !command ? pages[key] : undefined;
    if (!wanted) return;
    event.preventDefault();
    event.stopPropagation();
    this.go(wanted);
  };

  private async toPrevious(): Promise<void> {
    if (this.toMessage(-1)) return;
    if (await this.showEarlier()) this.toMessage(-1);
  }

  private toMessage(by: 1 | -1): boolean {
    const top = this.scroller?.getBoundingClientRect().top ?? 0;
    const messages = [...this.querySelectorAll<HTMLElement>(".turns treadle-item .user")];
    const places = messages.map((message) => ({ message, at: message.getBoundingClientRect().top - top }));
    const found = by < 0 ? places.findLast(({ at }) => at < -4) : places.find(({ at }) => at > 4);
    if (!found) {
      if (by > 0) this.toEnd();
      return false;
    }
    this.show(found.message);
    return true;
  }

  private show(message: HTMLElement): void {
    this.pinned = false;
    this.away = true;
    message.tabIndex = -1;
    message.scrollIntoView({ block: "start" });
    message.focus({ preventScroll: true });
  }

  private readonly toItem = async (itemId: string) => {
    const find = () => this.querySelector<HTMLElement>(`[data-item="${CSS.escape(itemId)}"] .user`);
    if (!find()) {
      this.start = null;
      this.requestUpdate();
      await this.updateComplete;
    }
    const message = find();
    if (message) this.show(message);
  };

  private async openFind(): Promise<void> {
    this.pinned = false;
    this.finding = true;
    this.start = null;
    await this.updateComplete;
    await this.find?.updateComplete;
    this.find?.focus();
  }

  private readonly closeFind = () => {
    this.finding = false;
    // The search let go of the end; who is still there stays there.
    this.scrolled();
    this.scroller?.focus({ preventScroll: true });
  };

  /** Draws more of what is loaded, or loads more; what is in view stays in its place. False when there is no more. */
  private async showEarlier(): Promise<boolean> {
    const { view } = this;
    if (!view || this.loading) return false;
    const drawn = count(drawnTurns(view.turns, this.start ?? null));
    if (this.start === null) {
      if (!view.earlier) return false;
      this.loading = true;
      this.failure = "";
      const came = await ask("earlier", {}).catch((error) => this.failed(view, error));
      this.loading = false;
      if (!came || !(await this.arrived(view))) return false;
    }
    this.pinned = false;
    this.hold();
    this.start = startFor(this.view?.turns ?? [], drawn + portion);
    this.requestUpdate();
    await this.updateComplete;
    return true;
  }

  private failed(asked: ThreadView, error: unknown): false {
    if (this.view?.id === asked.id) this.failure = `Earlier messages could not be loaded: ${reason(error)}`;
    return false;
  }

  /** What was loaded comes as an event, before the answer or after it. False when another thread is shown meanwhile. */
  private async arrived(asked: ThreadView): Promise<boolean> {
    const there = () => this.view?.id !== asked.id || this.view?.turns[0]?.id !== asked.turns[0]?.id;
    for (let tries = 0; !there() && tries < 50; tries += 1) await new Promise((drawn) => setTimeout(drawn, 20));
    return this.view?.id === asked.id;
  }

  private hold(): void {
    const element = this.pinned ? null : this.querySelector(".turns > .turn treadle-item");
    if (element) this.held = { element, top: element.getBoundingClientRect().top };
  }

  toEnd(): void {
    this.pin();
    this.stay();
  }

  /** The end is wanted, wherever the user was. */
  private pin(): void {
    this.pinned = true;
    this.away = false;
    this.lastTop = 0;
  }

  private stay(): void {
    // The user may have moved away just now: of that the event comes later than a drawing. Without a user's hand the view was moved by
    // content that shrank and has grown again since.
    if (this.pinned && performance.now() - this.touched < recently) this.scrolled();
    if (!this.pinned || !this.scroller) return;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    // Content that shrank has moved the view upwards, which must not pass for the user's doing when the scroll event arrives.
    this.lastTop = this.scroller.scrollTop;
  }

  /** Only a move upwards lets go of the end: growing content also raises the distance, and that is not the user's doing. */
  private scrolled(): void {
    const box = this.scroller;
    if (!box) return;
    const end = box.scrollHeight - box.scrollTop - box.clientHeight < near;
    if (end) this.pinned = true;
    else if (box.scrollTop < this.lastTop - 1) this.pinned = false;
    this.lastTop = box.scrollTop;
    this.away = !this.pinned;
  }

  private readonly touch = {
    passive: true,
    handleEvent: () => {
      this.touched = performance.now();
    },
  };

  override render(): TemplateResult {
    const { view } = this;
    const turns = drawnTurns(view?.turns ?? [], this.start ?? null);
    return html`${this.finding ? this.findBar() : html`<treadle-marks class=${this.away ? "away" : ""} .view=${view} .go=${this.go} .jump=${this.toItem}></treadle-marks>`}
      <div class="scroll ${this.pinned ? "pinned" : ""}" role="log" aria-label="Conversation" aria-live="off" tabindex="0" @scroll=${this.scrolled}
        @wheel=${this.touch} @touchmove=${this.touch} @pointerdown=${this.touch} @keydown=${this.touch}>
        <div class="turns">
          ${this.start || view?.earlier ? this.more() : nothing}
          ${repeat(
            turns,
            (turn) => turn.id,
            (turn, index) => this.turn(turn, index === turns.length - 1),
          )}
          ${this.loose()}
          ${(view?.unsent ?? []).map((unsent) => this.unsent(unsent))}
          ${(view?.unconfirmed ?? []).filter((sent) => !sent.waits).map((sent) => userMessage(sent.text, true))} ${this.working()}
        </div>
      </div>
      ${this.away ? this.jump() : nothing}
      <div class="sr-only" aria-live="polite" aria-atomic="true">${this.announced}</div>`;
  }

  private findBar(): TemplateResult {
    return html`<treadle-find .page=${this.querySelector(".turns")} .earlier=${this.view?.earlier ?? false} .first=${this.view?.turns[0]?.id} .close=${this.closeFind}></treadle-find>`;
  }

  private more(): TemplateResult {
    return html`<button class="earlier" ?disabled=${this.loading} @click=${() => this.showEarlier()}>
      <span class="codicon codicon-${this.loading ? "loading codicon-modifier-spin" : "history"}" aria-hidden="true"></span>${this.loading ? "Loading…" : "Show earlier messages"}
    </button>${this.failure ? html`<div class="aside-line" role="alert">${withCode(this.failure)}</div>` : nothing}`;
  }

  private turn(turn: TurnView, last: boolean): TemplateResult {
    return html`<article class="turn ${last ? "last" : ""}" aria-label="Turn">
      ${repeat(
        turn.items,
        (entry) => entry.item.id,
        (entry) => this.item(entry),
      )}
      ${outcomes(this.view?.outcomes[turn.id])} ${answerBar(turn)}
      ${turn.retrying ? html`<div class="aside-line"><span class="codicon codicon-sync"></span>${withCode(turn.retrying)}</div>` : nothing}
      ${turnEnd(turn, last)}
    </article>`;
  }

  private unsent({ clientId, text, draft, reason }: Unsent): TemplateResult {
    const edit = () => {
      this.giveBack?.(text, draft);
      post({ type: "takeBack", clientId });
    };
    // The banner on top already says why, as long as the sidecar is not there.
    const why = this.panel?.connection === "failed" ? nothing : html` ${withCode(reason)}`;
    return html`<section class="unsent" role="group" aria-label="Message not sent">
      ${userMessage(text)}
      <div class="what"><span class="codicon codicon-error" aria-hidden="true"></span><span><strong>Not sent.</strong>${why}</span></div>
      <div class="answers">
        <vscode-button class="resend" @click=${() => post({ type: "resend", clientId })}>Retry</vscode-button>
        <vscode-button class="take-back" secondary title="Put the words back where you write" @click=${edit}>Edit</vscode-button>
      </div>
    </section>`;
  }

  private item(entry: ItemView): TemplateResult {
    const { id } = entry.item;
    const mine = this.view?.asked.filter((asked) => asked.itemId === id) ?? [];
    return html`<treadle-item
      data-item=${id}
      .entry=${entry}
      .asked=${mine.length ? mine : nobody}
      .outcomes=${this.view?.outcomes[id] ?? entry.outcomes ?? nothingSaid}
      .folder=${this.folder}
      .home=${this.panel?.home ?? null}
    ></treadle-item>`;
  }

  private get folder(): string | null {
    return this.view?.cwd ?? this.panel?.folder ?? null;
  }

  /** Questions that belong to no item that is drawn: those of MCP servers, at the end. */
  private loose(): unknown {
    if (!this.view?.asked.length) return nothing;
    const drawn = new Set(this.view.turns.flatMap((turn) => turn.items.map((entry) => entry.item.id)));
    const loose = this.view?.asked.filter((asked) => !asked.itemId || !drawn.has(asked.itemId)) ?? [];
    if (!loose.length) return nothing;
    return repeat(
      loose,
      (asked) => asked.id,
      (asked) => html`<section class="card asking loose" aria-label="A question">
        <div class="head"><span class="codicon codicon-plug kind" aria-hidden="true"></span><span class="title">${asker(asked)}</span></div>
        ${asks([asked], this.folder, this.panel?.home ?? null)}
      </section>`,
    );
  }

  private working(): unknown {
    const { view } = this;
    if (!view || !isRunning(view)) return nothing;
    const last = (this.view?.turns.at(-1)?.items ?? []).at(-1);
    if (view.asked.length) return nothing;
    const streaming =
      last && !last.done && last.item.type !== "userMessage" && !(last.item.type === "agentMessage" && !last.item.text);
    const word = view.progress ?? (streaming ? "" : "Working");
    return html`<div class="working" role="status" aria-label="Treadle is working">
      <span class="weave" aria-hidden="true"><i></i><i></i><i></i></span>${word ? html`<span class="shimmer">${word}</span>` : nothing}
    </div>`;
  }

  private jump(): TemplateResult {
    const waiting = (this.view?.asked.length ?? 0) > 0;
    return html`<button class="jump ${waiting ? "asking" : ""}" @click=${this.toEnd}>
      <span class="codicon codicon-arrow-down" aria-hidden="true"></span>${waiting ? "A question waits" : "To the end"}
    </button>`;
  }
}

/** Who asks, where no item says it. */
function asker(asked: Asked): TemplateResult {
  return "server" in asked && asked.server ? html`MCP server <code>${asked.server}</code>` : html`Treadle asks`;
}

/** How many messages stand after the turns. */
function pending(view: ThreadView | undefined): number {
  return (view?.unconfirmed.length ?? 0) + (view?.unsent.length ?? 0);
}
