/** Draws a question by its kind, and how questions ended. Each question keeps its element, and so what was typed, while it waits. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import "./approval_card";
import type { Asked, Outcome } from "../src/asked";
import "./elicitation_card";
import { post } from "./host";
import "./question_card";

export function asks(asked: readonly Asked[], folder: string | null, home: string | null): unknown {
  if (!asked.length) return nothing;
  return repeat(
    asked,
    (one) => one.id,
    (one) => ask(one, folder, home),
  );
}

function ask(asked: Asked, folder: string | null, home: string | null): TemplateResult {
  switch (asked.kind) {
    case "question":
      return html`<treadle-question data-ask=${asked.id} .asked=${asked}></treadle-question>`;
    case "form":
      return html`<treadle-form data-ask=${asked.id} .asked=${asked}></treadle-form>`;
    case "link":
      return html`<treadle-link data-ask=${asked.id} .asked=${asked}></treadle-link>`;
    default:
      return html`<treadle-approval data-ask=${asked.id} .asked=${asked} .folder=${folder} .home=${home}></treadle-approval>`;
  }
}

const icons: Record<Outcome["verdict"], string> = { accept: "pass", decline: "circle-slash", cancel: "debug-stop" };

export function outcomes(all: readonly Outcome[] | undefined): unknown {
  if (!all?.length) return nothing;
  return all.map(
    ({ verdict, text, rule, lasting }) => html`<div class="outcome ${verdict}">
      <span class="codicon codicon-${icons[verdict]}" aria-hidden="true"></span>
      <span class="words">${text}${rule ? html`: <code>${rule}</code>` : nothing}</span>
      ${lasting ? html`<button class="link permissions" title="See, change and revoke what is allowed" @click=${() => post({ type: "command", command: "managePermissions" })}>Manage</button>` : nothing}
    </div>`,
  );
}

/** Goes to the next open question from where the keyboard is, or to the one before; from elsewhere to the first. */
export function focusQuestion(step: 1 | -1 | 0): boolean {
  const all = [...document.querySelectorAll<HTMLElement>("[data-ask]")];
  if (!all.length) return false;
  const at = all.findIndex((one) => one.contains(document.activeElement));
  const next = at < 0 || !step ? 0 : (at + step + all.length) % all.length;
  const card = all[next]?.querySelector<HTMLElement>(".ask");
  if (!card) return false;
  card.focus();
  card.scrollIntoView({ block: "nearest" });
  return true;
}
