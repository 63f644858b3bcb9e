/**
 * What can be done with a message of the user's: edit it and go on from there, go back to before it, fork, copy. The buttons are shown
 * when the mouse or the keyboard is there; the menu, VS Code's own, is the same one that the right mouse button opens.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { MessageAct } from "../src/messages";
import type { UserMessageItem } from "../src/wire";
import { listen, post } from "./host";
import "./restore_card";

@customElement("treadle-message-actions")
export class MessageActions extends LitElement {
  @property({ attribute: false }) itemId = "";
  @state() private restoring = false;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): TemplateResult {
    return html`<div class="message-actions" role="toolbar" aria-label="Message">
        ${this.button("edit", "edit", "Edit: change the words and go on from here in a copy of the thread", () => this.act("edit"))}
        ${this.button("restore", "discard", "Restore…: take files or the conversation back to before this message", () => this.restore(!this.restoring))}
        ${this.button("more", "ellipsis", "More actions", this.menu)}
      </div>
      ${this.restoring ? html`<treadle-restore .itemId=${this.itemId} .close=${() => this.restore(false)}></treadle-restore>` : nothing}`;
  }

  /** Opens or closes the card of going back. */
  restore(open: boolean): void {
    this.restoring = open;
    if (!open) void this.updateComplete.then(() => this.querySelector<HTMLElement>("button.restore")?.focus());
  }

  private button(name: string, icon: string, title: string, click: (event: MouseEvent) => void): TemplateResult {
    const expanded = name === "restore" ? String(this.restoring) : nothing;
    return html`<button class="icon ${name}" title=${title} aria-label=${title.split(":")[0] ?? title} aria-expanded=${expanded} @click=${click}>
      <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    </button>`;
  }

  private act(act: MessageAct): void {
    post({ type: "onMessage", act, itemId: this.itemId });
  }

  /** VS Code draws its menu where such an event happened. */
  private readonly menu = (event: MouseEvent) => {
    const button = event.currentTarget as HTMLElement;
    const { left, bottom } = button.getBoundingClientRect();
    button.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, clientX: left, clientY: bottom }));
  };
}

/** The message with its actions. What is marked here tells VS Code's menu which message it was opened on. */
export function withActions(item: UserMessageItem, message: unknown): TemplateResult {
  const place = JSON.stringify({ webviewSection: "message", itemId: item.id });
  return html`<div class="acted-on" data-vscode-context=${place} data-message=${item.id}>
    ${message}<treadle-message-actions .itemId=${item.id}></treadle-message-actions>
  </div>`;
}

/** From the menu, or from the palette. */
listen((message) => {
  if (message.type !== "openRestore" || message.itemId === null) return;
  const at = document.querySelector(`[data-message="${CSS.escape(message.itemId)}"] treadle-message-actions`);
  if (at instanceof MessageActions) at.restore(true);
});
