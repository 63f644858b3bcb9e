/**
 * What the agent knows, below the header: what fills its context and when that is compacted, what turn and thread cost, each request and
 * why its cache missed, the files in force. It is asked of the host when it is opened and when something changed; nothing is kept here.
 */
import { html, LitElement, nothing, type PropertyValues, svg, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Knowledge, PanelState } from "../src/messages";
import { isRunning, type ThreadView } from "../src/thread";
import type { LedgerRow, LedgerTotals } from "../src/wire";
import {
  cachedShare,
  compaction,
  cost,
  fileSize,
  fullness,
  percent,
  type ShownPart,
  shownParts,
  shownRow,
} from "./context_words";
import { ask, post, reason } from "./host";
import { shortPath, tokens } from "./text";

@customElement("treadle-context")
export class ContextBox extends LitElement {
  @property({ attribute: false }) view?: ThreadView;
  @property({ attribute: false }) panel?: PanelState;
  @property({ attribute: false }) leave?: () => void;
  @state() private known: Knowledge | null = null;
  @state() private failure: string | null = null;
  @state() private earlier: LedgerRow[] = [];
  @state() private cursor: string | null = null;
  @query(".context") private box?: HTMLElement;
  private drawnFor = "";
  /** The keyboard is wanted at the list of requests, as soon as that is drawn. */
  private wanted = false;
  private asking = 0;
  private readingOn = false;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.outside, true);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.outside, true);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("view") || changed.has("panel")) this.look();
  }

  /** Brings the keyboard here: to the whole, or to the list of requests. */
  async focusAt(at: "context" | "ledger"): Promise<void> {
    await this.updateComplete;
    this.box?.focus({ preventScroll: true });
    this.wanted = at === "ledger";
    this.arrive();
  }

  override updated(): void {
    this.arrive();
  }

  private arrive(): void {
    if (!this.wanted || !this.known) return;
    this.wanted = false;
    const place = this.querySelector<HTMLElement>("#context-requests");
    const at = document.activeElement;
    // Whoever went elsewhere meanwhile is not brought back.
    if (!place || (at !== document.body && !this.contains(at))) return;
    place.scrollIntoView({ block: "start" });
    place.focus({ preventScroll: true });
  }

  /** Asks again when anything that is shown may be another. */
  private look(): void {
    const { view, panel } = this;
    if (!view || !panel) return;
    const key = JSON.stringify([
      view.id,
      view.usage,
      view.lastRequest,
      view.instructions,
      view.pendingTools?.message,
      panel.connection,
      panel.folder,
      panel.trusted,
      isRunning(view),
    ]);
    if (key === this.drawnFor) return;
    this.drawnFor = key;
    void this.read();
  }

  private async read(): Promise<void> {
    this.asking += 1;
    const mine = this.asking;
    try {
      const known = await ask("knowledge", {});
      if (mine !== this.asking) return;
      this.known = known;
      this.earlier = [];
      this.cursor = known.ledger?.nextCursor ?? null;
      this.failure = null;
    } catch (error) {
      if (mine === this.asking) this.failure = reason(error);
    }
  }

  private async readEarlier(): Promise<void> {
    const { asking, cursor } = this;
    if (!cursor || this.readingOn) return;
    this.readingOn = true;
    try {
      const { rows, nextCursor } = await ask("requests", { cursor });
      if (asking !== this.asking) return; // all was asked anew
      this.earlier = [...this.earlier, ...rows];
      this.cursor = nextCursor;
    } catch (error) {
      if (asking === this.asking) this.failure = reason(error);
    } finally {
      this.readingOn = false;
    }
  }

  private readonly outside = (event: PointerEvent): void => {
    const target = event.target as Element | null;
    if (target && !this.contains(target) && !target.closest(".meter")) this.leave?.();
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    // Not for the workbench, which would stop the turn.
    event.preventDefault();
    event.stopPropagation();
    this.leave?.();
  };

  override render(): unknown {
    const { view, panel, known } = this;
    if (!view || !panel) return nothing;
    return html`<div class="context" role="dialog" aria-label="Context" tabindex="-1" @keydown=${this.key}>
      <div class="title">
        <h2>Context</h2>
        <button class="icon" title="Close (Esc)" aria-label="Close" @click=${() => this.leave?.()}><span class="codicon codicon-close"></span></button>
      </div>
      ${this.failure ? html`<p class="trouble" role="alert">${this.failure}</p>` : nothing}
      ${known ? [this.fill(known, view), this.bill(known), this.requests(known), this.files(known, panel, view), this.servers(known)] : this.failure ? nothing : html`<p class="dim" role="status">Asking the sidecar…</p>`}
    </div>`;
  }

  private fill({ context }: Knowledge, view: ThreadView): TemplateResult {
    const parts = shownParts(context.parts);
    const share = context.window ? Math.min(1, context.used / context.window) : 0;
    const limit = context.window ? Math.min(99.5, (context.compactAt / context.window) * 100) : 99.5;
    const command = (name: "compactThread" | "inspectPrompt") => () => post({ type: "command", command: name });
    return html`<section>
      <p class="lead">${fullness(context)}</p>
      <div role="meter" aria-label="Context" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)} aria-valuetext=${fullness(context)} title=${compaction(context)}>
        ${bar(parts, share, limit)}
      </div>
      <div class="line"><span class="dim">${compaction(context)}</span>
        <button class="link" ?disabled=${!view.id || !view.turns.length || isRunning(view)} @click=${command("compactThread")}>Compact now</button></div>
      <table class="parts" aria-label="What fills the context, estimated">
        ${parts.map((part) => html`<tr><th scope="row"><span class="part of-${part.kind}" aria-hidden="true"></span>${part.name}</th><td>about ${tokens(part.tokens)}</td><td>${percent(part.share)}</td></tr>`)}
      </table>
      <div class="line"><span></span><button class="link" @click=${() => post({ type: "inspectRequest", number: null })} ?disabled=${!view.id}>Inspect the next prompt</button></div>
    </section>`;
  }

  private bill({ ledger }: Knowledge): unknown {
    const { turn, thread } = ledger?.totals ?? {};
    if (!turn || !thread) return nothing;
    const row = (name: string, value: (totals: LedgerTotals) => string) =>
      html`<tr><th scope="row">${name}</th><td>${value(turn)}</td><td>${value(thread)}</td></tr>`;
    return html`<section>
      <table class="bill">
        <tr><th scope="col"><h3>Cost</h3></th><th scope="col">Last turn</th><th scope="col">Thread</th></tr>
        ${row("Cost", cost)} ${row("Requests", (totals) => String(totals.requests))} ${row("Tokens in", (totals) => tokens(totals.inputTokens))}
        ${row("From the cache", (totals) => cachedShare(totals) ?? "–")}
        ${row("Tokens out", (totals) => tokens(totals.outputTokens))}
      </table>
    </section>`;
  }

  private requests({ ledger }: Knowledge): unknown {
    const rows = [...(ledger?.rows ?? []), ...this.earlier];
    if (!rows.length) return nothing;
    return html`<section>
      <h3 id="context-requests" tabindex="-1">Requests</h3>
      <ul class="requests">${rows.map((row) => request(row))}</ul>
      ${this.cursor ? html`<button class="link" @click=${() => this.readEarlier()}>Show earlier ones</button>` : nothing}
    </section>`;
  }

  private files({ context, skills }: Knowledge, panel: PanelState, view: ThreadView): unknown {
    const short = (path: string) => shortPath(path, view.cwd ?? panel.folder, panel.home);
    const ignored = context.documents.some((document) => !document.inForce);
    return html`<section>
      <h3>Instructions</h3>
      ${context.documents.length ? nothing : html`<p class="dim">No AGENTS.md is in force here.</p>`}
      <ul class="files">
        ${context.documents.map(
          ({
            path,
            scope,
            size,
            inForce,
          }) => html`<li><button class="source ${inForce ? "" : "ignored"}" title=${path} @click=${() => post({ type: "openFile", path })}>
            <span class="codicon codicon-book" aria-hidden="true"></span><span class="name">${short(path)}</span>
            <span class="dim">${inForce ? (scope === "user" ? "yours" : "project") : "ignored until trusted"} · ${fileSize(size)}</span>
          </button></li>`,
        )}
      </ul>
      ${ignored ? html`<button class="link" @click=${() => post({ type: "command", command: "trust" })}>Manage Workspace Trust</button>` : nothing}
      ${
        skills.length
          ? html`<details><summary>${skills.length === 1 ? "1 skill" : `${skills.length} skills`}</summary><ul class="files">
            ${skills.map(
              ({
                name,
                path,
                scope,
              }) => html`<li><button class="source" title=${path} @click=${() => post({ type: "openFile", path })}>
                <span class="codicon codicon-mortar-board" aria-hidden="true"></span><span class="name">${name}</span><span class="dim">${scope === "repo" ? "project" : scope === "user" ? "yours" : scope}</span>
              </button></li>`,
            )}
          </ul></details>`
          : nothing
      }
    </section>`;
  }

  private servers({ servers }: Knowledge): unknown {
    if (!servers.length) return nothing;
    const ready = servers.filter((server) => server.state === "ready");
    const failed = servers.filter((server) => server.state === "failed");
    const tools = ready.reduce((sum, server) => sum + server.tools.length, 0);
    const words = [
      `${ready.length} of ${servers.length} connected, ${tools} tools`,
      ...failed.map(({ name }) => `${name} failed`),
    ];
    return html`<section>
      <h3>MCP servers</h3>
      <div class="line"><span class="dim">${words.join("; ")}</span><button class="link" @click=${() => post({ type: "command", command: "mcpServers" })}>Show</button></div>
    </section>`;
  }
}

/** Drawn, not styled: the page's policy lets no element have a style of its own. */
function bar(parts: readonly ShownPart[], share: number, limit: number): TemplateResult {
  let left = 0;
  const drawn = parts.map((part) => {
    const at = left;
    const width = part.share * share * 100;
    left += width;
    return svg`<rect class="part of-${part.kind}" x="${at}%" y="2" width="${width}%" height="8"><title>${part.name}: ${percent(part.share)}</title></rect>`;
  });
  return html`<svg class="bar" width="100%" height="12" aria-hidden="true">
    <rect class="empty" x="0" y="2" width="100%" height="8" rx="2"></rect>${drawn}
    ${svg`<rect class="limit" x="${limit}%" y="0" width="2" height="12"></rect>`}
  </svg>`;
}

function request(row: LedgerRow): TemplateResult {
  const shown = shownRow(row);
  const at = new Date(row.atMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return html`<li>
    <button class="request ${shown.missed ? "missed" : ""}" ?disabled=${!shown.open} title="${shown.open ? "Inspect its prompt" : "Its prompt is not kept"}" @click=${() => post({ type: "inspectRequest", number: shown.number })}>
      <span class="first"><span class="number"><span class="sr-only">Request </span>${shown.number}</span><span class="dim">${at}</span><span class="facts">${shown.facts.join(" · ")}</span>
        <span class="hit">${shown.missed ? html`<span class="codicon codicon-warning" aria-hidden="true"></span>` : nothing}${shown.hit}<span class="sr-only"> from the cache.</span></span></span>
      <span class="why">${shown.why}</span>
    </button>
  </li>`;
}

/** The banner of tools that the model was not told of. */
export function pendingTools({ pendingTools: tools, turns }: ThreadView): unknown {
  if (!tools || !turns.length) return nothing;
  const parts = [
    ...(tools.added.length ? [`${tools.added.length} arrived late`] : []),
    ...(tools.removed.length ? [`${tools.removed.length} went away`] : []),
    ...(tools.changed.length ? [`${tools.changed.length} changed`] : []),
  ];
  const all = [...tools.added, ...tools.changed, ...tools.removed];
  return html`<div class="banner info tools" role="status" title=${all.slice(0, 40).join("\n")}>
    <span class="codicon codicon-tools" aria-hidden="true"></span>
    <div class="words">Tools of MCP servers: ${parts.join(", ")}. The model goes on with the list that it has.</div>
    <button class="link" @click=${() => post({ type: "command", command: "refreshTools" })} title="Gives the model the new list with its next request; about ${tokens(tools.cost)} tokens are then read again instead of coming out of the cache">Refresh (about ${tokens(tools.cost)} tokens)</button>
  </div>`;
}
