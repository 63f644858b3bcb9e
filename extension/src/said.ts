/** What the user said: the words of a message, and of a turn. Pure. */
import type { TurnView } from "./thread";
import type { UserInput } from "./wire";

/** All that was said in a turn, what was added while it ran included. */
export function saidIn(turn: TurnView | undefined): UserInput[] {
  return (turn?.items ?? []).flatMap(({ item }) => (item.type === "userMessage" ? item.content : []));
}

/** What was typed; without what came along with it, such as a selection or a long paste. */
export function words(content: readonly UserInput[]): string {
  return content.flatMap((part) => (part.type === "text" && !isWhole(part) ? [part.text] : [])).join("\n\n");
}

/** What came along with the words: pictures, mentions, texts that are drawn by their name. */
export function alongside(content: readonly UserInput[]): UserInput[] {
  return content.filter((part) => part.type !== "text" || isWhole(part));
}

/** A text that the user did not type here: one element that has a name covers it all. */
function isWhole({ text, text_elements }: Extract<UserInput, { type: "text" }>): boolean {
  const [first] = text_elements ?? [];
  return (
    Boolean(first?.placeholder) &&
    first?.byteRange.start === 0 &&
    first.byteRange.end >= new TextEncoder().encode(text).length &&
    first.placeholder !== text
  );
}

export function firstLine(text: string, most = 60): string {
  const line = text.trim().split("\n")[0]?.trim() ?? "";
  return line.length > most ? `${line.slice(0, most - 1).trimEnd()}…` : line;
}

export function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? "" : "s"}`;
}
