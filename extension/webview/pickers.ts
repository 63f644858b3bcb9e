/** The row under the box: what the next turn runs under, each to be changed where it is read. It shows what is in force for the thread. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Choosable, PanelState, Picked } from "../src/messages";
import type { SlashCommand } from "../src/slash_commands";
import type { ThreadView } from "../src/thread";
import { post } from "./host";
import "./picker";
import type { Option, Picker } from "./picker";
import { sandboxMeaning, sandboxName } from "./text";

type Which = NonNullable<SlashCommand["picks"]>;

const modes: Option[] = [
  { value: "ask", label: "Ask before edits", icon: "edit", words: "Each edit is shown as a diff and written when you accept it" },
  {
    value: "auto",
    label: "Edit automatically",
    icon: "rocket",
    words: "Edits in the workspace are written at once; you keep or undo them",
  },
  { value: "read", label: "Read only", icon: "eye", words: "Nothing is written; commands can only read" },
];
const shortModes: Record<string, string> = { ask: "Ask", auto: "Auto", read: "Read only" };
const approvals: Option[] = [
  { value: "on-request", label: "Ask when needed", icon: "comment", words: "You are asked before anything leaves the sandbox" },
  { value: "never", label: "Never ask", icon: "circle-slash", words: "What the sandbox does not allow is refused" },
];
const sandboxes = ["read-only", "workspace-write", "danger-full-access"];
const wireNames: Record<string, string> = {
  readOnly: "read-only",
  workspaceWrite: "workspace-write",
  dangerFullAccess: "danger-full-access",
};

/** What is in force: of the thread, or what a new one would have. */
export function inForce(view: ThreadView, panel: PanelState): Choosable {
  const { defaults } = panel;
  const usual = defaults?.sandbox ?? panel.sandboxMode;
  if (!view.id)
    return {
      model: defaults?.model || panel.model,
      effort: defaults?.effort ?? null,
      askBeforeEdits: defaults?.askBeforeEdits ?? true,
      approvalPolicy: defaults?.approvalPolicy ?? "on-request",
      sandbox: usual,
    };
  return {
    model: view.model ?? panel.model,
    effort: view.effort,
    askBeforeEdits: view.askBeforeEdits ?? true,
    approvalPolicy: view.approvalPolicy ?? "on-request",
    sandbox: wireNames[view.sandbox ?? ""] ?? view.sandbox ?? usual,
  };
}

export function modeOf({ sandbox, askBeforeEdits }: Choosable): string {
  return sandbox === "read-only" ? "read" : askBeforeEdits ? "ask" : "auto";
}

/** A mode is two settings at once. */
export function picksOf(mode: string, now: Choosable): Picked {
  if (mode === "read") return { sandbox: "read-only" };
  const out = now.sandbox === "read-only" ? { sandbox: "workspace-write" } : {};
  return { askBeforeEdits: mode === "ask", ...out };
}

@customElement("treadle-pickers")
export class Pickers extends LitElement {
  @property({ attribute: false }) view?: ThreadView;
  @property({ attribute: false }) panel?: PanelState;
  @property({ attribute: false }) done?: () => void;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Opens one, or chooses by a name at once; what is wrong with the name, or null. */
  open(which: Which, wanted = ""): string | null {
    const picker = this.querySelector<Picker>(`treadle-picker.${which}`);
    if (!picker && !this.panel?.models) return "It is not known yet which models there are. Try again in a moment.";
    if (!picker)
      return which === "effort" ? "This model does not say that it can think longer or shorter." : "This cannot be chosen here.";
    if (wanted && picker.pick(wanted)) return null;
    picker.open(which === "model" ? wanted : "");
    return null;
  }

  override render(): unknown {
    const { view, panel } = this;
    if (!view || !panel) return nothing;
    const now = inForce(view, panel);
    return html`<div class="pickers" role="group" aria-label="What the next turn runs under">
      ${this.mode(now, panel)} ${this.models(now, panel)} ${this.effort(now, panel)} ${this.approvals(now)} ${this.sandbox(now, panel)}
    </div>`;
  }

  private picker(
    which: Which,
    name: string,
    icon: string,
    label: string,
    value: string,
    options: Option[],
    picks: (value: string) => Picked,
    more: { risky?: boolean; search?: boolean; free?: boolean } = {},
  ): TemplateResult {
    return html`<treadle-picker
      class=${which}
      .name=${name}
      .icon=${icon}
      .label=${label}
      .value=${value}
      .options=${options}
      .risky=${more.risky ?? false}
      .search=${more.search ?? false}
      .free=${more.free ?? false}
      .ofThread=${Boolean(this.view?.id)}
      .choose=${(chosen: string, forNew: boolean) => post({ type: "pick", picked: picks(chosen), forNew })}
      .done=${this.done}
    ></treadle-picker>`;
  }

  private mode(now: Choosable, panel: PanelState): TemplateResult {
    const value = modeOf(now);
    const untrusted = panel.trusted ? undefined : "Not before this workspace is trusted";
    const options = modes.map((mode) => (mode.value === "read" ? mode : { ...mode, unavailable: untrusted }));
    const icon = modes.find((mode) => mode.value === value)?.icon ?? "edit";
    return this.picker("mode", "Mode", icon, shortModes[value] ?? value, value, options, (chosen) => picksOf(chosen, now));
  }

  private models(now: Choosable, panel: PanelState): TemplateResult {
    const known = panel.models ?? [];
    const options: Option[] = known.map(({ id, name, words }) => ({
      value: id,
      label: name,
      icon: "sparkle",
      words: words || (id === name ? undefined : id),
    }));
    if (now.model && !known.some(({ id }) => id === now.model))
      options.unshift({ value: now.model, label: now.model, icon: "sparkle" });
    const label = known.find(({ id }) => id === now.model)?.name ?? (now.model || "Default model");
    return this.picker("model", "Model", "sparkle", label, now.model, options, (model) => ({ model }), {
      search: true,
      free: true,
    });
  }

  private effort(now: Choosable, panel: PanelState): unknown {
    const model = panel.models?.find(({ id }) => id === now.model);
    if (!model?.efforts.length) return nothing;
    const value = now.effort ?? model.usualEffort;
    const options = model.efforts.map((effort) => ({
      value: effort,
      label: capital(effort),
      icon: "lightbulb",
      words: effort === model.usualEffort ? "The model's usual" : undefined,
    }));
    return this.picker("effort", "Reasoning effort", "lightbulb", capital(value), value, options, (effort) => ({ effort }));
  }

  private approvals(now: Choosable): TemplateResult {
    const label = approvals.find(({ value }) => value === now.approvalPolicy)?.label ?? now.approvalPolicy;
    return this.picker(
      "approvals",
      "Approvals",
      "shield",
      label,
      now.approvalPolicy,
      approvals,
      (approvalPolicy) => ({ approvalPolicy }),
      {
        risky: now.approvalPolicy === "never",
      },
    );
  }

  private sandbox(now: Choosable, panel: PanelState): TemplateResult {
    const untrusted = panel.trusted ? undefined : "Not before this workspace is trusted";
    const options = sandboxes.map((mode) => ({
      value: mode,
      label: sandboxName(mode),
      icon: mode === "danger-full-access" ? "unlock" : "lock",
      words: sandboxMeaning(mode).replace(/^(?:Sandbox|No sandbox): /, ""),
      unavailable: mode === "read-only" ? undefined : untrusted,
    }));
    const risky = now.sandbox === "danger-full-access";
    const icon = risky ? "unlock" : "lock";
    return this.picker("sandbox", "Sandbox", icon, sandboxName(now.sandbox), now.sandbox, options, (sandbox) => ({ sandbox }), {
      risky,
    });
  }
}

function capital(word: string): string {
  return word === "xhigh" ? "Extra high" : word.charAt(0).toUpperCase() + word.slice(1);
}
