/** What the model was left with after a compaction: read when the card is opened, for only then anybody wants it. */
import { html, LitElement, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ask, reason } from "./host";
import "./message";

@customElement("treadle-summary")
export class Summary extends LitElement {
  @state() private text: string | null = null;
  @state() private reason = "";
  private readonly opened = () => {
    if (this.closest("details")?.open) void this.read();
  };

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.closest("details")?.addEventListener("toggle", this.opened);
    this.opened();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.closest("details")?.removeEventListener("toggle", this.opened);
  }

  private async read(): Promise<void> {
    try {
      ({ text: this.text, reason: this.reason } = await ask("summary", {}));
    } catch (error) {
      this.reason = reason(error);
    }
  }

  override render(): unknown {
    if (this.text !== null) {
      return html`<div class="where">The summary that the model goes on from, as it is now:</div>
        <treadle-markdown .text=${this.text} .done=${true}></treadle-markdown>`;
    }
    return this.reason ? html`<div class="where">${this.reason}</div>` : nothing;
  }
}
