/** A command's output as plain text: colours and cursor moves left out, of a line that was written over its last form. Pure. */

const escapes =
  /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])|[\u0000-\u0008\u000b\u000c\u000e-\u001a]/g;

export function plain(output: string, most: number): string {
  const text = output.replace(escapes, "").replace(/\r+\n/g, "\n");
  const lines = text.replace(/\n+$/, "").split("\n");
  const last = lines.map((line) => line.replace(/\r+$/, "")).map((line) => line.slice(line.lastIndexOf("\r") + 1));
  if (last.length <= most) return last.join("\n");
  const head = last.slice(0, Math.floor(most / 10));
  const tail = last.slice(-(most - head.length));
  return [...head, `⋯ ${last.length - head.length - tail.length} lines left out ⋯`, ...tail].join("\n");
}
