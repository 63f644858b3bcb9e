/**
 * A block of code: its language or file, buttons to copy, insert and apply it, colours once it is closed. Letters that one would not
 * see are shown; what is copied, inserted or applied is the code as it is.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import { post } from "./host";
import { longText } from "./long_text";
import { sanitized } from "./sanitize";
import { baseName } from "./text";
import { visible } from "./visible";

const longest = 40_000;
const mostDrawn = 200_000;
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
  /** The file that it seems to be about. */
  @property({ attribute: false }) path: string | null = null;
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
    const coloured = window.treadleHighlight?.(visible(code), this.language.toLowerCase());
    if (coloured && code === this.code) this.coloured = sanitized(coloured);
  }

  private readonly copy = () => {
    post({ type: "copy", text: this.code });
    this.copied = true;
    setTimeout(() => {
      this.copied = false;
    }, 1_500);
  };

  private readonly insert = () => post({ type: "insert", text: this.code });

  private readonly apply = () => {
    const { code: text, path, language } = this;
    post({ type: "apply", text, path, language });
  };

  override render(): TemplateResult {
    const { path } = this;
    const where = path
      ? `Apply to ${path}: shows the difference first`
      : "Apply…: to a file or the selection, shows the difference first";
    return html`<figure class="code" dir="ltr">
      <figcaption>
        ${path ? this.file(path) : html`<span class="language">${this.language || "text"}</span>`}
        <span class="buttons">
          ${this.closed ? this.button("git-pull-request-go-to-changes", where, path ? `Apply code to ${path}` : "Apply code", this.apply) : nothing}
          ${this.button("insert", "Insert at cursor", "Insert code at cursor", this.insert)}
          ${this.button(this.copied ? "check" : "copy", this.copied ? "Copied" : "Copy", "Copy code", this.copy)}
        </span>
      </figcaption>
      <pre tabindex="0"><code>${this.coloured === null ? longText(this.code, "Code", mostDrawn) : unsafeHTML(this.coloured)}</code></pre>
    </figure>`;
  }

  private file(path: string): TemplateResult {
    const open = () => post({ type: "openFile", path });
    return html`<button class="language file" title="Open ${visible(path)}" @click=${open}>${visible(baseName(path))}</button>`;
  }

  private button(icon: string, title: string, label: string, click: () => void): TemplateResult {
    return html`<button class="icon" title=${title} aria-label=${label} @click=${click}>
      <span class="codicon codicon-${icon}" aria-hidden="true"></span>
    </button>`;
  }
}
