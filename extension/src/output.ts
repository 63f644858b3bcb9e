/**
 * Bounds for what is kept of a command's output. The head says what ran, the tail says how it ended; the middle is the part nobody
 * reads. A text that was cut stays cut: feeding it back with more text moves the cut, and the head never changes.
 */

export const headLimit = 8_000;
export const tailLimit = 24_000;
const mark = /\n⋯ (\d+) characters left out ⋯\n/;

export function headAndTail(text: string): string {
  if (text.length <= headLimit + tailLimit + 200) return text;
  const cut = mark.exec(text);
  const before = cut ? Number(cut[1]) : 0;
  const head = cut ? text.slice(0, cut.index) : text.slice(0, headLimit);
  const rest = cut ? text.slice(cut.index + cut[0].length) : text.slice(headLimit);
  if (rest.length <= tailLimit) return text;
  // Cut with slack, so that a stream of small pieces does not copy the whole tail for each of them.
  const tail = rest.slice(-Math.floor(tailLimit * 0.75));
  return `${head}\n⋯ ${before + rest.length - tail.length} characters left out ⋯\n${tail}`;
}
