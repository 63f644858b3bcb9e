/**
 * What a proposed file change would make of a file, as two texts for a diff editor. Pure. A change that does not fit the given text
 * yields null: then the panel's own view of the diff has to do, nothing is guessed.
 */
import { applyPatch } from "diff";
import type { FileUpdateChange } from "./wire";

export interface Sides {
  before: string;
  after: string;
}

export function sides(change: FileUpdateChange, current: string | null): Sides | null {
  switch (change.kind.type) {
    case "add":
      return { before: current ?? "", after: change.diff };
    case "delete":
      return { before: current ?? change.diff, after: "" };
    case "update": {
      if (current === null) return null;
      if (!change.diff.trim()) return { before: current, after: current };
      const after = patched(current, change.diff);
      return after === null ? null : { before: current, after };
    }
    default:
      return null;
  }
}

function patched(current: string, diff: string): string | null {
  try {
    const result = applyPatch(current, diff, { autoConvertLineEndings: true });
    return result === false ? null : result;
  } catch {
    return null;
  }
}

export function newPath(change: FileUpdateChange): string {
  return (change.kind.type === "update" && change.kind.move_path) || change.path;
}
