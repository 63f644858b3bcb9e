/**
 * What the user is writing: words, what they mention, and what is attached. And what becomes of it when it is sent. Pure: no `vscode`,
 * no DOM. Contents of mentions (a selection, problems) are read when the words are sent and are bounded; they never replace the words.
 */
import type { UserInput } from "./wire";

export type MentionKind = "file" | "folder" | "symbol" | "selection" | "tabs" | "problems" | "terminal" | "thread" | "skill";

/** Something that the words name. `token` is how: as long as it stands in the text, the mention is part of the message. */
export interface Mention {
  kind: MentionKind;
  token: string;
  /** For people: on the chip, and in the transcript. */
  label: string;
  /** An absolute path: of the file, the folder, the symbol's file, the skill. */
  path?: string;
  /** First and last, counted from 1. */
  lines?: [number, number];
  /** Of the thread, or of the terminal's command. */
  id?: string;
}

/** A file of our own that holds what was pasted or dropped: a picture, or long text. */
export interface Attachment {
  id: string;
  kind: "image" | "text";
  name: string;
  path: string;
  /** In bytes. */
  size: number;
}

export interface Draft {
  text: string;
  mentions: Mention[];
  attachments: Attachment[];
}

export const emptyDraft: Draft = { text: "", mentions: [], attachments: [] };
/** Of a draft that is kept: what is longer is not typed, and a paste of this size became an attachment. */
export const mostKept = 2_000_000;
export const mostImages = 10;
export const mostImageBytes = 10 * 1024 * 1024;
/** A paste that is longer becomes an attachment, so that the box stays quick and readable. */
export const longPaste = 12_000;

/** Of text in the box: with more than this a key is felt. What is longer is looked at in an editor. */
export const mostInBox = 100_000;

/** A draft as it was stored: before it was an object it was a string. */
export function draftOf(stored: unknown): Draft {
  if (typeof stored === "string") return { ...emptyDraft, text: stored };
  const draft = (stored ?? {}) as Partial<Draft>;
  return {
    text: typeof draft.text === "string" ? draft.text : "",
    mentions: Array.isArray(draft.mentions) ? draft.mentions : [],
    attachments: Array.isArray(draft.attachments) ? draft.attachments : [],
  };
}

export function isEmpty({ text, attachments }: Draft): boolean {
  return !attachments.length && !/\S/.test(text);
}

/** Two drafts as one, the second after the first. */
export function together(first: Draft, second: Draft): Draft {
  const words = [first.text.trimEnd(), second.text].filter((text) => /\S/.test(text));
  return {
    text: words.join("\n\n"),
    mentions: named([...first.mentions, ...second.mentions]),
    attachments: [...first.attachments, ...second.attachments],
  };
}

/** What is left when words go that were put in alone, or after others; null when they do not stand there as they were put in. */
export function takenAway(text: string, words: string): string | null {
  const end = `\n\n${words}`;
  if (text === words) return "";
  return text.endsWith(end) ? text.slice(0, -end.length) : null;
}

/** Each mention once, by its token. */
export function named(mentions: readonly Mention[]): Mention[] {
  return [...new Map(mentions.map((mention) => [mention.token, mention])).values()];
}

/** The mentions whose token still stands in the text. */
export function standing(text: string, mentions: readonly Mention[]): Mention[] {
  return mentions.filter((mention) => places(text, mention.token).length > 0);
}

/** Where the token stands as a word of its own: `@src/a` is not in `@src/a.ts`. */
export function places(text: string, token: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + token.length)) {
    const before = text[at - 1] ?? " ";
    const after = text.slice(at + token.length, at + token.length + 2);
    if (/[\s([{"'`,;:]/.test(before) && /^(?:$|[\s)\]}"'`,;:!?]|\.(?:\s|$))/.test(after)) found.push(at);
  }
  return found;
}

/** What the message says to the sidecar. `contents` are of the mentions that are more than a path, in words for the model. */
export function toInput(draft: Draft, contents: ReadonlyMap<string, string>, pasted: ReadonlyMap<string, string>): UserInput[] {
  const text = draft.text.trim();
  const mentions = standing(text, draft.mentions);
  const input: UserInput[] = text ? [{ type: "text", text, text_elements: elements(text, mentions) }] : [];
  for (const mention of mentions) {
    const content = contents.get(mention.token);
    if (mention.kind === "skill" && mention.path) input.push({ type: "skill", name: mention.label, path: mention.path });
    else if (content !== undefined) input.push(whole(content, mention.label));
    else if (mention.path) input.push({ type: "mention", name: mention.label, path: mention.path });
  }
  for (const attachment of draft.attachments) {
    const words = pasted.get(attachment.id);
    if (attachment.kind === "image") input.push({ type: "localImage", path: attachment.path });
    else if (words !== undefined) input.push(whole(words, attachment.name));
  }
  return input;
}

/** A part that is one thing: the transcript draws its name and shows the words when they are asked for. */
function whole(text: string, placeholder: string): UserInput {
  return { type: "text", text, text_elements: [{ byteRange: { start: 0, end: bytes(text) }, placeholder }] };
}

function elements(
  text: string,
  mentions: readonly Mention[],
): { byteRange: { start: number; end: number }; placeholder: string }[] {
  const found = mentions.flatMap((mention) => places(text, mention.token).map((at) => ({ at, token: mention.token })));
  found.sort((one, other) => one.at - other.at);
  return found.map(({ at, token }) => {
    const start = bytes(text.slice(0, at));
    return { byteRange: { start, end: start + bytes(token) }, placeholder: token };
  });
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Code or output in a fence that it cannot close. */
export function fenced(text: string, language = ""): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
}

/** The beginning and the end of what is too long, with a word on what is left out. */
export function bounded(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  const left = text.length - 2 * half;
  return `${text.slice(0, half)}\n… ${left} characters left out …\n${text.slice(-half)}`;
}

/** What the user sees of a message on its way: its words, or the names of what is attached. */
export function summary(draft: Draft): string {
  const text = draft.text.trim();
  if (text || !draft.attachments.length) return text;
  return draft.attachments.map((attachment) => attachment.name).join(", ");
}
