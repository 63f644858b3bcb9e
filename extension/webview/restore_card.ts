/**
 * Going back, before it is done: what of it, each file with what would become of it, how many turns go. Nothing happens until the button
 * is pressed; changes of the user's that are in the way are named and left alone.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { RestoreSubject } from "../src/messages";
import {
  conflicts,
  conflictWords,
  doesSomething,
  drawnFiles,
  isWritten,
  kindNames,
  type PlannedFile,
  planSummary,
  type RestorePlan,
  type What,
  whatNames,
} from "../src/restoring";
import { ask, post, reason } from "./host";
import { baseName } from "./text";
import { withCode } from "./with_code";

const icons: Record<PlannedFile["kind"], string> = {
  restore: "diff-modified",
  merge: "git-merge",
  delete: "diff-removed",
  create: "diff-added",
  conflict: "warning",
  omitted: "circle-slash",
  unchanged: "dash",
};
const mostFiles = 200;

@customElement("treadle-restore")
export class RestoreCard extends LitElement {
  /** The message to go back to before; or the restore to take back. */
  @property({ attribute: false }) itemId: string | null = null;
  @property({ attribute: false }) restoreId: string | null = null;
  /** What the restore that is taken back was of. */
  @property({ attribute: false }) what: What = "both";
  @property({ attribute: false }) close: () => void = () => undefined;
  @state() private plan: RestorePlan | null = null;
  @state() private failure: string | null = null;
  @state() private busy = false;
  private asked = 0;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override firstUpdated(): void {
    void this.read();
    // Whoever opened the card goes on in it.
    this.querySelector<HTMLElement>(this.redo ? ".restore-card" : "input:checked")?.focus();
  }

  override updated(changed: PropertyValues): void {
    if (changed.has("plan") && !changed.get("plan")) this.querySelector(".restore-card")?.scrollIntoView({ block: "nearest" });
  }

  private get redo(): boolean {
    return this.restoreId !== null;
  }

  private get subject(): RestoreSubject {
    return this.restoreId !== null
      ? { restoreId: this.restoreId, what: this.what }
      : { itemId: this.itemId ?? "", what: this.what };
  }

  private async read(): Promise<void> {
    this.asked += 1;
    const mine = this.asked;
    await this.attempt(
      async () => {
        const plan = await ask("restorePlan", this.subject);
        if (mine === this.asked) this.plan = plan;
      },
      () => mine === this.asked,
    );
  }

  private async go(): Promise<void> {
    if (!this.plan || this.busy) return;
    this.busy = true;
    await this.attempt(async () => {
      // Conflicts that came since the plan was made are shown first.
      const left = await ask("restore", { ...this.subject, skip: this.plan !== null && conflicts(this.plan) > 0 });
      if (left) this.plan = left;
      else this.close();
    });
    this.busy = false;
  }

  /** `counts`: nothing else was asked since. */
  private async attempt(act: () => Promise<void>, counts = () => true): Promise<void> {
    try {
      this.failure = null;
      await act();
    } catch (error) {
      if (counts()) this.failure = reason(error);
    }
  }

  private choose(what: What): void {
    this.what = what;
    void this.read();
  }

  private readonly key = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    this.close();
  };

  override render(): TemplateResult {
    const name = this.redo ? "Take the restoring back" : "Restore to before this message";
    return html`<section class="restore-card" role="group" aria-label=${name} tabindex="-1" @keydown=${this.key}>
      <div class="what">${name}</div>
      ${this.redo ? nothing : this.choices()}
      <div class="restore-plan" aria-live="polite">${this.plan ? this.planned(this.plan) : this.failure ? nothing : html`<span class="shimmer">Looking at what would change…</span>`}</div>
      ${this.failure ? html`<div class="in-the-way" role="alert"><span class="codicon codicon-error" aria-hidden="true"></span><span>${withCode(this.failure)}</span></div>` : nothing}
      <div class="answers">
        <vscode-button class="do" ?disabled=${!this.ready} @click=${this.go}>${this.button()}</vscode-button>
        <vscode-button class="leave" secondary @click=${() => this.close()}>Cancel</vscode-button>
      </div>
    </section>`;
  }

  private get ready(): boolean {
    return this.plan !== null && !this.busy && doesSomething(this.plan, this.what);
  }

  private button(): string {
    const blocked = this.plan !== null && conflicts(this.plan) > 0 && this.plan.files.some(isWritten);
    return `${this.redo ? "Redo" : "Restore"}${blocked ? " the Others" : ""}`;
  }

  private choices(): TemplateResult {
    return html`<div class="choices" role="radiogroup" aria-label="What to restore">
      ${(["both", "files", "conversation"] as const).map(
        (what) =>
          html`<label class="choice"><input type="radio" name="what-${this.itemId}" value=${what} .checked=${this.what === what} @change=${() => this.choose(what)} />${whatNames[what]}</label>`,
      )}
    </div>`;
  }

  private planned(plan: RestorePlan): TemplateResult {
    const files = this.what === "conversation" ? [] : drawnFiles(plan.files);
    const blocked = this.what === "conversation" ? 0 : conflicts(plan);
    return html`<div class="summary">
        <span>${planSummary(plan, this.what, this.redo)}</span>
        ${files.filter((file) => file.shown).length > 1 ? html`<button class="link all" @click=${() => post({ type: "openRestoreDiff", path: null })}>Show all changes</button>` : nothing}
      </div>
      ${files.length ? html`<ul class="restore-files">${files.slice(0, mostFiles).map((file) => this.file(file))}${files.length > mostFiles ? html`<li class="more">and ${files.length - mostFiles} more</li>` : nothing}</ul>` : nothing}
      ${blocked ? html`<div class="in-the-way soft"><span class="codicon codicon-warning" aria-hidden="true"></span><span>${conflictWords(blocked)}</span></div>` : nothing}`;
  }

  private file(file: PlannedFile): TemplateResult {
    const { path, kind, added, removed, reason } = file;
    const word = kindNames[kind] ?? "";
    return html`<li class="restore-file ${kind}">
      <span class="codicon codicon-${icons[kind]}" aria-hidden="true"></span>
      <span class="row"><button class="name" title="${path}${file.shown ? ": show what would change" : ": open"}" @click=${() => post({ type: "openRestoreDiff", path })}>${baseName(path)}</button>
      ${isWritten(file) ? html`<span class="counts" aria-label="${added} lines added, ${removed} removed"><span class="added">+${added}</span> <span class="removed">−${removed}</span></span>` : nothing}</span>
      <span class="fate">${word}${reason ? html`: ${withCode(reason)}` : nothing}</span>
    </li>`;
  }
}
