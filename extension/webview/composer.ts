/** Where the user writes. Enter sends, Shift+Enter makes a line; while a turn runs the words are added to it and Stop ends it. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { post } from "./host";

@customElement("treadle-composer")
export class Composer extends LitElement {
  @property({ attribute: false }) running = false;
  @property({ attribute: false }) disabled = false;
  @property({ attribute: false }) approvalId: string | null = null;
  @property({ attribute: false }) draft = "";
  @query("textarea") private area?: HTMLTextAreaElement;
  private timer?: ReturnType<typeof setTimeout>;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override updated(): void {
    this.fit();
  }

  focusInput(): void {
    this.area?.focus();
  }

  /** Puts an example into the box for the user to change or send. */
  suggest(text: string): void {
    this.setDraft(text);
    this.toEnd();
  }

  /** Gives words back that were not sent, after what was written since. */
  giveBack(text: string): void {
    this.suggest(this.draft.trim() ? `${this.draft.trimEnd()}\n\n${text}` : text);
    post({ type: "draft", text: this.draft });
  }

  private toEnd(): void {
    const { length } = this.draft;
    void this.updateComplete.then(() => {
      this.area?.focus();
      this.area?.setSelectionRange(length, length);
    });
  }

  private setDraft(text: string): void {
    this.draft = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => post({ type: "draft", text: this.draft }), 250);
  }

  private typed(): void {
    this.setDraft(this.area?.value ?? "");
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Escape" && this.running) {
      event.preventDefault();
      post({ type: "command", command: "stop" });
    }
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if ((event.ctrlKey || event.metaKey) && this.approvalId && !this.draft.trim()) {
      post({ type: "answer", id: this.approvalId, answer: { verdict: "accept" } });
    } else {
      this.send();
    }
  }

  private send(): void {
    const text = this.draft.trim();
    if (!text || this.disabled) return;
    post({ type: "send", text });
    clearTimeout(this.timer);
    this.draft = "";
    post({ type: "draft", text: "" });
  }

  private fit(): void {
    const area = this.area;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 240)}px`;
  }

  override render(): TemplateResult {
    const placeholder = this.disabled
      ? "Open a folder to start"
      : this.running
        ? "Add to the running turn…"
        : "What should Treadle do?";
    return html`<div class="composer ${this.disabled ? "disabled" : ""}">
      <textarea
        rows="2"
        aria-label="Message to Treadle"
        placeholder=${placeholder}
        .value=${this.draft}
        ?disabled=${this.disabled}
        @input=${this.typed}
        @keydown=${this.key}
      ></textarea>
      <div class="under">
        <span class="hint">${this.hint()}</span>
        ${this.running ? this.stopButton() : nothing} ${this.running && !this.draft.trim() ? nothing : this.sendButton()}
      </div>
    </div>`;
  }

  private sendButton(): TemplateResult {
    return html`<button
      class="round send"
      title=${this.running ? "Add to the running turn (Enter)" : "Send (Enter)"}
      aria-label="Send"
      ?disabled=${this.disabled || !this.draft.trim()}
      @click=${this.send}
    >
      <span class="codicon codicon-${this.running ? "add" : "arrow-up"}"></span>
    </button>`;
  }

  private hint(): TemplateResult {
    if (this.approvalId && !this.draft.trim()) return html`<kbd>Ctrl</kbd><kbd>Enter</kbd> allows once`;
    return this.running ? html`<kbd>Esc</kbd> stops` : html`<kbd>Shift</kbd><kbd>Enter</kbd> for a new line`;
  }

  private stopButton(): TemplateResult {
    return html`<button class="round stop" title="Stop (Esc)" aria-label="Stop" @click=${() => post({ type: "command", command: "stop" })}>
      <span class="square" aria-hidden="true"></span>
    </button>`;
  }
}
