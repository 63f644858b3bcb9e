/**
 * The page of permissions: what the user has allowed, by how far it reaches, to change and to revoke; and the rules of files, to read.
 * Each change is asked of the sidecar, and the list is drawn as the sidecar tells it.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import { repeat } from "lit/directives/repeat.js";
import "@vscode-elements/elements/dist/vscode-button/index.js";
import { kindName, rescoped, retold, revoked, type Section, scopeNames, scopesFrom, sections } from "../src/grants";
import type { PermissionsState, ToPermissions } from "../src/messages";
import type { FileRule, Grant, GrantScope } from "../src/wire";
import { listenPermissions, post } from "./host";
import "./rule_field";
import type { RuleState } from "./rule_field";
import { ago, baseName, shortPath } from "./text";
import { withCode } from "./with_code";

const decisions: Record<FileRule["decision"], [icon: string, name: string]> = {
  allow: ["pass", "Allows"],
  prompt: ["question", "Asks"],
  forbidden: ["circle-slash", "Forbids"],
};

@customElement("treadle-permissions")
export class PermissionsPage extends LitElement {
  @state() private page: PermissionsState | null = null;
  @state() private editing: { id: string; rule: RuleState } | null = null;
  @state() private refused: string | null = null;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.body.classList.add("whole-page");
    listenPermissions((message) => this.receive(message));
    post({ type: "ready" });
  }

  private receive(message: ToPermissions): void {
    if (message.type === "refused") this.refused = message.reason;
    if (message.type === "permissions") this.page = message.state;
  }

  override render(): unknown {
    const { page } = this;
    if (!page) return nothing;
    return html`<main class="permissions-page">
      <h1>Permissions</h1>
      <p class="lead">What you have allowed for longer than once. Everything else is asked for, or stays in the sandbox.</p>
      ${page.failure ? html`<div class="banner error" role="alert"><span class="codicon codicon-error" aria-hidden="true"></span><span class="words">The permissions cannot be read: ${withCode(page.failure)}</span></div>` : nothing}
      ${this.refused ? this.refusal(this.refused) : nothing}
      <div class="undo" role="status">${page.undo ? html`<span>${page.undo}</span><button class="link" @click=${() => this.send({ type: "undo" })}>Undo</button>` : nothing}</div>
      ${page.grants.length || page.failure ? nothing : html`<p class="none">Nothing yet. Choose “Allow…” when the agent asks, and it is listed here.</p>`}
      ${repeat(
        sections(page.grants, page),
        (section) => section.key,
        (section) => this.section(section, page),
      )}
      ${this.files(page)}
    </main>`;
  }

  private refusal(reason: string): TemplateResult {
    return html`<div class="banner error" role="alert">
      <span class="codicon codicon-error" aria-hidden="true"></span><span class="words">${withCode(reason)}</span>
      <button class="icon" title="Dismiss" aria-label="Dismiss" @click=${() => {
        this.refused = null;
      }}><span class="codicon codicon-close"></span></button>
    </div>`;
  }

  private section(section: Section, page: PermissionsState): TemplateResult {
    const all = () => this.revoke(section.grants, `Revoked ${section.grants.length} of ${name(section, page)}.`);
    return html`<details class="grants" ?open=${section.here}>
      <summary><span class="codicon codicon-chevron-right twist" aria-hidden="true"></span><h2>${name(section, page)}</h2><span class="count">${section.grants.length}</span></summary>
      ${section.key === "1" && page.folder ? html`<p class="where">${shortPath(page.folder, null, page.home)}</p>` : nothing}
      <ul>${repeat(
        section.grants,
        (grant) => grant.id,
        (grant) => this.grant(grant, section, page),
      )}</ul>
      ${section.grants.length > 1 ? html`<button class="link revoke-all" @click=${all}>Revoke all ${section.grants.length}</button>` : nothing}
    </details>`;
  }

  private grant(grant: Grant, section: Section, page: PermissionsState): TemplateResult {
    const { subject } = grant;
    const editing = this.editing?.id === grant.id;
    // The section says the folder of a workspace's grants.
    const place = subject.cwd ?? (grant.scope === "thread" ? grant.workspace : null);
    const scopes = section.here ? scopesFrom(grant, page) : [grant.scope];
    return html`<li class="grant" aria-label="${kindName(grant)} ${subject.text}">
      <div class="what">
        <div class="kind">${kindName(grant)}${subject.outsideSandbox ? html`<span class="badge beyond"><span class="codicon codicon-warning" aria-hidden="true"></span>outside the sandbox</span>` : nothing}</div>
        ${editing ? this.edit(grant) : html`<code class="rule">${subject.text}</code>`}
        <div class="since">${place ? html`in <code>${shortPath(place, null, page.home)}</code> · ` : nothing}${subject.deny ? "denied" : "allowed"} ${ago(grant.createdAtMs / 1_000, Date.now())}</div>
      </div>
      <div class="ways">
        ${scopes.length > 1 ? this.scope(grant, scopes, page) : nothing}
        ${editing ? nothing : html`<button class="icon edit" title="Edit the rule" aria-label="Edit the rule ${subject.text}" @click=${() => this.begin(grant)}><span class="codicon codicon-edit"></span></button>`}
        <button class="icon revoke" title="Revoke" aria-label="Revoke ${subject.text}" @click=${() => this.revoke([grant], `Revoked ${subject.text}.`)}><span class="codicon codicon-trash"></span></button>
      </div>
    </li>`;
  }

  private scope(grant: Grant, scopes: GrantScope[], page: PermissionsState): TemplateResult {
    const change = (event: Event) => {
      const scope = (event.target as HTMLSelectElement).value as GrantScope;
      const words = `${grant.subject.text}: ${scopeNames[scope].toLowerCase()}.`;
      this.send({ type: "changeGrants", changes: [rescoped(grant, scope, page)], words });
    };
    return html`<select class="field" aria-label="Where ${grant.subject.text} counts" .value=${live(grant.scope)} @change=${change}>
      ${scopes.map((scope) => html`<option value=${scope} ?selected=${scope === grant.scope}>${scopeNames[scope]}</option>`)}
    </select>`;
  }

  private edit(grant: Grant): TemplateResult {
    return html`<div class="editing" @keydown=${this.key}>
      <treadle-rule
        .subject=${grant.subject}
        .text=${grant.subject.text}
        .label=${`Rule. ${kindName(grant)}`}
        .changed=${(rule: RuleState) => {
          this.editing = { id: grant.id, rule };
        }}
        .submit=${() => this.save(grant)}
      ></treadle-rule>
      <div class="answers">
        <vscode-button class="save" ?disabled=${!this.editing?.rule.good} @click=${() => this.save(grant)}>Save</vscode-button>
        <vscode-button class="leave" secondary @click=${this.leave}>Cancel</vscode-button>
      </div>
    </div>`;
  }

  private readonly key = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.isComposing) this.leave();
  };

  private readonly leave = () => {
    this.editing = null;
  };

  private begin(grant: Grant): void {
    this.editing = { id: grant.id, rule: { text: grant.subject.text, good: true } };
    void this.updateComplete.then(() => this.querySelector<HTMLInputElement>(".editing input")?.focus());
  }

  private save(grant: Grant): void {
    const rule = this.editing?.rule;
    if (!rule?.good) return;
    this.editing = null;
    const text = rule.text.trim();
    if (text === grant.subject.text) return;
    this.send({
      type: "changeGrants",
      changes: [retold(grant, text)],
      words: `Changed ${grant.subject.text} to ${text}.`,
    });
  }

  private revoke(grants: Grant[], words: string): void {
    this.send({ type: "changeGrants", changes: revoked(grants), words });
  }

  private send(message: Parameters<typeof post>[0]): void {
    this.refused = null;
    post(message);
  }

  private files(page: PermissionsState): unknown {
    if (!page.rules.length && !page.problems.length) return nothing;
    const sources = [...new Set(page.rules.map((rule) => rule.source))];
    return html`<section class="files">
      <h2>Rules of files</h2>
      <p class="where">Written in <code>*.rules</code> files. They are changed there.</p>
      ${page.problems.map((problem) => fileProblem(problem, page))}
      ${sources.map((source) => this.file(source, page))}
    </section>`;
  }

  private file(source: string, page: PermissionsState): TemplateResult {
    const rules = page.rules.filter((rule) => rule.source === source);
    return html`<div class="file-rules">
      <button class="link source" title=${source} @click=${() => post({ type: "openSource", path: source, line: 1 })}>${shortPath(source, page.folder, page.home)}</button>
      <ul>${rules.map((rule) => fileRule(rule))}</ul>
    </div>`;
  }
}

function name(section: Section, page: PermissionsState): string {
  return section.key.startsWith("3 ") ? shortPath(section.title, null, page.home) : section.title;
}

/** A problem begins with the place it is at. */
function fileProblem(problem: string, page: PermissionsState): TemplateResult {
  const [, path, line, rest] = /^(\/.+?\.rules)(?::(\d+))?(?::\d+)?:\s*(.*)$/s.exec(problem) ?? [];
  const open = () => post({ type: "openSource", path: path ?? "", line: Number(line ?? 1) });
  const at = path && `${shortPath(path, page.folder, page.home)}${line ? `:${line}` : ""}`;
  return html`<div class="banner warning">
    <span class="codicon codicon-warning" aria-hidden="true"></span>
    <span class="words">${at ? html`<button class="link at" title="Open ${path}" @click=${open}>${at}</button>: ` : nothing}${withCode(at ? (rest ?? "") : problem)}</span>
  </div>`;
}

function fileRule(rule: FileRule): TemplateResult {
  const [icon, word] = decisions[rule.decision] ?? ["info", rule.decision];
  return html`<li class="file-rule ${rule.decision}">
    <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    <div class="what"><span class="kind">${word}</span> <code class="rule">${rule.text}</code>${rule.justification ? html`<div class="since">${rule.justification}</div>` : nothing}</div>
    <button class="link at" title="Open ${rule.source} at line ${rule.line}" @click=${() => post({ type: "openSource", path: rule.source, line: rule.line })}>${baseName(rule.source)}:${rule.line}</button>
  </li>`;
}
