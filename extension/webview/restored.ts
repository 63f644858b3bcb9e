/** What stands above the composer: that something was restored and can be taken back; that an earlier message is being edited. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { type RestoredView, restoredWords } from "../src/restoring";
import type { Editing, Elsewhere } from "../src/thread";
import { listen, post } from "./host";
import "./restore_card";

@customElement("treadle-restored")
export class Restored extends LitElement {
  @property({ attribute: false }) restored: RestoredView | null = null;
  @state() private open: string | null = null;
  @state() private hidden_: string | null = null;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    listen((message) => {
      if (message.type === "openRestore" && message.itemId === null) this.open = this.restored?.restoreId ?? null;
    });
  }

  override render(): unknown {
    const { restored } = this;
    if (!restored || (this.hidden_ === restored.restoreId && this.open !== restored.restoreId)) return nothing;
    const opened = this.open === restored.restoreId;
    return html`<div class="restored" role="status">
      <div class="line">
        <span class="codicon codicon-history" aria-hidden="true"></span><span class="words">${restoredWords(restored)}</span>
        <button class="link redo" aria-expanded=${opened} title="Take the restoring back" @click=${() => this.show(opened ? null : restored.restoreId)}>Redo</button>
        <button class="icon" title="Dismiss" aria-label="Dismiss" @click=${() => {
          this.hidden_ = restored.restoreId;
          this.open = null;
        }}><span class="codicon codicon-close"></span></button>
      </div>
      ${opened ? html`<treadle-restore .restoreId=${restored.restoreId} .what=${restored.what} .close=${() => this.show(null)}></treadle-restore>` : nothing}
    </div>`;
  }

  private show(open: string | null): void {
    this.open = open;
    if (!open) void this.updateComplete.then(() => this.querySelector<HTMLElement>("button.redo")?.focus());
  }
}

export function editing(state: Editing | null): unknown {
  if (!state) return nothing;
  const files = (event: Event) => post({ type: "editing", files: (event.target as HTMLInputElement).checked });
  return html`<div class="editing-earlier" role="status">
    <div class="line">
      <span class="codicon codicon-edit" aria-hidden="true"></span>
      <span class="words"><strong>Editing an earlier message.</strong> Sending goes on from there in a copy of the thread.</span>
      <button class="link cancel" @click=${() => post({ type: "stopEditing" })}>Cancel</button>
    </div>
    <label class="also"><input type="checkbox" .checked=${state.files} @change=${files} />Also restore the files to before it</label>
  </div>`;
}

/** In place of an empty panel. */
export function elsewhere({ title }: Elsewhere): TemplateResult {
  const act = (act: "fork" | "retry" | "another" | "leave") => () => post({ type: "elsewhere", act });
  return html`<div class="welcome elsewhere">
    <span class="codicon codicon-multiple-windows" aria-hidden="true"></span>
    <h1>Open in another window</h1>
    <p><strong>${title}</strong> belongs to another window as long as that is open. Go on in a copy here, or choose another thread.</p>
    <div class="answers">
      <vscode-button class="fork" @click=${act("fork")}>Open a Copy</vscode-button>
      <vscode-button class="another" secondary @click=${act("another")}>Choose Another Thread…</vscode-button>
      <vscode-button class="retry" secondary @click=${act("retry")}>Try Again</vscode-button>
      <vscode-button class="leave" secondary @click=${act("leave")}>New Thread</vscode-button>
    </div>
  </div>`;
}
