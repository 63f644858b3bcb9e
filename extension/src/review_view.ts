/** What waits for the user's keep or undo, as the panel draws it: files with counts, and how many changes are of which turn. Pure. */
import { counted } from "./review_marks";
import type { HunkFile } from "./wire";

export interface ReviewFile {
  path: string;
  kind: HunkFile["kind"];
  hunks: number;
  added: number;
  removed: number;
  /** How many of its changes a turn wrote, by the turn. */
  turns: Record<string, number>;
  /** Why it can be kept only. */
  omitted: string | null;
  /** Where it was moved from or to. */
  moved: string | null;
}

export function reviewFile(file: HunkFile): ReviewFile {
  const turns: Record<string, number> = {};
  for (const hunk of file.hunks) for (const id of hunk.turnIds) turns[id] = (turns[id] ?? 0) + 1;
  const { path, kind, added, removed, omitted, moved } = file;
  return { path, kind, hunks: file.hunks.length, added, removed, turns, omitted, moved };
}

/** "3 files, 7 changes" */
export function reviewWords(files: readonly ReviewFile[]): string {
  return `${counted(files.length, "file")}, ${counted(changes(files), "change")}`;
}

export function changes(files: readonly ReviewFile[]): number {
  return files.reduce((sum, file) => sum + file.hunks, 0);
}

/** Those that a turn has changed. */
export function ofTurn(files: readonly ReviewFile[], turnId: string): ReviewFile[] {
  return files.filter((file) => file.turns[turnId]);
}
