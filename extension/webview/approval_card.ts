/** A question to the user: exactly what would happen, where, why, and what it could touch; and the four answers. */
import { html, nothing, type TemplateResult } from "lit";
import "@vscode-elements/elements/dist/vscode-button/index.js";
import type { ApprovalView } from "../src/thread";
import type { Decision } from "../src/wire";
import type { CardContext } from "./cards";
import { post } from "./host";
import { shortPath } from "./text";
import { withCode } from "./with_code";

export function approvalForm(approval: ApprovalView, context: CardContext): TemplateResult {
  const { question, exact, hint } = asked(approval);
  return html`<div class="approval" role="group" aria-label="Approval needed. ${question} ${exact ?? ""}">
    <div class="question">${question}</div>
    ${exact ? exactBlock(exact) : nothing}
    <dl class="facts">
      ${fact("plug", "Server", approval.server ?? nothing)}
      ${fact("tools", "Tool", approval.tool ? html`<code>${approval.tool}</code>` : nothing)}
      ${fact("folder", "Folder", approval.cwd ? html`<code title=${approval.cwd}>${shortPath(approval.cwd, null, context.home)}</code>` : nothing)}
      ${fact("comment", "Reason", approval.reason ? withCode(nearby(approval.reason, context.folder)) : nothing)}
      ${fact("shield", "Sandbox", approval.outside ?? nothing, "outside")}
    </dl>
    <div class="answers">
      ${answer(approval, "accept", "Accept", `${hint} (Ctrl+Enter)`)}
      ${answer(approval, "acceptForSession", forSession, "Accept, and do not ask again for the like in this session")}
      ${answer(approval, "decline", "Decline", "Do not do it; the agent goes on without it")}
      ${answer(approval, "cancel", "Cancel", "Do not do it, and stop the turn")}
    </div>
  </div>`;
}

function asked(approval: ApprovalView): { question: string; exact?: string; hint: string } {
  switch (approval.kind) {
    case "command":
      return { question: "Run this command?", exact: approval.command, hint: "Run it this once" };
    case "mcpTool":
      return { question: "Call this tool?", exact: approval.arguments, hint: "Call it this once" };
    case "fileChange":
      return { question: "Apply this edit?", hint: "Write this edit" };
  }
}

/** Absolute paths inside the folder are said as one would say them there. */
function nearby(reason: string, folder: string | null): string {
  return folder ? reason.replaceAll(`${folder}/`, "") : reason;
}

function exactBlock(command: string): TemplateResult {
  return html`<div class="exact">
    <pre tabindex="0"><code>${command}</code></pre>
    <button class="icon" title="Copy" aria-label="Copy" @click=${() => post({ type: "copy", text: command })}>
      <span class="codicon codicon-copy"></span>
    </button>
  </div>`;
}

function fact(icon: string, name: string, value: unknown, kind = ""): unknown {
  if (value === nothing) return nothing;
  return html`<div class="fact ${kind}">
    <dt><span class="codicon codicon-${icon}" aria-hidden="true"></span><span class="sr-only">${name}</span></dt>
    <dd>${value}</dd>
  </div>`;
}

const forSession = html`<span class="wide">Accept for Session</span><span class="tight">For Session</span>`;

function answer(approval: ApprovalView, decision: Decision, label: unknown, hint: string): TemplateResult {
  const primary = decision === "accept";
  return html`<vscode-button
    ?secondary=${!primary}
    class=${decision}
    title=${hint}
    aria-keyshortcuts=${primary ? "Control+Enter" : nothing}
    @click=${() => decide(approval, decision)}
    >${label}</vscode-button
  >`;
}

/** The button goes away with its question: the keyboard goes back to where the user writes, not to nowhere. */
function decide(approval: ApprovalView, decision: Decision): void {
  post({ type: "decide", approvalId: approval.id, decision });
  document.querySelector<HTMLTextAreaElement>("treadle-composer textarea")?.focus();
}
