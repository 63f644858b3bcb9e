/** The agent's words: markdown blocks, of which only the last changes while they stream. Clicks on links go to the host. */
import { html, LitElement, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import "./code";
import { post } from "./host";
import { type Block, MarkdownBlocks } from "./markdown";
import { sanitized } from "./sanitize";

@customElement("treadle-markdown")
export class MarkdownMessage extends LitElement {
  @property({ attribute: false }) text = "";
  @property({ attribute: false }) done = false;
  private readonly blocks = new MarkdownBlocks();
  private readonly clean = new WeakMap<Block, string>();

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("click", follow);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("click", follow);
  }

  override render(): TemplateResult {
    return html`<div class="markdown">${this.blocks.update(this.text, this.done).map((block) => this.block(block))}</div>`;
  }

  private block(block: Block): TemplateResult {
    if (block.kind === "code") {
      return html`<treadle-code .code=${block.code} .language=${block.language} .closed=${block.closed}></treadle-code>`;
    }
    let clean = this.clean.get(block);
    if (clean === undefined) {
      clean = sanitized(block.html);
      this.clean.set(block, clean);
    }
    return html`<div class="block">${unsafeHTML(clean)}</div>`;
  }
}

function follow(event: Event): void {
  const link = (event.target as Element).closest?.("a");
  if (!link) return;
  event.preventDefault();
  const file = link.dataset.file;
  if (file) post({ type: "openFile", path: file });
  else if (/^https?:/i.test(link.href)) post({ type: "openLink", url: link.href });
}
