/** The model's plan, above where the user writes: one line that says how far it is, and the steps when it is opened. */
import { html, nothing, type TemplateResult } from "lit";
import { completed, current, type PlanView } from "../src/plan";
import { rememberOpened, wasOpened } from "./host";
import { withCode } from "./with_code";

const icons = { pending: "circle-large", inProgress: "circle-large-filled", completed: "pass-filled" };
const names = { pending: "to do", inProgress: "under way", completed: "done" };

export function plan(view: PlanView | null): unknown {
  if (!view) return nothing;
  const done = completed(view);
  const all = view.steps.length;
  const step = done === all ? "All done" : (current(view)?.step ?? "");
  return html`<details class="plan" ?open=${wasOpened("plan") ?? false} @toggle=${(event: Event) => rememberOpened("plan", (event.target as HTMLDetailsElement).open)}>
    <summary title="Plan, ${done} of ${all} steps done">
      <span class="sr-only">Plan:</span>
      <span class="codicon codicon-chevron-right twist" aria-hidden="true"></span>
      <span class="codicon codicon-checklist" aria-hidden="true"></span>
      <span class="now">${withCode(step)}</span><span class="count">${done}/${all}<span class="sr-only"> steps done</span></span>
    </summary>
    ${view.explanation ? html`<p>${view.explanation}</p>` : nothing}
    <ol>${view.steps.map(row)}</ol>
  </details>`;
}

function row({ step, status }: PlanView["steps"][number]): TemplateResult {
  return html`<li class=${status}>
    <span class="codicon codicon-${icons[status]}" role="img" aria-label=${names[status]}></span><span>${withCode(step)}</span>
  </li>`;
}
