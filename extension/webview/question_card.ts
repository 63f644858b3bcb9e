/**
 * Questions of the model, one to three: choices with what they mean, or the user's own words. What is secret is masked and never kept.
 * Skip answers none of them. Keys: Enter in a field sends when all is answered, Escape leaves the card.
 */
import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import type { QuestionView } from "../src/asked";
import { Asking, button, focusComposer } from "./asking";
import { visible } from "./visible";
import { withCode } from "./with_code";

type Part = QuestionView["parts"][number];

interface Draft {
  /** By the question's id: the label that is chosen; "" stands for the user's own words. */
  chosen: Record<string, string>;
  words: Record<string, string>;
}

const own = "";

@customElement("treadle-question")
export class QuestionCard extends Asking<QuestionView, Draft> {
  protected fresh(asked: QuestionView): Draft {
    const plain = asked.parts.filter((part) => !part.options?.length);
    return { chosen: Object.fromEntries(plain.map((part) => [part.id, own])), words: {} };
  }

  protected override lasting(draft: Draft): Draft {
    const secret = new Set(this.asked?.parts.filter((part) => part.isSecret).map((part) => part.id));
    return { ...draft, words: Object.fromEntries(Object.entries(draft.words).filter(([id]) => !secret.has(id))) };
  }

  protected draw(asked: QuestionView, draft: Draft): TemplateResult {
    const whole = visible(asked.parts.map((part) => part.question).join(" "));
    const complete = asked.parts.every((part) => this.said(part, draft));
    return html`<div class="ask asks" role="group" aria-label="The agent asks. ${whole}" tabindex="-1" @keydown=${this.key}>
      ${asked.parts.map((part) => this.one(asked, part, draft))}
      <div class="answers">
        ${button("accept", asked.parts.length > 1 ? "Send Answers" : "Send Answer", { primary: true, disabled: this.answering || !complete, keys: "Control+Enter" }, () => this.send())}
        ${button("decline", "Skip", { disabled: this.answering, hint: "Give no answer; the agent goes on without it" }, () => this.answer({ verdict: "decline" }))}
      </div>
    </div>`;
  }

  private one(asked: QuestionView, part: Part, draft: Draft): TemplateResult {
    const options = part.options ?? [];
    const id = `${asked.id}-${part.id}`;
    return html`<fieldset>
      <legend>${part.header ? html`<span class="header">${visible(part.header)}</span>` : nothing}<span class="question">${withCode(visible(part.question))}</span></legend>
      ${options.map((option) => this.choice(id, part, option.label, visible(option.label), option.description, draft))}
      ${options.length && part.isOther ? this.choice(id, part, own, "Other", "", draft) : nothing}
      ${!options.length || draft.chosen[part.id] === own ? this.field(part, draft) : nothing}
    </fieldset>`;
  }

  private choice(name: string, part: Part, value: string, label: string, description: string, draft: Draft): TemplateResult {
    return html`<label class="choice ${draft.chosen[part.id] === value ? "chosen" : ""}">
      <input type="radio" name=${name} .checked=${draft.chosen[part.id] === value} @change=${() => this.choose(part, value)} />
      <span class="what"><span class="name">${label}</span>${description ? html`<span class="meaning">${description}</span>` : nothing}</span>
    </label>`;
  }

  private field(part: Part, draft: Draft): TemplateResult {
    return html`<input
      class="field own"
      data-part=${part.id}
      type=${part.isSecret ? "password" : "text"}
      autocomplete="off"
      aria-label=${visible(part.options?.length ? `${part.question} In your own words` : part.question)}
      placeholder=${part.options?.length ? "In your own words" : "Your answer"}
      .value=${draft.words[part.id] ?? ""}
      @input=${(event: Event) => this.change({ words: { ...draft.words, [part.id]: (event.target as HTMLInputElement).value } })}
    />`;
  }

  private choose(part: Part, value: string): void {
    this.change({ chosen: { ...this.draft?.chosen, [part.id]: value } });
    if (value === own) void this.focusOn(`[data-part="${CSS.escape(part.id)}"]`);
  }

  /** What the user answers to a question so far; empty when nothing. */
  private said(part: Part, draft: Draft): string {
    const chosen = draft.chosen[part.id];
    return chosen === own ? (draft.words[part.id] ?? "").trim() : (chosen ?? "");
  }

  private send(): void {
    const { asked, draft } = this;
    if (!asked || !draft || !asked.parts.every((part) => this.said(part, draft))) return;
    const answers = Object.fromEntries(asked.parts.map((part) => [part.id, [this.said(part, draft)]]));
    this.answer({ verdict: "accept", answers });
  }

  private readonly key = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const field = event.target instanceof HTMLInputElement;
    if (event.key === "Enter" && (field || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      this.send();
    }
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    focusComposer();
  };
}
