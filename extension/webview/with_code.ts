/** A sentence of ours in which `names` are set as code. Nothing else of markdown is read. */
import { html } from "lit";

export function withCode(sentence: string): unknown[] {
  return sentence.split(/`([^`\n]+)`/).map((part, index) => (index % 2 ? html`<code class="name">${part}</code>` : part));
}
