/** What the user is about to name, read from the text before the caret: `@` a mention, `/` a command, `$` a skill. Pure. */

export interface Trigger {
  kind: "mention" | "slash" | "skill";
  query: string;
  /** Where it begins in the text, sign and all; it ends at the caret. */
  start: number;
}

const longest = 200;
const signs: Record<string, Trigger["kind"]> = { "@": "mention", $: "skill" };

/** Only the word at the caret is looked at, so that a long text costs no more than a short one. */
export function triggerAt(text: string, caret: number): Trigger | null {
  let start = caret;
  while (start > 0 && caret - start <= longest && !/\s/.test(text[start - 1] as string)) start -= 1;
  const word = text.slice(start, caret);
  if (word.length > longest) return null;
  if (start === 0 && /^\/[a-z-]*$/i.test(word)) return { kind: "slash", query: word.slice(1).toLowerCase(), start };
  const sign = /^[([{"'`]*([@$])/.exec(word);
  if (!sign) return null;
  const at = start + sign[0].length - 1;
  const query = text.slice(at + 1, caret);
  const kind = signs[sign[1] as string] as Trigger["kind"];
  if (kind === "skill" && !/^[\w:-]*$/.test(query)) return null;
  return { kind, query, start: at };
}

/** A message that is a command: `/name rest`. A path such as /usr/bin is none. */
export function commandIn(text: string): { name: string; rest: string } | null {
  const found = /^\/([a-z][a-z-]*)(?:[ \t]+([\s\S]*))?$/i.exec(text.trim());
  return found ? { name: (found[1] as string).toLowerCase(), rest: (found[2] ?? "").trim() } : null;
}

/** The token that ends right at the caret, for Backspace to take away whole. */
export function tokenBefore(text: string, caret: number, tokens: readonly string[]): string | null {
  return tokens.find((token) => token.length <= caret && text.startsWith(token, caret - token.length)) ?? null;
}
