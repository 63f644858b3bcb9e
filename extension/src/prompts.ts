/** What the commands on a selection ask. Pure. The file and the lines are named, so that the agent can read around them. */

export interface Selection {
  path: string;
  firstLine: number;
  lastLine: number;
  language: string;
  text: string;
}

export type SelectionCommand = "explain" | "fix" | "test";

const asks: Record<SelectionCommand, string> = {
  explain: "Explain what this code does and how it works.",
  fix: "Find what is wrong with this code and fix it. If nothing is wrong, say so and change nothing.",
  test: "Write tests for this code, in the style of the tests that this workspace has, and run them.",
};

const limit = 16_000;

export function selectionPrompt(command: SelectionCommand, selection: Selection): string {
  const { path, firstLine, lastLine, language, text } = selection;
  const lines = firstLine === lastLine ? `line ${firstLine}` : `lines ${firstLine}-${lastLine}`;
  const cut = text.length > limit;
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  const code = cut ? text.slice(0, limit) : text;
  const note = cut ? "\n\nThe selection is longer than shown; read the file for the rest." : "";
  return `${asks[command]}\n\n\`${path}\`, ${lines}:\n\n${fence}${language}\n${code.replace(/\n$/, "")}\n${fence}${note}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
}
