/**
 * What the agent changed and the user has neither kept nor undone: one line above where the user writes, with the files when it is
 * unfolded; and the same, of one file or one turn, on the cards of edits. The host keeps and undoes; this only says what was clicked.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { FromWebview } from "../src/messages";
import { counted } from "../src/review_marks";
import { changes, type ReviewFile, reviewWords } from "../src/review_view";
import { post, rememberOpened, wasOpened } from "./host";
import { onReview, turnReview } from "./review_store";
import { baseName, shortPath } from "./text";

const key = "review";
const shownFiles = 200;
type Act = Extract<FromWebview, { type: "review" }>;

function send(act: Act["act"], more: Pick<Act, "path" | "turnId"> = {}): () => void {
  return () => post({ type: "review", act, ...more });
}

function icon(name: string, label: string, act: () => void): TemplateResult {
  return html`<button class="icon" title=${label} aria-label=${label} @click=${act}><span class="codicon codicon-${name}" aria-hidden="true"></span></button>`;
}

function word(name: string, label: string, act: () => void, more = ""): TemplateResult {
  const rest = more ? html`<span class="more"> ${more}</span>` : nothing;
  return html`<button class="word" title=${label} aria-label=${label} @click=${act}>${name}${rest}</button>`;
}

@customElement("treadle-review")
export class ReviewBar extends LitElement {
  @property({ attribute: false }) files: ReviewFile[] = [];
  @property({ attribute: false }) folder: string | null = null;
  @property({ attribute: false }) home: string | null = null;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): unknown {
    const { files } = this;
    if (!files.length) return nothing;
    const open = wasOpened(key) ?? false;
    const added = files.reduce((sum, file) => sum + file.added, 0);
    const removed = files.reduce((sum, file) => sum + file.removed, 0);
    return html`<section class="review" aria-label="Changes to review">
      <div class="line">
        <button class="fold" aria-expanded=${open} title=${open ? "Hide the files" : "Show the files"} @click=${this.fold}>
          <span class="codicon codicon-chevron-${open ? "down" : "right"}" aria-hidden="true"></span>
          <span class="codicon codicon-diff-multiple" aria-hidden="true"></span><span class="words">${reviewWords(files)}</span>
        </button>
        ${counts(added, removed)}
        <span class="acts">
          ${word("Review", "Review all changes in one view", send("changes"))}
          ${word("Keep", "Keep all changes", send("keep"), "all")} ${word("Undo", "Undo all changes", send("undo"), "all")}
        </span>
      </div>
      ${open ? html`<ul>${files.slice(0, shownFiles).map((file) => this.row(file))}</ul>` : nothing}
      ${open && files.length > shownFiles ? html`<p>${files.length - shownFiles} more files</p>` : nothing}
    </section>`;
  }

  private readonly fold = () => {
    rememberOpened(key, !(wasOpened(key) ?? false));
    this.requestUpdate();
  };

  private row(file: ReviewFile): TemplateResult {
    const { path, omitted } = file;
    const short = shortPath(path, this.folder, this.home);
    const name = baseName(path);
    const at = short.length - name.length;
    return html`<li>
      <button class="name" title="Go to the changes of ${short}" @click=${send("open", { path })}>
        <span class="codicon codicon-${kinds[file.kind]}" role="img" aria-label=${kindNames[file.kind]}></span>
        <span class="base">${name}</span><span class="folders">${short.slice(0, at)}</span>
      </button>
      ${counts(file.added, file.removed)}
      ${icon("check", `Keep the changes of ${short}`, send("keep", { path }))}
      ${omitted ? nothing : icon("discard", `Undo the changes of ${short}`, send("undo", { path }))}
    </li>`;
  }
}

const kinds: Record<ReviewFile["kind"], string> = { add: "diff-added", delete: "diff-removed", update: "diff-modified" };
const kindNames: Record<ReviewFile["kind"], string> = { add: "new", delete: "deleted", update: "changed" };

function counts(added: number, removed: number): TemplateResult {
  return html`<span class="counts" aria-label="${added} lines added, ${removed} removed" role="img">
    <span class="added">+${added}</span><span class="removed">−${removed}</span>
  </span>`;
}

/** Beside a file of an edit's card: keep and undo of what the turn did to it. Empty when nothing of that waits. */
@customElement("treadle-file-review")
export class FileReview extends LitElement {
  @property() itemId = "";
  @property() path = "";
  private stop: (() => void) | undefined;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.stop = onReview(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop?.();
  }

  override render(): unknown {
    const { path } = this;
    const found = turnReview(this.itemId);
    const file = found?.files.find((one) => one.path === path);
    if (!found || !file) return nothing;
    const { turnId } = found;
    const name = baseName(path);
    return html`${icon("check", `Keep the changes of ${name}`, send("keep", { path, turnId }))}${
      file.omitted ? nothing : icon("discard", `Undo the changes of ${name}`, send("undo", { path, turnId }))
    }`;
  }
}

/** Below the last edit of a turn: how many of its changes wait, and what to do with all of them. */
@customElement("treadle-turn-review")
export class TurnReviewLine extends FileReview {
  override render(): unknown {
    const found = turnReview(this.itemId);
    if (!found?.last) return nothing;
    const { turnId, files } = found;
    const count = changes(files.map((file) => ({ ...file, hunks: file.turns[turnId] ?? 0 })));
    return html`<div class="turn-review" role="group" aria-label="Changes of this turn">
      <span class="words">${counted(count, "change")}</span>
      ${word("Review", "Review the changes of this turn in one view", send("changes", { turnId }))}
      ${word("Keep", "Keep the changes of this turn", send("keep", { turnId }))}
      ${word("Undo", "Undo the changes of this turn", send("undo", { turnId }))}
    </div>`;
  }
}
