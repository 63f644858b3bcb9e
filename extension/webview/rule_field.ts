/** The text of a rule as the user may change it. The sidecar says, while they type, whether it could be stored. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Subject } from "../src/wire";
import { checkRule } from "./host";
import { withCode } from "./with_code";

const pause = 200;
let fields = 0;

export interface RuleState {
  /** As it stands in the field, also with the space that the next word needs. */
  text: string;
  /** It may be stored as it is. False while nobody has looked at it yet. */
  good: boolean;
}

@customElement("treadle-rule")
export class RuleField extends LitElement {
  @property({ attribute: false }) subject?: Subject;
  @property({ attribute: false }) text = "";
  @property({ attribute: false }) label = "Rule";
  @property({ attribute: false }) changed?: (state: RuleState) => void;
  /** Enter, when the rule is good. */
  @property({ attribute: false }) submit?: () => void;
  @state() private problem: string | null = null;
  @state() private checking = false;
  private readonly number = ++fields;
  private timer?: ReturnType<typeof setTimeout>;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // Words that were kept from before have not been looked at by anybody.
    if (this.text !== this.subject?.text) this.typed(this.text);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  private get good(): boolean {
    return !this.problem && !this.checking && this.text.trim() !== "";
  }

  private typed(text: string): void {
    this.text = text;
    clearTimeout(this.timer);
    const { subject } = this;
    const asIs = text.trim() === subject?.text;
    this.checking = !asIs;
    this.problem = text.trim() ? null : "A rule needs words.";
    this.tell();
    if (asIs || !subject || this.problem) {
      this.checking = false;
      this.tell();
      return;
    }
    this.timer = setTimeout(() => void this.check({ ...subject, text: text.trim() }), pause);
  }

  private async check(subject: Subject): Promise<void> {
    const problem = await checkRule(subject);
    if (this.text.trim() !== subject.text) return;
    this.problem = problem;
    this.checking = false;
    this.tell();
  }

  private tell(): void {
    this.changed?.({ text: this.text, good: this.good });
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (this.good) this.submit?.();
  }

  override render(): TemplateResult {
    const told = `rule-problem-${this.number}`;
    return html`<input
        class="field mono"
        type="text"
        spellcheck="false"
        autocomplete="off"
        aria-label=${this.label}
        aria-invalid=${this.problem ? "true" : "false"}
        aria-describedby=${told}
        .value=${this.text}
        @input=${(event: Event) => this.typed((event.target as HTMLInputElement).value)}
        @keydown=${this.key}
      />
      <div class="problem" id=${told} role="status">
        ${this.problem ? html`<span class="codicon codicon-error" aria-hidden="true"></span><span>${withCode(this.problem)}</span>` : nothing}
      </div>`;
  }
}
