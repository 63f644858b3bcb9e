/** Problems of the editor as the sidecar is told them, and which of them are new. Pure: no `vscode`. */
import type { EditorProblem } from "./wire";

export type HandBack = "errors" | "warnings" | "off";

/** How often each problem was there: one that only moved is the same. */
export type Known = ReadonlyMap<string, number>;

export const mostReported = 100;
const longest = 2_000;

export function keyOf({ severity, code, source, message }: EditorProblem): string {
  return JSON.stringify([severity, source ?? "", code ?? "", message]);
}

export function known(problems: readonly EditorProblem[]): Known {
  const counts = new Map<string, number>();
  for (const problem of problems) counts.set(keyOf(problem), (counts.get(keyOf(problem)) ?? 0) + 1);
  return counts;
}

/** Those that were not there before; of several alike as many as there are more of. */
export function fresh(before: Known, now: readonly EditorProblem[]): EditorProblem[] {
  const left = new Map(before);
  return now.filter((problem) => {
    const count = left.get(keyOf(problem)) ?? 0;
    left.set(keyOf(problem), count - 1);
    return count <= 0;
  });
}

export function wanted(problem: EditorProblem, what: HandBack): boolean {
  return what !== "off" && (problem.severity === "error" || (what === "warnings" && problem.severity === "warning"));
}

/** A message that can be sent: an editor's may be as long as it likes. */
export function bounded(problem: EditorProblem): EditorProblem {
  return { ...problem, message: problem.message.slice(0, longest) };
}

/** The lines of a file that its new text has from this diff, counted from 1. */
export function changedLines(diff: string): [number, number][] {
  return [...diff.matchAll(/^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/gm)].map(([, start, count]) => {
    const first = Number(start);
    return [first, first + Math.max(1, Number(count ?? 1)) - 1];
  });
}

export function touches(lines: readonly [number, number][] | null, line: number): boolean {
  return lines === null || lines.some(([first, last]) => line >= first && line <= last);
}

/** In the panel: "2 new problems in a.ts". */
export function words(problems: readonly EditorProblem[]): string {
  const files = [...new Set(problems.map(({ path }) => path))];
  const name = files[0]?.split(/[\\/]/).at(-1) ?? "";
  const where = files.length === 1 ? name : `${files.length} files`;
  return `${problems.length} new ${problems.length === 1 ? "problem" : "problems"} in ${where}`;
}
