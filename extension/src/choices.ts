/** What can be chosen in the popup of the composer: shapes that the host and the webview share. Pure. */
import type { Mention } from "./draft";

export interface Choice {
  id: string;
  icon: string;
  label: string;
  /** Dimmed, after the label: the folder of a file, what a command does. */
  detail?: string;
  /** Which letters of label and detail were meant, by their index. */
  marks?: number[];
  detailMarks?: number[];
  /** What is mentioned when it is chosen. */
  mention?: Mention;
  /** Typed instead, and the popup stays: a way to more choices. */
  insert?: string;
  /** Why it cannot be chosen. */
  unavailable?: string;
}

/** How letters of a whole path fall on its last name and on the folders before it. */
export function splitMarks(path: string, marks: Iterable<number>): Pick<Choice, "label" | "detail" | "marks" | "detailMarks"> {
  const cut = path.lastIndexOf("/") + 1;
  const all = [...marks].sort((one, other) => one - other);
  return {
    label: path.slice(cut),
    detail: path.slice(0, Math.max(0, cut - 1)),
    marks: all.filter((mark) => mark >= cut).map((mark) => mark - cut),
    detailMarks: all.filter((mark) => mark < cut - 1),
  };
}
