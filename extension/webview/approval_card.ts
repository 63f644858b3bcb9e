/**
 * May this call run? Exactly what would happen, where, why, and what it could touch; then the answers. A lasting yes shows the rule that
 * will be stored, for the user to change first. Keys: Ctrl+Enter allows once, Escape leaves what was opened, else the question.
 */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ApprovalView } from "../src/asked";
import type { GrantScope, Offer } from "../src/wire";
import { Asking, button, focusComposer } from "./asking";
import { post } from "./host";
import "./rule_field";
import type { RuleState } from "./rule_field";
import { shortPath } from "./text";
import { visible } from "./visible";
import { withCode } from "./with_code";

interface Draft {
  /** What is unfolded below the buttons. */
  open: "" | "allow" | "deny";
  /** Which of the offers is chosen. */
  chosen: number;
  rules: Record<number, string>;
  words: string;
}

const scopes: Record<GrantScope, { name: string; meaning: string; yes: string }> = {
  thread: { name: "This thread", meaning: "until it is deleted", yes: "Allow in This Thread" },
  workspace: { name: "This workspace", meaning: "in every thread of this folder", yes: "Allow in This Workspace" },
  always: { name: "Always", meaning: "in every folder", yes: "Allow Always" },
};

@customElement("treadle-approval")
export class ApprovalCard extends Asking<ApprovalView, Draft> {
  @property({ attribute: false }) folder: string | null = null;
  @property({ attribute: false }) home: string | null = null;
  private good = true;

  protected fresh(): Draft {
    return { open: "", chosen: 0, rules: {}, words: "" };
  }

  protected draw(asked: ApprovalView, draft: Draft): TemplateResult {
    const { question, exact } = wording(asked);
    const whole = visible([question, exact, asked.outside, asked.reason].filter(Boolean).join(" "));
    return html`<div class="ask approval ${asked.outside ? "beyond" : "within"}" role="group" aria-label="Approval needed. ${whole}" tabindex="-1" @keydown=${this.key}>
      <div class="question">${visible(question)}</div>
      ${asked.outside ? html`<div class="ground"><span class="codicon codicon-warning" aria-hidden="true"></span><span>${visible(asked.outside)}</span></div>` : nothing}
      ${exact ? exactBlock(exact) : nothing} ${asked.parts ? parts(asked.parts) : nothing} ${this.facts(asked)}
      <div class="answers">
        ${button("accept", "Allow Once", { primary: true, disabled: this.answering, hint: "Only this one (Ctrl+Enter)", keys: "Control+Enter" }, () => this.answer({ verdict: "accept" }))}
        ${
          asked.offers.length
            ? button(
                "lasting",
                html`Allow…`,
                {
                  disabled: this.answering,
                  hint: "Allow it from now on: in this thread, this workspace, or always",
                  expanded: draft.open === "allow",
                },
                () => this.unfold("allow"),
              )
            : nothing
        }
        ${button("decline", "Deny", { disabled: this.answering, hint: "Do not do it; the agent goes on without it" }, () => this.answer({ verdict: "decline" }))}
        ${button("words", html`<span class="wide">Deny…</span><span class="tight codicon codicon-comment"></span>`, { disabled: this.answering, hint: "Deny it, and tell the agent what to do instead", label: "Deny, and say what to do instead", expanded: draft.open === "deny" }, () => this.unfold("deny"))}
        ${button("cancel", "Stop", { disabled: this.answering, hint: "Do not do it, and stop the turn" }, () => this.answer({ verdict: "cancel" }))}
      </div>
      ${draft.open === "allow" ? this.offers(asked, draft) : nothing} ${draft.open === "deny" ? this.wording(asked, draft) : nothing}
    </div>`;
  }

  private facts(asked: ApprovalView): TemplateResult {
    const { home, folder } = this;
    const place = (path: string) => html`<code title=${visible(path)}>${visible(shortPath(path, null, home))}</code>`;
    const inside = asked.kind === "command" && !asked.outside ? "Runs inside the sandbox." : nothing;
    return html`<dl class="facts">
      ${fact("plug", "Server", asked.server ? visible(asked.server) : nothing)}
      ${fact("tools", "Tool", asked.tool ? html`<code>${visible(asked.tool)}</code>` : nothing)}
      ${fact("globe", "Host", asked.host ? html`<code>${visible(asked.host)}</code>${asked.protocol ? html` by ${asked.protocol}` : nothing}` : nothing)}
      ${fact("folder", "Folder", asked.cwd ? place(asked.cwd) : nothing)}
      ${fact("shield", "Sandbox", inside)}
      ${fact("info", "Why you are asked", asked.reason ? withCode(visible(nearby(asked.reason, folder))) : nothing)}
      ${fact("quote", "The model says", asked.quote ? html`<span class="sr-only">The model says: </span><q>${visible(asked.quote)}</q>` : nothing, "quote")}
    </dl>`;
  }

  private offers(asked: ApprovalView, draft: Draft): TemplateResult {
    const chosen = asked.offers[draft.chosen] ?? asked.offers[0];
    const yes = chosen ? scopes[chosen.scope].yes : "Allow";
    return html`<div class="unfolded" role="group" aria-label="Allow from now on">
      <div role="radiogroup" aria-label="For how long">${asked.offers.map((offer, index) => this.offer(asked, offer, index, draft))}</div>
      <div class="answers">
        ${button("save", yes, { primary: true, disabled: this.answering || !this.good }, () => this.allow(asked))}
        <button class="link permissions" @click=${() => post({ type: "command", command: "managePermissions" })}>Manage permissions</button>
      </div>
    </div>`;
  }

  private offer(asked: ApprovalView, offer: Offer, index: number, draft: Draft): TemplateResult {
    const { name, meaning } = scopes[offer.scope];
    const checked = index === draft.chosen;
    const text = draft.rules[index] ?? offer.subject.text;
    const editing = checked && offer.editable;
    return html`<div class="offer ${offer.scope} ${checked ? "chosen" : ""}">
      <label>
        <input type="radio" name="offer-${asked.id}" .checked=${checked} @change=${() => this.choose(index)} />
        <span class="how-long"><span class="name">${name}</span> <span class="meaning">${meaning}</span></span>
      </label>
      ${
        editing
          ? html`<treadle-rule .subject=${offer.subject} .text=${text} .label=${`${about(offer)}. ${name}`} .changed=${(state: RuleState) => this.ruled(index, state)} .submit=${() => this.allow(asked)}></treadle-rule>`
          : html`<code class="rule">${visible(text)}</code>`
      }
      ${checked ? html`<div class="about">${about(offer)}</div>` : nothing}
    </div>`;
  }

  private wording(asked: ApprovalView, draft: Draft): TemplateResult {
    return html`<div class="unfolded" role="group" aria-label="Deny, and say what to do instead">
      <input
        class="field instead"
        type="text"
        aria-label="What to do instead"
        placeholder="What should it do instead?"
        .value=${draft.words}
        @input=${(event: Event) => this.change({ words: (event.target as HTMLInputElement).value })}
        @keydown=${this.wordsKey}
      />
      <div class="answers">
        ${button("tell", "Deny", { primary: true, disabled: this.answering }, () => this.tell())}
        ${asked.kind === "network" ? button("never", "Deny Always", { disabled: this.answering, hint: `Never let commands reach ${asked.host}` }, () => this.answer({ verdict: "decline", scope: "always" })) : nothing}
        <span class="hint"><kbd>Enter</kbd> sends, <kbd>Esc</kbd> leaves</span>
      </div>
    </div>`;
  }

  private readonly wordsKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.tell();
  };

  private readonly key = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      this.answer({ verdict: "accept" });
    }
    if (event.key !== "Escape") return;
    // Escape means "leave this" here; it must not reach the key that stops the turn.
    event.preventDefault();
    event.stopPropagation();
    const { open } = this.draft ?? { open: "" };
    if (!open) return focusComposer();
    this.change({ open: "" });
    void this.focusOn(open === "allow" ? ".lasting" : ".words");
  };

  private unfold(open: "allow" | "deny"): void {
    const next = this.draft?.open === open ? "" : open;
    this.change({ open: next });
    if (next) void this.focusOn(next === "allow" ? ".unfolded input:checked" : ".unfolded .instead");
  }

  private choose(index: number): void {
    this.good = true;
    this.change({ chosen: index });
  }

  private ruled(index: number, { text, good }: RuleState): void {
    this.good = good;
    this.change({ rules: { ...this.draft?.rules, [index]: text } });
  }

  private allow(asked: ApprovalView): void {
    const { chosen = 0, rules = {} } = this.draft ?? {};
    const offer = asked.offers[chosen];
    if (!offer || !this.good) return;
    const text = (rules[chosen] ?? offer.subject.text).trim();
    // An answer names a scope; its rule only where that is not the first one offered for the scope.
    const first = asked.offers.find((one) => one.scope === offer.scope);
    this.answer({ verdict: "accept", scope: offer.scope, ...(text !== first?.subject.text && { rule: text }) });
  }

  private tell(): void {
    const words = this.draft?.words.trim();
    this.answer({ verdict: "decline", ...(words && { words }) });
  }
}

function wording(asked: ApprovalView): { question: string; exact?: string } {
  switch (asked.kind) {
    case "command":
      return { question: asked.outside ? "Run this command outside the sandbox?" : "Run this command?", exact: asked.command };
    case "network":
      return { question: `Let this command reach ${asked.host}?`, exact: asked.command };
    case "mcpTool":
      return { question: "Call this tool?", exact: asked.arguments };
    case "fileChange":
      return { question: "Apply this edit?" };
  }
}

/** What a rule is about, so that its text can be read. */
function about({ subject }: Offer): string {
  const ground = subject.outsideSandbox ? ", outside the sandbox" : "";
  switch (subject.kind) {
    case "command":
      return `Commands that begin with these words${ground}.`;
    case "exactCommand":
      return `Exactly this command${ground}${subject.cwd ? `, in ${visible(subject.cwd)}` : ""}.`;
    case "files":
      return subject.text.endsWith("/") ? "Edits of every file in this folder." : "Edits of this file.";
    case "mcp":
      return subject.text.endsWith("/*") ? "Every tool of this server." : "Calls of this tool.";
    case "network":
      return "Commands may reach this host.";
    case "degraded":
      return "Running with less protection than was asked for.";
    default:
      return "";
  }
}

/** Absolute paths inside the folder are said as one would say them there. */
function nearby(reason: string, folder: string | null): string {
  return folder ? reason.replaceAll(`${folder}/`, "") : reason;
}

function exactBlock(command: string): TemplateResult {
  return html`<div class="exact">
    <pre tabindex="0"><code>${visible(command)}</code></pre>
    <button class="icon" title="Copy" aria-label="Copy" @click=${() => post({ type: "copy", text: command })}>
      <span class="codicon codicon-copy"></span>
    </button>
  </div>`;
}

function parts(commands: string[]): TemplateResult {
  return html`<div class="parts">
    <span class="count">${commands.length} commands:</span>
    <ol>
      ${commands.map((command) => html`<li><code>${visible(command)}</code></li>`)}
    </ol>
  </div>`;
}

function fact(icon: string, name: string, value: unknown, kind = ""): unknown {
  if (value === nothing) return nothing;
  return html`<div class="fact ${kind}">
    <dt title=${name}><span class="codicon codicon-${icon}" aria-hidden="true"></span><span class="sr-only">${name}</span></dt>
    <dd>${value}</dd>
  </div>`;
}
