/**
 * Above where the user writes: what a review of changes found, and problems that the agent's edits left behind. Lines with buttons; the
 * host does what is clicked and says what is so.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ReviewSummary } from "../src/findings";
import { post, rememberOpened, wasOpened } from "./host";
import { baseName } from "./text";
import { visible } from "./visible";

type Open = ReviewSummary["open"][number];
const shown = 100;

export function newProblems(words: string | null | undefined): TemplateResult | typeof nothing {
  if (!words) return nothing;
  return html`<section class="bar problems" role="status" aria-label="New problems">
    <span class="codicon codicon-warning" aria-hidden="true"></span>
    <button class="words" title="Show the problems; Treadle has edited there" @click=${() => post({ type: "newProblems", act: "show" })}>${words}</button>
    <button class="word" title="Have Treadle fix them" @click=${() => post({ type: "newProblems", act: "fix" })}>Fix</button>
    <button class="icon" title="Dismiss" aria-label="Dismiss" @click=${() => post({ type: "newProblems", act: "dismiss" })}><span class="codicon codicon-close" aria-hidden="true"></span></button>
  </section>`;
}

@customElement("treadle-findings")
export class FindingsCard extends LitElement {
  @property({ attribute: false }) review: ReviewSummary | null = null;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): unknown {
    const { review } = this;
    if (!review) return nothing;
    const key = `findings:${review.threadId}`;
    const open = wasOpened(key) ?? true;
    const unfolds = review.state === "done" && (review.open.length > 0 || review.summary !== "");
    return html`<section class="bar findings" aria-label="Review of changes">
      <div class="line">
        ${
          unfolds
            ? html`<button class="fold" aria-expanded=${open} title=${open ? "Hide the findings" : "Show the findings"} @click=${() => this.fold(key, !open)}>
              <span class="codicon codicon-chevron-${open ? "down" : "right"}" aria-hidden="true"></span>${title(review)}
            </button>`
            : html`<span class="fold">${title(review)}</span>`
        }
        <button class="icon" title="Open the thread of the review" aria-label="Open the thread of the review" @click=${act("open")}><span class="codicon codicon-comment-discussion" aria-hidden="true"></span></button>
        ${
          review.state === "running"
            ? html`<button class="icon" title="Stop the review" aria-label="Stop the review" @click=${act("stop")}><span class="codicon codicon-debug-stop" aria-hidden="true"></span></button>`
            : html`<button class="icon" title="Clear the review" aria-label="Clear the review" @click=${act("clear")}><span class="codicon codicon-close" aria-hidden="true"></span></button>`
        }
      </div>
      ${unfolds && open ? this.body(review) : nothing}
    </section>`;
  }

  private body(review: ReviewSummary): TemplateResult {
    return html`${review.summary ? html`<p class="summary">${visible(review.summary)}</p>` : nothing}
      <ul>${review.open.slice(0, shown).map(row)}</ul>`;
  }

  private fold(key: string, open: boolean): void {
    rememberOpened(key, open);
    this.requestUpdate();
  }
}

function title({ state, label, open, settled, reason }: ReviewSummary): TemplateResult {
  const many = `${open.length} ${open.length === 1 ? "finding" : "findings"}`;
  const after: Record<ReviewSummary["state"], string> = {
    running: "reviewing…",
    stopped: "stopped",
    failed: `failed${reason ? `: ${reason}` : ""}`,
    done: open.length ? many : settled ? "all settled" : "nothing found",
  };
  const icon = state === "running" ? "loading codicon-modifier-spin" : state === "done" && !open.length ? "pass" : "checklist";
  return html`<span class="codicon codicon-${icon}" aria-hidden="true"></span><span class="words" role="status"><b>${after[state]}</b> <span class="of">${label}</span></span>`;
}

function row(finding: Open): TemplateResult {
  const { id, priority, title, path, firstLine, state } = finding;
  const send = (what: "show" | "fix" | "dismiss") => () => post({ type: "finding", act: what, id });
  const button = (icon: string, label: string, what: "fix" | "dismiss") =>
    html`<button class="icon" title=${label} aria-label="${label}: ${title}" @click=${send(what)}><span class="codicon codicon-${icon}" aria-hidden="true"></span></button>`;
  return html`<li>
    <span class="priority p${priority}" title="Priority ${priority} of 0 to 3">P${priority}</span>
    <button class="name" title="Go to ${baseName(path)}, line ${firstLine}" @click=${send("show")}>
      <span class="title">${visible(title)}</span><span class="place">${baseName(path)}:${firstLine}</span>
    </button>
    ${state === "fixing" ? html`<span class="fixing">being fixed</span>` : button("sparkle", "Fix with Treadle", "fix")}
    ${button("close", "Dismiss", "dismiss")}
  </li>`;
}

function act(what: "stop" | "clear" | "open"): () => void {
  return () => post({ type: "changesReview", act: what });
}
