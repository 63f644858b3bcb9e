/** How a turn ended when it did not come to its own end: stopped by the user, cut off, failed; and the ways on from there. */
import { html, nothing, type TemplateResult } from "lit";
import type { TurnView } from "../src/thread";
import { post } from "./host";
import { withCode } from "./with_code";

/** `last`: nothing came after it, so it can go on. */
export function turnEnd(turn: TurnView, last: boolean): unknown {
  const open = last && turn.status !== "inProgress";
  if (turn.error) return turn.status === "interrupted" ? cutOff(turn.error.message, open) : failure(turn, open);
  if (turn.status !== "interrupted") return nothing;
  return html`<div class="aside-line stopped">
    <span class="codicon codicon-circle-slash" aria-hidden="true"></span>Stopped${open ? html`<button class="link" title="Go on where it was stopped" @click=${goOn}>Continue</button>` : nothing}
  </div>`;
}

/** By a reload of the window, or because the sidecar ended. */
function cutOff(message: string, open: boolean): TemplateResult {
  return html`<section class="failure soft" role="group" aria-label="Stopped">
    <div class="what"><span class="codicon codicon-debug-disconnect" aria-hidden="true"></span><span>${withCode(message)}</span></div>
    ${
      open
        ? html`<div class="answers">
          <vscode-button class="continue" title="Go on where it was stopped" @click=${goOn}>Continue</vscode-button>
          <vscode-button secondary @click=${() => post({ type: "command", command: "showLog" })}>Show Log</vscode-button>
        </div>`
        : nothing
    }
  </section>`;
}

function failure(turn: TurnView, open: boolean): TemplateResult {
  const details = turn.error?.additionalDetails;
  return html`<section class="failure" role="group" aria-label="Error">
    <div class="what"><span class="codicon codicon-error" aria-hidden="true"></span><span>${withCode(turn.error?.message ?? "")}</span></div>
    ${details ? html`<details class="details"><summary>Details</summary><pre tabindex="0">${details}</pre></details>` : nothing}
    ${open ? waysOut(wantsKey(turn)) : nothing}
  </section>`;
}

/** Refused for its key, or nothing answers here and the way out that is named is a key. */
function wantsKey({ error }: TurnView): boolean {
  return error?.codexErrorInfo === "unauthorized" || /\bSet [A-Z_]+_API_KEY\b/.test(error?.message ?? "");
}

function goOn(): void {
  post({ type: "command", command: "continueTurn" });
}

/** `byKey`: it failed for want of a key, or of one that counts. */
function waysOut(byKey: boolean): TemplateResult {
  return html`<div class="answers">
    ${byKey ? html`<vscode-button data-testid="set-key" @click=${() => post({ type: "command", command: "setApiKey" })}>Set API Key…</vscode-button>` : nothing}
    <vscode-button ?secondary=${byKey} @click=${() => post({ type: "command", command: "retry" })}>Retry</vscode-button>
    <vscode-button secondary @click=${() => post({ type: "command", command: "openSettings" })}>Open Settings</vscode-button>
    ${byKey ? nothing : html`<vscode-button secondary @click=${() => post({ type: "command", command: "showLog" })}>Show Log</vscode-button>`}
  </div>`;
}
