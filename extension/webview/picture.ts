/** A picture of the transcript: a data address, or a file that the host reads. Nothing is fetched from anywhere. */
import { html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { ask } from "./host";

@customElement("treadle-picture")
export class Picture extends LitElement {
  @property({ attribute: false }) source = "";
  @property({ attribute: false }) name = "";
  @state() private url: string | null | undefined;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has("source")) return;
    this.url = this.source.startsWith("data:image/") ? this.source : undefined;
    if (this.url !== undefined) return;
    const { source } = this;
    const show = (url: string | null) => {
      if (source === this.source) this.url = url;
    };
    ask("picture", { path: source }).then(show, () => show(null));
  }

  override render(): unknown {
    if (this.url === undefined) return nothing;
    if (this.url === null) return html`<div class="where">This picture cannot be shown.</div>`;
    return html`<img class="picture" src=${this.url} alt=${this.name} />`;
  }
}
