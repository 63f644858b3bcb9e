/**
 * What an MCP server asks in the middle of its work: a form, or an address that the user is to open. Everything that a form holds goes to
 * the server, which is said; an address is shown whole, and opened by a click only.
 */
import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import type { FormView, LinkView } from "../src/asked";
import { type Field, filled, problemOf, type Typed } from "../src/forms";
import { Asking, button, focusComposer } from "./asking";
import { post } from "./host";
import { visible } from "./visible";

interface Draft {
  typed: Record<string, Typed>;
  /** The user has tried to send it. Not earlier: a line that appears while they go to a button moves the button away. */
  tried: boolean;
}

function leave(event: KeyboardEvent): void {
  if (event.key !== "Escape" || event.isComposing) return;
  event.preventDefault();
  event.stopPropagation();
  focusComposer();
}

@customElement("treadle-form")
export class FormCard extends Asking<FormView, Draft> {
  protected fresh(asked: FormView): Draft {
    return { typed: Object.fromEntries(asked.fields.map((field) => [field.name, field.initial])), tried: false };
  }

  protected draw(asked: FormView, draft: Draft): TemplateResult {
    return html`<form class="ask asks" aria-label="${visible(asked.server)} asks. ${visible(asked.message)}" tabindex="-1" novalidate @submit=${this.submitted} @keydown=${leave}>
      <div class="question">${visible(asked.message)}</div>
      ${asked.fields.map((field) => this.row(asked, field, draft))}
      <div class="ground"><span class="codicon codicon-plug" aria-hidden="true"></span><span>What you fill in goes to the MCP server ${visible(asked.server)}.</span></div>
      <div class="answers">
        ${button("accept", "Send", { primary: true, disabled: this.answering, hint: `Send this to ${visible(asked.server)}` }, () => this.send())}
        ${button("decline", "Decline", { disabled: this.answering, hint: "Refuse to say this; the server is told" }, () => this.answer({ verdict: "decline" }))}
        ${button("cancel", "Cancel", { disabled: this.answering, hint: "Leave the question without an answer" }, () => this.answer({ verdict: "cancel" }))}
      </div>
    </form>`;
  }

  private row(asked: FormView, field: Field, draft: Draft): TemplateResult {
    const id = `${asked.id}-${field.name}`;
    const value = draft.typed[field.name] ?? field.initial;
    const problem = draft.tried ? problemOf(field, value) : null;
    const title = html`${visible(field.title)}${field.required ? html`<span class="needed" title="Needed" aria-hidden="true">*</span>` : nothing}`;
    const description = field.description
      ? html`<div class="meaning" id="${id}-meaning">${visible(field.description)}</div>`
      : nothing;
    const told = html`${description}<div class="problem" id="${id}-problem" role="status">${problem ?? nothing}</div>`;
    if (field.kind === "boolean") {
      return html`<div class="row">
        <label class="choice"><input type="checkbox" .checked=${value === true} @change=${(event: Event) => this.put(field, (event.target as HTMLInputElement).checked)} /><span class="what">${title}</span></label>${told}
      </div>`;
    }
    if (field.kind === "choices")
      return html`<fieldset class="row"><legend>${title}</legend>${this.boxes(field, value)}${told}</fieldset>`;
    return html`<div class="row"><label for=${id}>${title}</label>${this.control(field, id, value, problem)}${told}</div>`;
  }

  private boxes(field: Field, value: Typed): TemplateResult[] {
    const chosen = Array.isArray(value) ? value : [];
    const toggled = (option: string, on: boolean) => {
      const next = new Set(on ? [...chosen, option] : chosen.filter((one) => one !== option));
      this.put(
        field,
        field.options.map((one) => one.value).filter((one) => next.has(one)),
      );
    };
    return field.options.map(
      (option) => html`<label class="choice">
        <input type="checkbox" .checked=${chosen.includes(option.value)} @change=${(event: Event) => toggled(option.value, (event.target as HTMLInputElement).checked)} />
        <span class="what">${visible(option.label)}</span>
      </label>`,
    );
  }

  private control(field: Field, id: string, value: Typed, problem: string | null): TemplateResult {
    const put = (event: Event) => this.put(field, (event.target as HTMLInputElement | HTMLSelectElement).value);
    const described = `${id}-meaning ${id}-problem`;
    if (field.kind === "choice") {
      return html`<select id=${id} class="field" aria-required=${String(field.required)} aria-invalid=${String(problem !== null)} aria-describedby=${described} .value=${String(value)} @change=${put}>
        ${field.required && value ? nothing : html`<option value="" ?selected=${!value}></option>`}
        ${field.options.map((option) => html`<option value=${option.value} ?selected=${option.value === value}>${visible(option.label)}</option>`)}
      </select>`;
    }
    return html`<input
      id=${id}
      class="field"
      type=${inputType(field)}
      inputmode=${field.kind === "integer" ? "numeric" : field.kind === "number" ? "decimal" : nothing}
      aria-required=${String(field.required)}
      aria-invalid=${String(problem !== null)}
      aria-describedby=${described}
      .value=${live(String(value)) /* a date that is half typed says that it is empty, and to be told so would empty it */}
      @input=${put}
    />`;
  }

  private put(field: Field, value: Typed): void {
    this.change({ typed: { ...this.draft?.typed, [field.name]: value } });
  }

  private readonly submitted = (event: Event) => {
    event.preventDefault();
    this.send();
  };

  private send(): void {
    const { asked, draft } = this;
    if (!asked || !draft) return;
    const result = filled(asked.fields, draft.typed);
    if ("content" in result) {
      this.answer({ verdict: "accept", content: result.content });
      return;
    }
    this.change({ tried: true });
    const first = Object.keys(result.problems)[0] ?? "";
    void this.focusOn(`#${CSS.escape(`${asked.id}-${first}`)}`);
  }
}

/** Dates have pickers; what has another format is a line of text, which `problemOf` looks at. */
function inputType(field: Field): string {
  if (field.format === "date") return "date";
  return field.format === "date-time" ? "datetime-local" : "text";
}

@customElement("treadle-link")
export class LinkCard extends Asking<LinkView, Record<string, never>> {
  protected fresh(): Record<string, never> {
    return {};
  }

  protected draw(asked: LinkView): TemplateResult {
    const host = hostOf(asked.url);
    return html`<div class="ask asks" role="group" aria-label="${visible(asked.server)} asks to open ${asked.url}. ${visible(asked.message)}" tabindex="-1" @keydown=${leave}>
      <div class="question">${visible(asked.message)}</div>
      <div class="exact"><pre tabindex="0"><code>${visible(asked.url)}</code></pre>
        <button class="icon" title="Copy" aria-label="Copy the address" @click=${() => post({ type: "copy", text: asked.url })}><span class="codicon codicon-copy"></span></button>
      </div>
      <dl class="facts">
        <div class="fact"><dt title="Host"><span class="codicon codicon-globe" aria-hidden="true"></span><span class="sr-only">Host</span></dt>
          <dd>${host ? html`<code>${host}</code>` : "This is no web address: it cannot be opened."}</dd></div>
        <div class="fact"><dt title="Server"><span class="codicon codicon-plug" aria-hidden="true"></span><span class="sr-only">Server</span></dt><dd>${visible(asked.server)}</dd></div>
      </dl>
      <div class="answers">
        ${button("accept", "Open in Browser", { primary: true, disabled: this.answering || !host }, () => host && this.answer({ verdict: "accept" }))}
        ${button("decline", "Decline", { disabled: this.answering, hint: "Do not open it; the server is told" }, () => this.answer({ verdict: "decline" }))}
        ${button("cancel", "Cancel", { disabled: this.answering, hint: "Leave the question without an answer" }, () => this.answer({ verdict: "cancel" }))}
      </div>
    </div>`;
  }
}

function hostOf(url: string): string | null {
  try {
    const { protocol, host } = new URL(url);
    return protocol === "https:" || protocol === "http:" ? host : null;
  } catch {
    return null;
  }
}
