/** What a message names and carries, as chips over the words: each with its name, a way to take it away, and pictures as they look. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { type Attachment, type Mention, type MentionKind, mostInBox } from "../src/draft";
import "./picture";
import { tokens } from "./text";

const icons: Record<MentionKind, string> = {
  file: "file",
  folder: "folder",
  symbol: "symbol-class",
  selection: "list-selection",
  tabs: "files",
  problems: "warning",
  terminal: "terminal",
  thread: "comment-discussion",
  skill: "book",
};

export interface ChipActs {
  dropMention(mention: Mention): void;
  dropAttachment(attachment: Attachment): void;
  /** Puts long text that was pasted into the box after all. */
  unfold(attachment: Attachment): void;
}

export function chips(mentions: readonly Mention[], attachments: readonly Attachment[], acts: ChipActs): unknown {
  if (!mentions.length && !attachments.length) return nothing;
  return html`<ul class="named" aria-label="Attached to the message">
    ${repeat(
      mentions,
      (mention) => mention.token,
      (mention) => mentioned(mention, acts),
    )}
    ${repeat(
      attachments,
      (attachment) => attachment.id,
      (attachment) => (attachment.kind === "image" ? image(attachment, acts) : pasted(attachment, acts)),
    )}
  </ul>`;
}

function mentioned(mention: Mention, acts: ChipActs): TemplateResult {
  return html`<li class="named-one" title=${mention.path ?? mention.label}>
    <span class="codicon codicon-${icons[mention.kind]}" aria-hidden="true"></span><span class="text">${mention.label}</span>
    ${remove(mention.label, () => acts.dropMention(mention))}
  </li>`;
}

function image(attachment: Attachment, acts: ChipActs): TemplateResult {
  return html`<li class="named-one image" title="${attachment.name}, ${size(attachment.size)}">
    <treadle-picture .source=${attachment.path} .name=${`Attached picture ${attachment.name}`}></treadle-picture>
    ${remove(attachment.name, () => acts.dropAttachment(attachment))}
  </li>`;
}

function pasted(attachment: Attachment, acts: ChipActs): TemplateResult {
  const { name } = attachment;
  const act = attachment.size > mostInBox ? "Open the text in an editor" : "Put the text into the box";
  return html`<li class="named-one" title="${name}, ${size(attachment.size)}">
    <span class="codicon codicon-note" aria-hidden="true"></span><span class="text">${name}</span>
    <button class="icon small" title=${act} aria-label="${act}: ${name}" @click=${() => acts.unfold(attachment)}>
      <span class="codicon codicon-${attachment.size > mostInBox ? "go-to-file" : "unfold"}" aria-hidden="true"></span>
    </button>
    ${remove(name, () => acts.dropAttachment(attachment))}
  </li>`;
}

function remove(name: string, act: () => void): TemplateResult {
  return html`<button class="icon small remove" title="Remove" aria-label="Remove ${name}" @click=${act}>
    <span class="codicon codicon-close" aria-hidden="true"></span>
  </button>`;
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${tokens(bytes)}B` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
