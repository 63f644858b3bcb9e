/**
 * The line on top: which model, what the sandbox allows, which instruction files are in force, how full the context is. Its meter is
 * always there, as wide at any number, and opens what the agent knows.
 */
import { html, nothing, svg, type TemplateResult } from "lit";
import { lastRequest } from "../src/inspection";
import type { PanelState } from "../src/messages";
import type { ThreadView } from "../src/thread";
import "./context";
import { folderChip } from "./folder_chip";
import { post } from "./host";
import { baseName, sandboxMeaning, sandboxName, shortPath, tokens } from "./text";

/** Whether the box below the meter is open, and how that is changed. */
export interface Box {
  open: boolean;
  toggle: () => void;
}

export function header(view: ThreadView, panel: PanelState, box: Box): TemplateResult {
  const model = view.model ?? panel.model;
  const sandbox = view.sandbox ?? panel.sandboxMode;
  const settings = () => post({ type: "command", command: "openSettings" });
  const risky = sandboxName(sandbox) === "Full access";
  return html`<header>
    <div class="chips">
      ${chip("sparkle", model || "Default model", view.provider ? `Model ${model} from ${view.provider}` : "The model; click for settings", settings)}
      ${chip(risky ? "unlock" : "shield", sandboxName(sandbox), sandboxMeaning(sandbox), settings, risky ? "risky firm" : panel.trusted ? "firm" : "firm extra")}
      ${panel.trusted ? nothing : chip("workspace-untrusted", "Restricted", "This workspace is not trusted: the agent only talks, and what the folder says of itself is ignored. Click to change that", () => post({ type: "command", command: "trust" }), "risky firm")}
      ${folderChip(view, panel)}
      ${instructions(view, panel)}
    </div>
    ${meter(view, box)}
    ${box.open ? html`<treadle-context .view=${view} .panel=${panel} .leave=${box.toggle}></treadle-context>` : nothing}
  </header>`;
}

function chip(icon: string, text: string, hint: string, click: () => void, kind = ""): TemplateResult {
  return html`<button class="chip ${kind}" title=${hint} @click=${click}>
    <span class="codicon codicon-${icon}" aria-hidden="true"></span><span class="text">${text}</span>
  </button>`;
}

function instructions(view: ThreadView, panel: PanelState): unknown {
  const ignored = panel.trusted ? [] : (panel.ignoredInstructions ?? []);
  const files = [...view.instructions, ...ignored.filter((path) => !view.instructions.includes(path))];
  const first = files[0];
  if (!first) return nothing;
  const name = (path: string) =>
    shortPath(path, view.cwd ?? panel.folder, panel.home) + (ignored.includes(path) ? " (ignored until trusted)" : "");
  const open = (path: string) => () => post({ type: "openFile", path });
  if (files.length === 1) {
    const what = ignored.length ? "Instructions there" : "Instructions in force";
    return chip("book", baseName(first), `${what}: ${name(first)}`, open(first), ignored.length ? "extra ignored" : "extra");
  }
  return html`<details class="chip-menu">
    <summary class="chip extra" title="Instructions: ${files.map(name).join(", ")}">
      <span class="codicon codicon-book" aria-hidden="true"></span><span class="text">${files.length} instruction files</span>
    </summary>
    <div class="menu" role="list">
      ${files.map((path) => html`<button role="listitem" class="entry" title=${path} @click=${open(path)}>${name(path)}</button>`)}
    </div>
  </details>`;
}

function meter({ usage, lastRequest: last }: ThreadView, { open, toggle }: Box): TemplateResult {
  const { used = 0, window = null, cached = 0 } = usage ?? {};
  const share = window ? Math.min(1, used / window) : 0;
  const shown = !usage ? "–" : window ? `${Math.round(share * 100)}%` : tokens(used);
  const size = window ? `${tokens(used)} of ${tokens(window)} tokens in the context` : `${tokens(used)} tokens in the context`;
  const hint = usage ? `${size}${cached ? `, ${tokens(cached)} read from the cache` : ""}` : "What the agent knows";
  const title = `${hint}${last ? `\n${lastRequest(last)}` : ""}\nClick for what it is made of and what it cost`;
  const around = 2 * Math.PI * 6;
  return html`<button class="meter ${share > 0.9 ? "full" : ""}" title=${title} aria-label="Context ${shown}: ${hint}" aria-haspopup="dialog" aria-expanded=${open} @click=${toggle}>
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      ${svg`<circle class="track" cx="8" cy="8" r="6"></circle><circle class="level" cx="8" cy="8" r="6" stroke-dasharray="${share * around} ${around}"></circle>`}
    </svg>
    <span class="percent">${shown}</span>
  </button>`;
}
