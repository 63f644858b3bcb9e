/** The whole panel: takes the snapshot and the numbered events, folds them as the host does, and lays out the parts. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { isApproval } from "../src/asked";
import { type Draft, emptyDraft } from "../src/draft";
import type { PanelState, Place, ToWebview } from "../src/messages";
import { emptyView, fold, isRunning, type Notice, type ThreadView } from "../src/thread";
import { focusQuestion } from "./asks";
import "./composer";
import type { Composer } from "./composer";
import { type ContextBox, pendingTools } from "./context";
import "./findings";
import { newProblems } from "./findings";
import { header } from "./header";
import { listen, post, rememberOpened, wasOpened } from "./host";
import { plan } from "./plan";
import { editing, elsewhere } from "./restored";
import "./review_bar";
import { shareReview } from "./review_store";
import "./transcript";
import type { Transcript } from "./transcript";
import { opening, welcome } from "./welcome";
import { withCode } from "./with_code";

@customElement("treadle-panel")
export class Panel extends LitElement {
  @state() private view: ThreadView = emptyView;
  @state() private panel: PanelState | null = null;
  @query("treadle-composer") private composer?: Composer;
  @query("treadle-transcript") private transcript?: Transcript;
  @state() private contextOpen = wasOpened("context") ?? false;
  @query("treadle-context") private context?: ContextBox;
  private seq = 0;
  /** What came before the first snapshot: it was meant for the page that was here before, or overtook. */
  private early: ToWebview[] = [];
  private firstDraft: Draft = emptyDraft;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    listen((message) => this.receive(message));
    window.addEventListener("focus", () => post({ type: "focused" }));
    window.addEventListener("keydown", this.key);
    post({ type: "ready" });
  }

  private receive(message: ToWebview): void {
    if (!this.panel && message.type !== "snapshot") {
      // Of the state the snapshot says all; a first state without it would take the draft for an empty one.
      if (message.type !== "events" && message.type !== "panel" && this.early.length < 20) this.early.push(message);
      return;
    }
    switch (message.type) {
      case "snapshot":
        this.seq = message.seq;
        this.view = message.view;
        // Later snapshots do not touch what is being written here.
        if (!this.panel) this.firstDraft = message.draft;
        this.panel = message.panel;
        void this.catchUp();
        return;
      case "events":
        if (message.seq === this.seq + 1) {
          this.seq = message.seq;
          this.view = message.events.reduce(fold, this.view);
        } else if (message.seq > this.seq) {
          post({ type: "ready" });
        }
        return;
      case "panel":
        this.panel = message.panel;
        return;
      case "compose":
        if (message.replace) this.composer?.suggest(message.text);
        else this.composer?.giveBack(message.text);
        return;
      case "takeAway":
        this.composer?.takeAway(message.text);
        return;
      case "mention":
        this.composer?.mention(message.mention);
        return;
      case "go":
        this.transcript?.go(message.to);
        return;
      case "focus":
        void this.focusAt(message.at);
    }
  }

  private async catchUp(): Promise<void> {
    const early = this.early.splice(0);
    await this.updateComplete;
    for (const message of early) this.receive(message);
  }

  /** A question's card is drawn some steps after the panel that holds it. */
  private async focusAt(at?: Place): Promise<void> {
    if (at === "context" || at === "ledger") return this.showContext(at);
    for (let tries = 0; at && this.view.asked.length && tries < 20; tries += 1) {
      await this.updateComplete;
      if (focusQuestion(0)) return;
      await new Promise((drawn) => setTimeout(drawn, 16));
    }
    await this.updateComplete;
    this.composer?.focusInput();
  }

  override willUpdate(): void {
    shareReview(this.view);
  }

  override render(): unknown {
    const { view, panel } = this;
    if (!panel) return nothing;
    const empty = !view.turns.length && !view.unconfirmed.length && !view.unsent.length && !view.asked.length;
    return html`${orNothing(() => header(view, panel, { open: this.contextOpen, toggle: this.toggleContext }))} ${orNothing(() => this.banners(view, panel))}
      <main>
        ${view.elsewhere ? elsewhere(view.elsewhere) : empty && panel.opening ? opening() : empty ? welcome(panel, (prompt) => this.composer?.suggest(prompt), Date.now()) : html`<treadle-transcript .view=${view} .panel=${panel} .giveBack=${this.giveBack}></treadle-transcript>`}
      </main>
      ${orNothing(() => plan(view.plan))}
      <treadle-findings .review=${panel.changesReview ?? null}></treadle-findings>${newProblems(panel.newProblems)}
      <treadle-review .files=${view.review} .folder=${panel.folder} .home=${panel.home}></treadle-review> ${this.waiting(view)}
      <treadle-restored .restored=${view.restored}></treadle-restored>${editing(view.editing)}
      <treadle-composer
        .running=${isRunning(view)}
        .disabled=${!panel.folder}
        .approvalId=${view.asked.find(isApproval)?.id ?? null}
        .view=${view}
        .panel=${panel}
        .first=${this.firstDraft}
        @focusin=${() => this.transcript?.requestUpdate()}
      ></treadle-composer>`;
  }

  /** Several questions at once: how many, and a way from one to the next. */
  private waiting(view: ThreadView): unknown {
    const count = view.asked.length;
    if (count < 2) return nothing;
    return html`<div class="waiting" role="status">
      <span class="codicon codicon-bell-dot" aria-hidden="true"></span><span class="words">${count} questions wait for you</span>
      <button class="icon" title="Previous question (Alt+Up)" aria-label="Previous question" @click=${() => focusQuestion(-1)}><span class="codicon codicon-arrow-up"></span></button>
      <button class="icon" title="Next question (Alt+Down)" aria-label="Next question" @click=${() => focusQuestion(1)}><span class="codicon codicon-arrow-down"></span></button>
    </div>`;
  }

  private readonly key = (event: KeyboardEvent) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (focusQuestion(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
  };

  private readonly giveBack = (text: string, draft?: Draft) => this.composer?.giveBack(text, draft);

  private readonly toggleContext = (): void => {
    this.contextOpen = !this.contextOpen;
    rememberOpened("context", this.contextOpen);
    if (this.contextOpen) void this.showContext("context");
    else this.querySelector<HTMLElement>("header .meter")?.focus();
  };

  private async showContext(at: "context" | "ledger"): Promise<void> {
    this.contextOpen = true;
    rememberOpened("context", true);
    await this.updateComplete;
    await this.context?.focusAt(at);
  }

  private banners(view: ThreadView, panel: PanelState): unknown {
    const health = panel.connection === "failed" || panel.connection === "restarting" ? this.health(panel) : nothing;
    const tools = pendingTools(view);
    if (health === nothing && tools === nothing && !view.notices.length) return nothing;
    return html`<div class="banners">${health}${tools}${view.notices.slice(-3).map((notice) => this.notice(notice))}</div>`;
  }

  private health(panel: PanelState): TemplateResult {
    const failed = panel.connection === "failed";
    return html`<div class="banner ${failed ? "error" : "info"}" role="status">
      <span class="codicon codicon-${failed ? "error" : "sync"}" aria-hidden="true"></span>
      <div class="words">
        ${withCode(panel.problem ?? "The sidecar is starting again…")}
        ${
          failed
            ? html`<div class="answers">
              <vscode-button @click=${() => post({ type: "command", command: "restart" })}>Restart<span class="wide">&nbsp;Sidecar</span></vscode-button>
              <vscode-button secondary @click=${() => post({ type: "command", command: "showLog" })}>Show Log</vscode-button>
              ${panel.noPython ? html`<vscode-button secondary @click=${() => post({ type: "command", command: "installPython" })}>Install Python</vscode-button>` : nothing}
              <vscode-button secondary @click=${() => post({ type: "command", command: panel.noPython ? "setInterpreter" : "openSettings" })}>${panel.noPython ? "Set Interpreter" : "Open Settings"}</vscode-button>
            </div>`
            : nothing
        }
      </div>
    </div>`;
  }

  private notice(notice: Notice): TemplateResult {
    const { path } = notice;
    return html`<div class="banner ${notice.level}" role="status">
      <span class="codicon codicon-${notice.level === "info" ? "info" : notice.level}" aria-hidden="true"></span>
      <div class="words">
        ${withCode(notice.message)}${notice.details ? html`<div class="more">${withCode(notice.details)}</div>` : nothing}
        ${path ? html`<button class="link" @click=${() => post({ type: "openFile", path })}>Open ${path}</button>` : nothing}
        ${notice.restart ? html`<button class="link" @click=${() => post({ type: "command", command: "restart" })}>Restart Sidecar</button>` : nothing}
      </div>
      <button class="icon" title="Dismiss" aria-label="Dismiss" @click=${() => post({ type: "dismiss", key: notice.key })}>
        <span class="codicon codicon-close"></span>
      </button>
    </div>`;
  }
}

/** One part that makes no sense, of another version or damaged, must not take the others and the composer with it. */
function orNothing(draw: () => unknown): unknown {
  try {
    return draw();
  } catch {
    return nothing;
  }
}
