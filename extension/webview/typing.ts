/** Words put into the field so that Undo takes them back again, and the walk through what was sent before. */
import { HistoryWalk } from "../src/history";
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

/** Up at the beginning of the box goes back, Down goes forth to what was being written. */
export class Recall {
  private walk: HistoryWalk | undefined;
  private putting = false;

  /** The user typed: what stands there now is what is being written. */
  typed(): void {
    if (!this.putting) this.walk = undefined;
  }

  async key(event: KeyboardEvent, field: Field, changed: () => void): Promise<void> {
    if (event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || field.selectionStart !== field.selectionEnd) return;
    const back = event.key === "ArrowUp";
    const caret = field.selectionEnd;
    const outside = back ? field.value.lastIndexOf("\n", caret - 1) < 0 || caret === 0 : field.value.indexOf("\n", caret) < 0;
    if (!outside || (!this.walk && (!back || caret !== 0))) return;
    event.preventDefault();
    this.walk ??= new HistoryWalk(await ask("history", {}).catch(() => []), field.value);
    const text = back ? this.walk.back() : this.walk.forth();
    if (text === null) return;
    this.putting = true;
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    this.putting = false;
    changed();
  }
}
