/**
 * The agent's changes to a file that the user has neither kept nor undone, as places in the text that is in the editor now: where they
 * are, how they move while the user types, which one is at a line, which is next. Pure. The sidecar has the truth: what moves here is
 * what is drawn until it is listed again, and whoever acts names a change by its id, never by a line.
 */
import type { Hunk, HunkFile } from "./wire";

/** Lines [start, end) of the text as it is now; none: a place between two, where lines were taken out. */
export interface Mark {
  id: string;
  start: number;
  end: number;
  kind: "added" | "changed" | "removed";
  hunk: Hunk;
}

/** An edit of the user's: where its old text began and ended, and its new text. */
export interface LineChange {
  startLine: number;
  startCharacter: number;
  endLine: number;
  text: string;
}

export function marksOf(file: HunkFile): Mark[] {
  return file.hunks.map((hunk) => ({
    id: hunk.id,
    start: hunk.start,
    end: hunk.start + hunk.lines,
    kind: hunk.lines === 0 ? "removed" : hunk.baseLines === 0 ? "added" : "changed",
    hunk,
  }));
}

/** The marks after edits of the document, as VS Code tells them: each in the text before, the last one first. */
export function moved(marks: readonly Mark[], changes: readonly LineChange[]): Mark[] {
  let out = [...marks];
  for (const change of [...changes].sort((a, b) => b.startLine - a.startLine || b.startCharacter - a.startCharacter)) {
    out = out.map((mark) => movedOne(mark, change));
  }
  return out;
}

function movedOne(mark: Mark, change: LineChange): Mark {
  const grown = breaks(change.text) - (change.endLine - change.startLine);
  if (!grown) return mark;
  // What is put in at the head of a line pushes that line down; what is put in behind its head pushes the next one.
  const from = change.startCharacter === 0 ? change.startLine : change.startLine + 1;
  const place = (line: number, isEnd: boolean): number => {
    if (line < from || (isEnd && line === from && change.endLine === change.startLine)) return line;
    return Math.max(from, line + grown);
  };
  const start = place(mark.start, false);
  return { ...mark, start, end: mark.end === mark.start ? start : Math.max(start, place(mark.end, true)) };
}

function breaks(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

/** The change that a line is in, or next to: a place where lines were taken out belongs to the line below it, at the end to the last one. */
export function markAt(marks: readonly Mark[], line: number, lineCount: number): Mark | undefined {
  const within = marks.find((mark) => mark.start <= line && line < mark.end);
  return within ?? marks.find((mark) => mark.start === mark.end && Math.min(mark.start, lineCount - 1) === line);
}

export interface Place {
  path: string;
  mark: Mark;
}

/** The change after a place, or before it, through all files and round at the end; without a place the first one, or the last. */
export function step(
  files: readonly { path: string; marks: readonly Mark[] }[],
  from: { path: string; line: number } | null,
  forward: boolean,
): Place | undefined {
  const shown = files.filter((file) => file.marks.length);
  const here = from === null ? -1 : shown.findIndex((file) => file.path === from.path);
  const file = shown[here];
  if (from && file) {
    const mark = forward
      ? file.marks.find((one) => one.start > from.line)
      : file.marks.findLast((one) => (one.end > one.start ? one.end - 1 : one.start) < from.line);
    if (mark) return { path: file.path, mark };
  }
  const next = here < 0 ? (forward ? 0 : shown.length - 1) : (here + (forward ? 1 : -1) + shown.length) % shown.length;
  const other = shown[next];
  const mark = forward ? other?.marks[0] : other?.marks.at(-1);
  return other && mark ? { path: other.path, mark } : undefined;
}

/** The text as it was before these changes. Lines that the answer had no room for are named, not guessed. */
export function earlierText(now: string, hunks: readonly Hunk[]): string {
  const end = /\r\n|\n|\r/.exec(now)?.[0] ?? "\n";
  const lines = now.split(/\r\n|\n|\r/);
  const ended = lines.at(-1) === "";
  if (ended) lines.pop();
  for (const hunk of [...hunks].sort((a, b) => b.start - a.start)) {
    const missing = hunk.baseLines - hunk.removed.length;
    const rest = missing > 0 ? [`… ${counted(missing, "more line")}`] : [];
    lines.splice(hunk.start, hunk.lines, ...hunk.removed, ...rest);
  }
  return lines.length ? lines.join(end) + (ended ? end : "") : "";
}

const hoverLines = 40;
const hoverChars = 200;

/** Lines that were taken out, as a block of code that nothing in them can end. */
export function removedBlock(hunk: Hunk, language: string): string {
  const lines = hunk.removed
    .slice(0, hoverLines)
    .map((line) => (line.length > hoverChars ? `${line.slice(0, hoverChars)}…` : line));
  const rest = hunk.baseLines - lines.length;
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = "`".repeat(longest + 1);
  const name = /^[\w+#-]*$/.test(language) ? language : "";
  return `${fence}${name}\n${lines.join("\n")}\n${fence}${rest > 0 ? `\n\n${counted(rest, "more line")}` : ""}`;
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
