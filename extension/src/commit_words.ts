/** What becomes of the words in the commit box when a message comes for it. Pure. What the user has typed is never lost. */

export const mostDiff = 1_500_000;

/** The box after the message came: the words in it stay, below, unless the message took them up. */
export function merged(message: string, standing: string): string {
  const words = standing.trim();
  if (!words || flat(message).includes(flat(words))) return message;
  return `${message}\n\n${words}`;
}

/** The first lines of the last messages, for their style; those that tools have written tell nothing of it. */
export function subjects(messages: readonly string[]): string[] {
  return messages
    .map((message) => message.split("\n", 1)[0]?.trim() ?? "")
    .filter((subject) => subject && !/^Merge /.test(subject));
}

/** One diff of many, within bounds; a file that is new and in no diff is one of added lines. */
export function addedFile(path: string, text: string): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const head = `diff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1,${lines.length} @@\n`;
  return `${head}${lines.map((line) => `+${line}\n`).join("")}`;
}

function flat(text: string): string {
  return text.toLowerCase().replace(/\s+/g, " ").trim();
}
