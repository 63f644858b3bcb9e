/**
 * What all questions to the user have in common: an answer is given once, the buttons rest while it is on its way, and the keyboard goes
 * back to where the user writes. A question never takes the keyboard by itself.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import "@vscode-elements/elements/dist/vscode-button/index.js";
import type { Answer, Asked } from "../src/asked";
import { draftOf, keepDraft, post } from "./host";

export abstract class Asking<Question extends Asked, Draft extends object> extends LitElement {
  @property({ attribute: false }) asked?: Question;
  @state() protected draft?: Draft;
  @state() protected answering = false;

  /** What is typed and chosen before the user has done anything. */
  protected abstract fresh(asked: Question): Draft;
  protected abstract draw(asked: Question, draft: Draft): TemplateResult;

  /** What of a draft may outlive the webview. */
  protected lasting(draft: Draft): Draft | undefined {
    return draft;
  }

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override willUpdate(): void {
    if (!this.asked || this.draft) return;
    this.draft = { ...this.fresh(this.asked), ...draftOf<Draft>(this.asked.id) };
  }

  protected change(more: Partial<Draft>): void {
    if (!this.draft || !this.asked) return;
    this.draft = { ...this.draft, ...more };
    keepDraft(this.asked.id, this.lasting(this.draft));
  }

  protected answer(answer: Answer): void {
    if (!this.asked || this.answering) return;
    this.answering = true;
    keepDraft(this.asked.id, undefined);
    post({ type: "answer", id: this.asked.id, answer });
    // The button goes away with its question: the keyboard must not go nowhere.
    focusComposer();
  }

  /** Puts the keyboard where `selector` is, once it is drawn. */
  protected async focusOn(selector: string): Promise<void> {
    await this.updateComplete;
    this.querySelector<HTMLElement>(selector)?.focus();
  }

  override render(): unknown {
    return this.asked && this.draft ? this.draw(this.asked, this.draft) : nothing;
  }
}

export function focusComposer(): void {
  document.querySelector<HTMLTextAreaElement>("treadle-composer textarea")?.focus();
}

export interface Look {
  primary?: boolean;
  disabled?: boolean;
  hint?: string;
  icon?: string;
  keys?: string;
  expanded?: boolean;
  label?: string;
}

export function button(name: string, words: unknown, look: Look, press: () => unknown): TemplateResult {
  return html`<vscode-button
    class=${name}
    ?secondary=${!look.primary}
    ?disabled=${look.disabled ?? false}
    title=${look.hint ?? nothing}
    aria-label=${look.label ?? nothing}
    aria-keyshortcuts=${look.keys ?? nothing}
    aria-expanded=${look.expanded === undefined ? nothing : String(look.expanded)}
    @click=${press}
    >${look.icon ? html`<span class="codicon codicon-${look.icon}" aria-hidden="true"></span>` : nothing}${words}</vscode-button
  >`;
}
