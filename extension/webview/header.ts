/** The line on top: which model, what the sandbox allows, which instruction files are in force, how full the context is. */
import { html, nothing, svg, type TemplateResult } from "lit";
import { lastRequest } from "../src/inspection";
import type { PanelState } from "../src/messages";
import type { ThreadView } from "../src/thread";
import { post } from "./host";
import { baseName, sandboxMeaning, sandboxName, shortPath, tokens } from "./text";

export function header(view: ThreadView, panel: PanelState): TemplateResult {
  const model = view.model ?? panel.model;
  const sandbox = view.sandbox ?? panel.sandboxMode;
  const settings = () => post({ type: "command", command: "openSettings" });
  const risky = sandboxName(sandbox) === "Full access";
  return html`<header>
    <div class="chips">
      ${chip("sparkle", model || "Default model", view.provider ? `Model ${model} from ${view.provider}` : "The model; click for settings", settings)}
      ${chip(risky ? "unlock" : "shield", sandboxName(sandbox), sandboxMeaning(sandbox), settings, risky ? "risky firm" : panel.trusted ? "firm" : "firm extra")}
      ${panel.trusted ? nothing : chip("workspace-untrusted", "Restricted", "This workspace is not trusted: reading only, AGENTS.md ignored", () => post({ type: "command", command: "trust" }), "risky firm")}
      ${instructions(view, panel)}
    </div>
    ${meter(view)}
  </header>`;
}

function chip(icon: string, text: string, hint: string, click: () => void, kind = ""): TemplateResult {
  return html`<button class="chip ${kind}" title=${hint} @click=${click}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span><span class="text">${text}</span>
  </button>`;
}

function instructions(view: ThreadView, panel: PanelState): unknown {
  const files = view.instructions;
  const first = files[0];
  if (!first) return nothing;
  const name = (path: string) => shortPath(path, view.cwd ?? panel.folder, panel.home);
  if (files.length === 1)
    return chip(
      "book",
      baseName(first),
      `Instructions in force: ${name(first)}`,
      () => post({ type: "openFile", path: first }),
      "extra",
    );
  return html`<details class="chip-menu">
    <summary class="chip extra" title="Instructions in force: ${files.map(name).join(", ")}">
      <span class="codicon codicon-book" aria-hidden="true"></span><span class="text">${files.length} instruction files</span>
    </summary>
    <div class="menu" role="list">
      ${files.map((path) => html`<button role="listitem" class="entry" title=${path} @click=${() => post({ type: "openFile", path })}>${name(path)}</button>`)}
    </div>
  </details>`;
}

function meter(view: ThreadView): unknown {
  if (!view.usage) return nothing;
  const { used, window, cached } = view.usage;
  const inspect = () => post({ type: "command", command: "inspectPrompt" });
  const last = view.lastRequest ? `\n${lastRequest(view.lastRequest)}` : "";
  const end = `${last}\nClick to inspect the prompt`;
  if (!window)
    return html`<button class="meter" title="${tokens(used)} tokens in the context${end}" @click=${inspect}>${tokens(used)}</button>`;
  const share = Math.min(1, used / window);
  const percent = Math.round(share * 100);
  const hint = `${tokens(used)} of ${tokens(window)} tokens in the context${cached ? `, ${tokens(cached)} read from the cache` : ""}`;
  const around = 2 * Math.PI * 6;
  return html`<button class="meter ${share > 0.9 ? "full" : ""}" title="${hint}${end}" aria-label="${percent}% of the context used, ${hint}. Inspect the prompt" @click=${inspect}>
    <svg width="16" height="16" viewBox="0 0 16 16" role="meter" aria-label="Context" aria-valuenow=${percent} aria-valuemin="0" aria-valuemax="100" aria-valuetext=${hint}>
      ${svg`<circle class="track" cx="8" cy="8" r="6"></circle><circle class="level" cx="8" cy="8" r="6" stroke-dasharray="${share * around} ${around}"></circle>`}
    </svg>
    <span class="percent">${percent}%</span>
  </button>`;
}
