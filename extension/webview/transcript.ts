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
import { asks, outcomes } from "./asks";
import { post } from "./host";
import "./item";
import { userMessage } from "./user_message";
import { withCode } from "./with_code";

const near = 48;
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
  @query(".scroll") private scroller?: HTMLElement;
  private pinned = true;
  private lastTop = 0;
  private watcher?: ResizeObserver;
  private readonly announcer = new Announcer();
  private announced = "";

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
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
    if (before?.id !== this.view.id) this.announcer.begin(this.view);
    this.announced = this.announcer.news(this.view) || this.announced;
    if (pending(before) < pending(this.view)) this.pinned = true;
  }

  override updated(): void {
    this.stay();
  }

  toEnd(): void {
    this.pinned = true;
    this.stay();
  }

  private stay(): void {
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

  override render(): TemplateResult {
    const { view } = this;
    const turns = view?.turns ?? [];
    return html`<div class="scroll" role="log" aria-label="Conversation" aria-live="off" tabindex="0" @scroll=${this.scrolled}>
        <div class="turns">
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

  private turn(turn: TurnView, last: boolean): TemplateResult {
    return html`<article class="turn ${last ? "last" : ""}" aria-label="Turn">
      ${repeat(
        turn.items,
        (entry) => entry.item.id,
        (entry) => this.item(entry),
      )}
      ${outcomes(this.view?.outcomes[turn.id])}
      ${turn.retrying ? html`<div class="aside-line"><span class="codicon codicon-sync"></span>${withCode(turn.retrying)}</div>` : nothing}
      ${turn.error ? this.failure(turn, last) : turn.status === "interrupted" ? html`<div class="aside-line"><span class="codicon codicon-circle-slash" aria-hidden="true"></span>Stopped</div>` : nothing}
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
      .entry=${entry}
      .asked=${mine.length ? mine : nobody}
      .outcomes=${this.view?.outcomes[id] ?? nothingSaid}
      .folder=${this.folder}
      .home=${this.panel?.home ?? null}
    ></treadle-item>`;
  }

  private get folder(): string | null {
    return this.view?.cwd ?? this.panel?.folder ?? null;
  }

  /** Questions that belong to no item that is drawn: those of MCP servers, at the end. */
  private loose(): unknown {
    const drawn = new Set(this.view?.turns.flatMap((turn) => turn.items.map((entry) => entry.item.id)));
    const loose = this.view?.asked.filter((asked) => !asked.itemId || !drawn.has(asked.itemId)) ?? [];
    if (!loose.length) return nothing;
    return loose.map(
      (asked) => html`<section class="card asking loose" aria-label="A question">
        <div class="head"><span class="codicon codicon-plug kind" aria-hidden="true"></span><span class="title">${asker(asked)}</span></div>
        ${asks([asked], this.folder, this.panel?.home ?? null)}
      </section>`,
    );
  }

  private failure(turn: TurnView, last: boolean): TemplateResult {
    const stopped = turn.status === "interrupted";
    const details = turn.error?.additionalDetails;
    return html`<section class="failure ${stopped ? "soft" : ""}" role="group" aria-label="Error">
      <div class="what"><span class="codicon codicon-${stopped ? "debug-disconnect" : "error"}" aria-hidden="true"></span><span>${withCode(turn.error?.message ?? "")}</span></div>
      ${details ? html`<details class="details"><summary>Details</summary><pre tabindex="0">${details}</pre></details>` : nothing}
      ${last && turn.status !== "inProgress" ? waysOut(turn.error?.codexErrorInfo === "unauthorized") : nothing}
    </section>`;
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

/** `wantsKey`: it failed for want of a key, or of one that counts. */
export function waysOut(wantsKey = false): TemplateResult {
  return html`<div class="answers">
    ${wantsKey ? html`<vscode-button data-testid="set-key" @click=${() => post({ type: "command", command: "setApiKey" })}>Set API Key…</vscode-button>` : nothing}
    <vscode-button ?secondary=${wantsKey} @click=${() => post({ type: "command", command: "retry" })}>Retry</vscode-button>
    <vscode-button secondary @click=${() => post({ type: "command", command: "openSettings" })}>Open Settings</vscode-button>
    <vscode-button secondary @click=${() => post({ type: "command", command: "showLog" })}>Show Log</vscode-button>
  </div>`;
}
