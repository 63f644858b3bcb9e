/**
 * The agent's words: markdown blocks, of which only the last changes while they stream. Clicks on links go to the host. What is long
 * to parse is parsed less often; the last word is always drawn.
 */
import { html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import "./code";
import { post } from "./host";
import { longText } from "./long_text";
import { type Block, MarkdownBlocks } from "./markdown";
import { sanitized } from "./sanitize";

/** Parsing may take this share of the time. */
const share = 0.1;
const longestPause = 400;
/** Marks that turn the words after them: shown, so that no name reads as another. */
const turning = /[\u202a-\u202e\u2066-\u2069]/g;

@customElement("treadle-markdown")
export class MarkdownMessage extends LitElement {
  @property({ attribute: false }) text = "";
  @property({ attribute: false }) done = false;
  private readonly parser = new MarkdownBlocks();
  private readonly clean = new WeakMap<Block, string>();
  private blocks: Block[] = [];
  private notBefore = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

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
    clearTimeout(this.timer);
  }

  override shouldUpdate(_changed: PropertyValues): boolean {
    const wait = this.notBefore - performance.now();
    if (this.done || wait <= 0 || !this.hasUpdated) return true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.requestUpdate(), wait);
    return false;
  }

  override willUpdate(): void {
    clearTimeout(this.timer);
    const begin = performance.now();
    this.blocks = this.parser.update(this.text, this.done);
    const end = performance.now();
    this.notBefore = end + Math.min(longestPause, (end - begin > 2 ? end - begin : 0) / share);
  }

  override render(): TemplateResult {
    return html`<div class="markdown" dir="auto">${this.blocks.map((block) => this.block(block))}</div>`;
  }

  private block(block: Block): TemplateResult {
    switch (block.kind) {
      case "code":
        return html`<treadle-code .code=${block.code} .language=${block.language} .path=${block.path} .closed=${block.closed}></treadle-code>`;
      case "plain":
        return html`<div class="block plain">${longText(block.text, "Message")}</div>`;
      case "cut":
        return html`<div class="block cut">
          <span>${block.left.toLocaleString("en")} more characters are not drawn here.</span>
          <button class="link" @click=${this.openWhole}>Open the whole message</button>
        </div>`;
      case "html":
        return html`<div class="block">${unsafeHTML(this.cleaned(block))}</div>`;
    }
  }

  private cleaned(block: Extract<Block, { kind: "html" }>): string {
    const known = this.clean.get(block);
    if (known !== undefined) return known;
    const clean = sanitized(block.html).replace(turning, (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase()}⟩`);
    this.clean.set(block, clean);
    return clean;
  }

  private readonly openWhole = () => post({ type: "openText", title: "Message", text: this.text, language: "markdown" });
}

function follow(event: Event): void {
  const link = (event.target as Element).closest?.("a");
  if (!link) return;
  event.preventDefault();
  const file = link.dataset.file;
  if (file) post({ type: "openFile", path: file });
  else if (/^https?:/i.test(link.href)) post({ type: "openLink", url: link.href });
}
