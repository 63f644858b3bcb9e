/**
 * Going back, in words and pure decisions: which restore can still be taken back, what a plan says of a file and of all of them.
 * Nothing here knows VS Code or the DOM; the sidecar has decided what would happen.
 */
import { count, firstLine } from "./said";
import type { Checkpoint, FilePlan, Restore } from "./wire";

export type What = Restore["what"];

/** What a restore would do, or did, to one file; the diff stays with the host. */
export type PlannedFile = Omit<FilePlan, "diff"> & { shown: boolean };

export interface RestorePlan {
  files: PlannedFile[];
  /** How many turns the conversation loses, or gets back. */
  turns: number;
}

/** The last restore that counts: nothing was said after it, and it was not taken back. */
export interface RestoredView {
  restoreId: string;
  turnId: string;
  what: What;
  /** The beginning of the message that it went back to before; empty when that message is gone with the rest. */
  words: string;
}

/** Restores come oldest first. A redo takes back what it names; a restore stands until a turn begins after it. */
export function standing(
  restores: readonly Restore[],
  checkpoints: readonly Checkpoint[],
  words: (turnId: string) => string,
): RestoredView | null {
  const last = restores.at(-1);
  if (!last || last.redoOf) return null;
  if (checkpoints.some((one) => one.createdAtMs > last.createdAtMs)) return null;
  const known = checkpoints.find((one) => one.turnId === last.turnId)?.preview ?? words(last.turnId);
  return { restoreId: last.restoreId, turnId: last.turnId, what: last.what, words: firstLine(known) };
}

export const whatNames: Record<What, string> = {
  both: "Files and conversation",
  files: "Files only",
  conversation: "Conversation only",
};

const done: Record<What, string> = {
  both: "Files and conversation are",
  files: "Files are",
  conversation: "The conversation is",
};

export function restoredWords(restored: RestoredView): string {
  const to = restored.words ? `before “${restored.words}”` : "an earlier point";
  return `${done[restored.what]} restored to ${to}`;
}

/** What happens to a file, as a word beside it; null: nothing does. */
export const kindNames: Record<PlannedFile["kind"], string | null> = {
  restore: "goes back",
  merge: "goes back; your changes since stay",
  delete: "is deleted",
  create: "comes back",
  conflict: "is left alone",
  omitted: "is left alone",
  unchanged: null,
};

/** The files that are drawn: what changes first, then what is left alone. */
export function drawnFiles(files: readonly PlannedFile[]): PlannedFile[] {
  const rank = (file: PlannedFile) => (isWritten(file) ? 0 : 1);
  return files.filter((file) => file.kind !== "unchanged").toSorted((a, b) => rank(a) - rank(b));
}

export function isWritten({ kind }: Pick<PlannedFile, "kind">): boolean {
  return kind === "restore" || kind === "merge" || kind === "delete" || kind === "create";
}

export function conflicts(plan: RestorePlan): number {
  return plan.files.filter((file) => file.kind === "conflict").length;
}

/** One sentence: what the plan would do. `redo`: turns come back instead of going. */
export function planSummary(plan: RestorePlan, what: What, redo: boolean): string {
  const files = plan.files.filter(isWritten).length;
  const parts: string[] = [];
  if (what !== "conversation")
    parts.push(files ? `${count(files, "file")} ${files === 1 ? "changes" : "change"}` : "No file changes");
  if (what !== "files" && plan.turns) {
    const turns = count(plan.turns, "turn");
    parts.push(redo ? `${turns} ${plan.turns === 1 ? "comes" : "come"} back` : `${turns} ${plan.turns === 1 ? "goes" : "go"}`);
  } else if (what !== "files") {
    parts.push("no turn goes");
  }
  const sentence = parts.join(", ");
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

/** Whether going back would do anything at all. */
export function doesSomething(plan: RestorePlan, what: What): boolean {
  return (what !== "conversation" && plan.files.some(isWritten)) || (what !== "files" && plan.turns > 0);
}

export function conflictWords(number: number): string {
  const what = number === 1 ? "1 file holds changes of yours" : `${number} files hold changes of yours`;
  return `${what} in the same places. ${number === 1 ? "It is" : "They are"} left as ${number === 1 ? "it is" : "they are"}.`;
}
