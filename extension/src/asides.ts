/** Small lines of the transcript that are nobody's words: what the agent was told on the way. Pure. */

export interface AsideItem {
  type: "aside";
  id: string;
  icon: string;
  words: string;
  /** More, on pointing at it. */
  details: string;
}

interface Told {
  path?: unknown;
  line?: unknown;
  message?: unknown;
}

/** New problems in edited files, as they were told to the model. */
export function problemsAside(params: Record<string, unknown>): AsideItem | null {
  const told = Array.isArray(params.problems) ? (params.problems as Told[]) : [];
  if (!told.length) return null;
  const names = [
    ...new Set(
      told.map(
        ({ path }) =>
          String(path ?? "")
            .split(/[\\/]/)
            .at(-1) ?? "",
      ),
    ),
  ];
  const where = names.length === 1 ? names[0] : `${names.length} files`;
  const words = `Told the agent of ${told.length} new ${told.length === 1 ? "problem" : "problems"} in ${where}`;
  const lines = told.slice(0, 20).map(({ path, line, message }) => `${String(path).split(/[\\/]/).at(-1)}:${line}: ${message}`);
  return {
    type: "aside",
    id: `problems:${told.map((one) => `${one.path}:${one.line}`).join()}`,
    icon: "info",
    words,
    details: lines.join("\n"),
  };
}
