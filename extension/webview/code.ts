/** A block of code: its language, copy and insert buttons, colours once it is closed. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import { post } from "./host";
import { sanitized } from "./sanitize";

const longest = 40_000;
const script = document.currentScript as HTMLScriptElement | null;
let loading: Promise<void> | undefined;

/** Fetches the highlighter once. The nonce is what the CSP asks of every script. */
function highlighter(): Promise<void> {
  loading ??= new Promise((resolve) => {
    const element = document.createElement("script");
    element.nonce = script?.nonce ?? "";
    element.src = script?.dataset.highlight ?? "highlight.js";
    element.onload = () => resolve();
    element.onerror = () => resolve();
    document.head.append(element);
  });
  return loading;
}

@customElement("treadle-code")
export class CodeBlock extends LitElement {
  @property({ attribute: false }) code = "";
  @property({ attribute: false }) language = "";
  @property({ attribute: false }) closed = false;
  @state() private coloured: string | null = null;
  @state() private copied = false;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("code")) this.coloured = null;
    if (this.closed && this.language && this.coloured === null && this.code.length < longest) void this.colour(this.code);
  }

  private async colour(code: string): Promise<void> {
    await highlighter();
    const coloured = window.treadleHighlight?.(code, this.language.toLowerCase());
    if (coloured && code === this.code) this.coloured = sanitized(coloured);
  }

  private copy(): void {
    post({ type: "copy", text: this.code });
    this.copied = true;
    setTimeout(() => {
      this.copied = false;
    }, 1_500);
  }

  override render(): TemplateResult {
    return html`<figure class="code">
      <figcaption>
        <span class="language">${this.language || "text"}</span>
        <span class="buttons">
          <button class="icon" title="Insert at cursor" aria-label="Insert code at cursor" @click=${() => post({ type: "insert", text: this.code })}>
            <span class="codicon codicon-insert"></span>
          </button>
          <button class="icon" title=${this.copied ? "Copied" : "Copy"} aria-label="Copy code" @click=${this.copy}>
            <span class="codicon codicon-${this.copied ? "check" : "copy"}"></span>
          </button>
        </span>
      </figcaption>
      <pre tabindex="0"><code>${this.coloured === null ? (this.code ?? nothing) : unsafeHTML(this.coloured)}</code></pre>
    </figure>`;
  }
}
