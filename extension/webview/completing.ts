/**
 * The popup of what can be named at the caret: mentions, commands and skills, in one list that the keyboard walks through while it stays
 * in the box. An answer that comes late, for letters that are not there any more, is dropped.
 */
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import type { Choice } from "../src/choices";
import { slashMatches } from "../src/slash_commands";
import { type Trigger, triggerAt } from "../src/trigger";
import { ask, reason } from "./host";

export const listId = "treadle-choices";
const page = 8;

const nobody: Record<Trigger["kind"], string> = {
  mention: "Nothing in this workspace has these letters",
  slash: "There is no such command",
  skill: "There is no such skill",
};
const titles: Record<Trigger["kind"], string> = { mention: "Mention", slash: "Command", skill: "Skill" };

export class Completing {
  trigger: Trigger | null = null;
  private choices: Choice[] = [];
  private at = 0;
  private asked = 0;
  private waiting = false;
  /** Enter or Tab, pressed before the list for these letters was there: what it means is known when the list comes. */
  private owed: "Enter" | "Tab" | null = null;
  private failure: string | null = null;
  /** Where the user closed the list with Escape: it stays closed until another word begins. */
  private closedAt: number | null = null;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly choose: (choice: Choice, trigger: Trigger, key: "Enter" | "Tab") => void,
    /** Enter was not for the list, as turned out when it came empty. */
    private readonly pass: () => void,
  ) {}

  get open(): boolean {
    return this.trigger !== null;
  }

  get active(): string | null {
    return this.open && this.choices[this.at] ? `${listId}-${this.at}` : null;
  }

  /** The text or the caret moved. */
  look(text: string, caret: number): void {
    const before = this.trigger;
    const found = triggerAt(text, caret);
    if (!found || found.start === this.closedAt) {
      if (!found) this.closedAt = null;
      this.close();
      return;
    }
    this.closedAt = null;
    if (before && before.kind === found.kind && before.query === found.query && before.start === found.start) return;
    this.trigger = found;
    void this.find(found, before?.kind === found.kind);
  }

  close(): void {
    this.asked += 1;
    this.waiting = false;
    this.owed = null;
    if (!this.trigger) return;
    this.trigger = null;
    this.choices = [];
    this.host.requestUpdate();
  }

  /** True when the key was for the list. */
  key(event: KeyboardEvent): boolean {
    if (!this.trigger) return false;
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const by = moves[event.key];
    if (by !== undefined) {
      this.move(by);
    } else if (event.key === "Escape") {
      this.closedAt = this.trigger.start;
      this.close();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
      return this.take(event.key);
    } else {
      return false;
    }
    return true;
  }

  render(): unknown {
    const { trigger, choices, failure } = this;
    if (!trigger) return nothing;
    const said = failure ?? (choices.length ? null : this.waiting ? "Looking…" : nobody[trigger.kind]);
    return html`<div class="popup choices" id=${listId} role="listbox" tabindex="0" aria-label=${titles[trigger.kind]}>
        ${choices.map((choice, index) => this.choice(choice, index, trigger))}
        ${said ? html`<div class="none" role="option" aria-disabled="true" aria-selected="false">${said}</div>` : nothing}
      </div>
      <div class="sr-only" role="status">${choices.length ? `${choices.length} suggestions` : (said ?? "")}</div>`;
  }

  private choice(choice: Choice, index: number, trigger: Trigger): TemplateResult {
    const { unavailable } = choice;
    const chosen = index === this.at;
    return html`<div
      class="choice ${chosen ? "chosen" : ""} ${unavailable ? "off" : ""}"
      id="${listId}-${index}"
      role="option"
      aria-selected=${chosen}
      aria-disabled=${unavailable ? "true" : "false"}
      title=${unavailable ?? [choice.detail, choice.label].filter(Boolean).join("/")}
      @mousedown=${(event: Event) => event.preventDefault()}
      @click=${() => !unavailable && this.choose(choice, trigger, "Enter")}
    >
      <span class="codicon codicon-${choice.icon}" aria-hidden="true"></span>
      <span class="label">${marked(choice.label, choice.marks)}</span>
      <span class="detail">${unavailable ?? marked(choice.detail ?? "", choice.detailMarks)}</span>
    </div>`;
  }

  private move(by: number): void {
    const count = this.choices.length;
    if (!count) return;
    this.at = Math.abs(by) > 1 ? Math.max(0, Math.min(count - 1, this.at + by)) : (this.at + by + count) % count;
    this.host.requestUpdate();
    void this.host.updateComplete.then(() =>
      document.getElementById(`${listId}-${this.at}`)?.scrollIntoView({ block: "nearest" }),
    );
  }

  private take(key: "Enter" | "Tab"): boolean {
    if (this.waiting) {
      this.owed = key; // the choices that are shown still belong to fewer letters
      return true;
    }
    const choice = this.choices[this.at];
    if (!this.trigger || !choice) return false;
    if (!choice.unavailable) this.choose(choice, this.trigger, key);
    return true;
  }

  private async find(trigger: Trigger, keeps: boolean): Promise<void> {
    this.asked += 1;
    const mine = this.asked;
    this.failure = null;
    if (!keeps) this.choices = [];
    this.waiting = true;
    this.owed = null;
    this.at = 0;
    this.host.requestUpdate();
    try {
      const { kind, query } = trigger;
      const found = kind === "slash" ? commands(query) : await ask("choices", { kind, query });
      if (mine === this.asked) this.choices = found;
    } catch (error) {
      if (mine !== this.asked) return;
      this.choices = [];
      this.failure = reason(error);
    }
    if (mine !== this.asked) return;
    this.waiting = false;
    this.at = Math.max(
      0,
      this.choices.findIndex((choice) => !choice.unavailable),
    );
    this.host.requestUpdate();
    const { owed } = this;
    this.owed = null;
    if (owed && !this.take(owed) && owed === "Enter") this.pass();
  }
}

function commands(query: string): Choice[] {
  return slashMatches(query).map(({ name, icon, words }) => {
    const at = name.indexOf(query) + 1;
    return {
      id: name,
      icon,
      label: `/${name}`,
      detail: words,
      marks: Array.from({ length: query.length }, (_, index) => at + index),
    };
  });
}

/** The letters that were typed stand out. */
export function marked(text: string, marks: readonly number[] = []): unknown {
  if (!marks.length) return text;
  const wanted = new Set(marks);
  const parts: { text: string; on: boolean }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const on = wanted.has(at);
    const last = parts.at(-1);
    if (last?.on === on) last.text += text[at];
    else parts.push({ text: text[at] as string, on });
  }
  return parts.map((part) => (part.on ? html`<b>${part.text}</b>` : part.text));
}
