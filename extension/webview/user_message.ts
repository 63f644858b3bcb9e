/** What the user wrote, with the pictures and the names of files and skills that went with it. */
import { html, nothing, type TemplateResult } from "lit";
import { alongside, words as typed } from "../src/said";
import type { UserInput, UserMessageItem } from "../src/wire";
import { post } from "./host";
import "./message";
import "./picture";
import { baseName } from "./text";
import { visible } from "./visible";

export function words(item: UserMessageItem): string {
  return typed(item.content);
}

export function userMessage(text: string, sending = false, beside: readonly UserInput[] = []): TemplateResult {
  const long = text.length > 900 || text.split("\n").length > 14;
  return html`<div class="user ${sending ? "sending" : ""} ${long ? "long" : ""}">
    ${attachments(beside)}
    <treadle-markdown .text=${text} .done=${true}></treadle-markdown>
  </div>`;
}

/** Everything of a message but its words. */
export function beside(item: UserMessageItem): UserInput[] {
  return alongside(item.content);
}

function attachments(parts: readonly UserInput[]): unknown {
  if (!parts.length) return nothing;
  return html`<div class="attachments">${parts.map(attachment)}</div>`;
}

function attachment(part: UserInput): unknown {
  switch (part.type) {
    case "image":
      return html`<treadle-picture .source=${part.url} .name=${"Picture"}></treadle-picture>`;
    case "localImage":
      return html`<treadle-picture .source=${part.path} .name=${baseName(part.path)}></treadle-picture>`;
    case "skill":
    case "mention": {
      const open = () => post({ type: "openFile", path: part.path });
      return html`<button class="chip" title=${visible(part.path)} @click=${open}>
        <span class="codicon codicon-${part.type === "skill" ? "wand" : "mention"}" aria-hidden="true"></span><span class="text">${visible(part.name)}</span>
      </button>`;
    }
    case "text": {
      // a selection, problems, a long paste: by its name, and whole in an editor when it is asked for
      const title = part.text_elements?.[0]?.placeholder ?? "Text";
      const open = () => post({ type: "openText", title, text: part.text, language: "markdown" });
      return html`<button class="chip" title="Show what was sent" @click=${open}>
        <span class="codicon codicon-note" aria-hidden="true"></span><span class="text">${visible(title)}</span>
      </button>`;
    }
    default:
      return nothing;
  }
}
