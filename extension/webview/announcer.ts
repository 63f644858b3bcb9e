/**
 * What a screen reader hears of a thread: sentences of the agent when they are finished, questions, and how calls ended. Each is said
 * once; tokens, code and what was there before are not said. Pure: no DOM.
 */
import { wish } from "../src/asked";
import type { ItemView, ThreadView } from "../src/thread";

const longest = 1_000;

export class Announcer {
  private readonly said = new Set<string>();
  /** How far each message that still grows has been said, and a line before that from which on it can be read by itself. */
  private readonly spoken = new Map<string, { to: number; base: number }>();

  /** What is already there when a thread is opened is not news. */
  begin(view: ThreadView): void {
    this.spoken.clear();
    for (const { item, done } of lately(view)) {
      if (done) this.said.add(item.id);
      else if (item.type === "agentMessage") this.spoken.set(item.id, { to: finished(item.text).length, base: 0 });
    }
  }

  /** What is to be said now; empty when there is no news. */
  news(view: ThreadView): string {
    return [...this.questions(view), ...lately(view).flatMap((entry) => this.entry(entry))].filter(Boolean).join("\n");
  }

  private questions({ asked }: ThreadView): string[] {
    const more = asked.length > 1 ? ` (${asked.length} questions wait)` : "";
    return asked.filter((one) => this.first(one.id)).map((one) => `Treadle asks to ${wish(one)}${more}`);
  }

  private entry({ item, done }: ItemView): string[] {
    if (item.type === "agentMessage") return this.message(item.id, item.text, done);
    if (!done || !this.first(item.id)) return [];
    if (item.type === "commandExecution") return [`Command ended with exit code ${item.exitCode ?? "unknown"}: ${item.command}`];
    if (item.type === "fileChange") return [`Edit ${item.status}: ${item.changes.map((change) => change.path).join(", ")}`];
    return [];
  }

  private message(id: string, text: string, done: boolean): string[] {
    if (this.said.has(id)) return [];
    const { to, base } = this.spoken.get(id) ?? { to: 0, base: 0 };
    const end = done ? text.length : to + finished(text.slice(to)).length;
    if (done) {
      this.said.add(id);
      this.spoken.delete(id);
    } else if (end > to) {
      this.spoken.set(id, { to: end, base: base + readable(text.slice(base, end)) });
    }
    // Fences and marks are judged over more than the piece, which may begin within a block of code.
    const words =
      end > to
        ? plain(text.slice(base, end))
            .slice(plain(text.slice(base, to)).length)
            .trim()
        : "";
    return words ? [words.slice(0, longest)] : [];
  }

  private first(id: string): boolean {
    if (this.said.has(id)) return false;
    this.said.add(id);
    return true;
  }
}

function lately(view: ThreadView): ItemView[] {
  return view.turns.at(-1)?.items ?? [];
}

/** The part of a text that grows whose sentences are complete; a line that has ended is complete too. */
export function finished(text: string): string {
  const sentence = /[.!?…]["'”’)\]*_`]*(?=\s)|\n/g;
  let end = 0;
  for (const found of text.matchAll(sentence)) end = found.index + found[0].length;
  return text.slice(0, end);
}

/** Where the last line begins that stands in no block of code: what comes from there can be read without what is before. */
function readable(text: string): number {
  let at = 0;
  let last = 0;
  let fence = "";
  for (const line of text.split("\n")) {
    if (!fence) last = at;
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (!fence) fence = mark;
    else if (mark.startsWith(fence)) fence = "";
    at += line.length + 1;
  }
  // Of one endless line the sentences that are finished are left behind.
  return !fence && text.length - last > longest ? text.length : last;
}

/** Markdown as it is spoken: no marks, no addresses, and of code only how long it is. */
export function plain(markdown: string): string {
  const words: string[] = [];
  let code: string[] | null = null;
  let fence = "";
  for (const line of markdown.split("\n")) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (code === null && mark) {
      [code, fence] = [[], mark];
    } else if (code !== null && mark.startsWith(fence)) {
      words.push(`Code, ${code.length} ${code.length === 1 ? "line" : "lines"}.`);
      code = null;
    } else if (code !== null) {
      code.push(line);
    } else {
      words.push(spoken(line));
    }
  }
  return words.join("\n");
}

function spoken(line: string): string {
  if (/^\s*\|?[\s:|-]+\|?\s*$/.test(line) && line.includes("-")) return "";
  return line
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*(#{1,6}\s+|[-*+]\s+|>\s?)/, "")
    .replace(/[`*_]{1,3}(?=\S)|(?<=\S)[`*_]{1,3}/g, (marks, at: number, whole: string) => {
      const inWord = /\w/.test(whole[at - 1] ?? "") && /\w/.test(whole[at + marks.length] ?? "");
      return inWord ? marks : "";
    })
    .replaceAll("|", " ")
    .trimEnd();
}
