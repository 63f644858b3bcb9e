/** A file change as lines to draw, and how many were added and removed. Pure. */
import type { FileUpdateChange } from "../src/wire";

export interface DiffLine {
  kind: "added" | "removed" | "same" | "gap";
  text: string;
  /** Number of the line in the new file, or in the old one for a removed line. */
  number: number | null;
}

export interface DiffView {
  lines: DiffLine[];
  added: number;
  removed: number;
}

const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)/;

export function diffView(change: FileUpdateChange): DiffView {
  if (change.kind.type === "add") return whole(change.diff, "added");
  if (change.kind.type === "delete") return whole(change.diff, "removed");
  return unified(change.diff);
}

function whole(text: string, kind: "added" | "removed"): DiffView {
  const lines = text ? text.replace(/\n$/, "").split("\n") : [];
  const drawn = lines.map((line, index): DiffLine => ({ kind, text: line, number: index + 1 }));
  return { lines: drawn, added: kind === "added" ? lines.length : 0, removed: kind === "removed" ? lines.length : 0 };
}

function unified(diff: string): DiffView {
  const view: DiffView = { lines: [], added: 0, removed: 0 };
  let before = 0;
  let after = 0;
  let inside = false;
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    const start = hunk.exec(line);
    if (start || line.startsWith("@@")) {
      before = start ? Number(start[1]) : before;
      after = start ? Number(start[2]) : after;
      if (view.lines.length) view.lines.push({ kind: "gap", text: start?.[3]?.trim() ?? "", number: null });
      inside = true;
    } else if (!inside || line.startsWith("\\")) {
      // Headers of the file, and "\ No newline at end of file".
    } else if (line.startsWith("+")) {
      view.lines.push({ kind: "added", text: line.slice(1), number: after++ });
      view.added += 1;
    } else if (line.startsWith("-")) {
      view.lines.push({ kind: "removed", text: line.slice(1), number: before++ });
      view.removed += 1;
    } else {
      view.lines.push({ kind: "same", text: line.slice(1), number: after++ });
      before += 1;
    }
  }
  return view;
}
