/** Words put into the field so that Undo takes them back again, and the walk through what was sent before. */
import { type Mention, takenAway } from "../src/draft";
import { HistoryWalk } from "../src/history";
import { tokenBefore } from "../src/trigger";
import { ask } from "./host";

export type Field = HTMLTextAreaElement;

/** In place of what stands from `start` to `end`; the caret is after it. */
export function putAt(field: Field, start: number, end: number, text: string): void {
  field.focus();
  field.setSelectionRange(start, end);
  // The only way that Undo knows of; what it does not do is done without it.
  const done = document.execCommand(text ? "insertText" : "delete", false, text);
  if (!done && start !== end + text.length) {
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  // what is put in at the end may wrap below the part that is in view
  if (field.selectionEnd === field.value.length) field.scrollTop = field.scrollHeight;
}

export function putAll(field: Field, text: string): void {
  if (field.value !== text) putAt(field, 0, field.value.length, text);
  field.focus();
  field.setSelectionRange(text.length, text.length);
}

/** Backspace takes a mention away whole; false when the key was for something else. */
export function eraseToken(event: KeyboardEvent, field: Field, mentions: readonly Mention[]): boolean {
  const caret = field.selectionEnd;
  if (event.key !== "Backspace" || field.selectionStart !== caret || event.ctrlKey || event.altKey) return false;
  const tokens = mentions.map((mention) => mention.token);
  const token = tokenBefore(field.value, caret, tokens);
  if (token) putAt(field, caret - token.length, caret, "");
  return token !== null;
}

/** Without bringing the keyboard here. False: they do not stand there as they came. */
export function takeFrom(field: Field, words: string): boolean {
  const left = takenAway(field.value, words);
  if (left !== null) field.value = left;
  return left !== null;
}

/** Up at the beginning of the box goes back, Down goes forth to what was being written. */
export class Recall {
  /** One walk, also for the keys that are pressed before the words of before have come. */
  private walk: Promise<HistoryWalk> | undefined;

  /** What stands there came from before, or is on its way. */
  get walking(): boolean {
    return this.walk !== undefined;
  }

  /** The user typed, or sent it: what stands there now is what is being written. */
  typed(): void {
    this.walk = undefined;
  }

  async key(event: KeyboardEvent, field: Field, changed: () => void): Promise<void> {
    if (event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || field.selectionStart !== field.selectionEnd) return;
    const back = event.key === "ArrowUp";
    const caret = field.selectionEnd;
    const outside = back ? field.value.lastIndexOf("\n", caret - 1) < 0 || caret === 0 : field.value.indexOf("\n", caret) < 0;
    if (!outside || (!this.walk && (!back || caret !== 0))) return;
    event.preventDefault();
    this.walk ??= ask("history", {}).then(
      (entries) => new HistoryWalk(entries, field.value),
      () => new HistoryWalk([], field.value),
    );
    const { walk } = this;
    const begun = await walk;
    if (walk !== this.walk) return;
    const text = back ? begun.back() : begun.forth();
    if (text === null) return;
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    changed();
  }
}
