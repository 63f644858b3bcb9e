/** What a stranger sees: what this is, three things to try, and what will be asked before anything is changed. */
import { html, type TemplateResult } from "lit";
import type { PanelCommand, PanelState } from "../src/messages";
import { post } from "./host";
import { ago, baseName } from "./text";

const examples: [icon: string, title: string, prompt: string][] = [
  [
    "book",
    "Explain this project",
    "Give me a short tour: what this project does, how it is laid out, and where to start reading.",
  ],
  ["beaker", "Fix the failing tests", "Find out how this project runs its tests, run them, and fix what fails."],
  ["edit", "Make a small change", "Find one small improvement that is worth making here, explain it, and make it."],
];

export function welcome(panel: PanelState, suggest: (prompt: string) => void, now: number): TemplateResult {
  if (!panel.folder) return noFolder();
  return html`<div class="welcome">
    ${logo()}
    <h1>What shall we work on?</h1>
    <p>Treadle reads and edits the files in <strong>${baseName(panel.folder)}</strong> and runs commands in a sandbox. ${promise(panel)}</p>
    <div class="examples">
      ${examples.map(
        ([icon, title, prompt]) => html`<button class="example" @click=${() => suggest(prompt)}>
          <span class="codicon codicon-${icon}" aria-hidden="true"></span>
          <span class="what"><span class="name">${title}</span><span class="prompt">${prompt}</span></span>
        </button>`,
      )}
    </div>
    ${panel.recent.length ? recent(panel, now) : first()}
  </div>`;
}

/** While the thread of before is read again: no flash of the welcome. */
export function opening(): TemplateResult {
  return html`<div class="opening" role="status"><span class="shimmer">Opening your last thread…</span></div>`;
}

function promise(panel: PanelState): string {
  if (panel.sandboxMode === "read-only") return "It only reads until you change the sandbox setting.";
  if (panel.sandboxMode === "danger-full-access") return "The sandbox is off: commands can touch everything that you can.";
  return "You see each edit as a diff, and it asks before it leaves the sandbox.";
}

/** For whoever has no thread yet: the model and the key, before a first message can fail for want of them. */
function first(): TemplateResult {
  const way = (words: string, command: PanelCommand) =>
    html`<button class="link" @click=${() => post({ type: "command", command })}>${words}</button>`;
  return html`<p class="first">New here? ${way("Get started", "openWalkthrough")}, or ${way("set an API key", "setApiKey")}.</p>`;
}

function recent(panel: PanelState, now: number): TemplateResult {
  return html`<div class="recent">
    <h2>Recent threads</h2>
    ${panel.recent.map(
      (thread) => html`<button class="entry" @click=${() => post({ type: "openThread", id: thread.id })}>
        <span class="title">${thread.title}</span><span class="when">${ago(thread.updatedAt, now)}</span>
      </button>`,
    )}
  </div>`;
}

function noFolder(): TemplateResult {
  return html`<div class="welcome">
    ${logo()}
    <h1>Open a folder to start</h1>
    <p>Treadle works on the files of a folder: it reads them, proposes edits and runs commands there.</p>
    <vscode-button @click=${() => post({ type: "command", command: "openFolder" })}>Open Folder</vscode-button>
  </div>`;
}

function logo(): TemplateResult {
  return html`<svg class="logo" width="44" height="44" viewBox="0 0 24 24" fill="none" stroke-width="1.7" stroke-linecap="round" aria-hidden="true">
    <path class="warp" d="M3 4.2h18M6.5 4.2v4.1M6.5 12.3v7.5M12 4.2v9.3M12 17.5v2.3M17.5 4.2v4.1M17.5 12.3v7.5" />
    <path class="weft" d="M3 10.3h6.6M14.4 10.3H21M3 15.5h1.1M8.9 15.5h6.2M19.9 15.5H21" />
  </svg>`;
}
