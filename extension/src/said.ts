/** What the user said: the words of a message, and of a turn. Pure. */
import type { TurnView } from "./thread";
import type { UserInput } from "./wire";

/** All that was said in a turn, what was added while it ran included. */
export function saidIn(turn: TurnView | undefined): UserInput[] {
  return (turn?.items ?? []).flatMap(({ item }) => (item.type === "userMessage" ? item.content : []));
}

export function words(content: readonly UserInput[]): string {
  return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

export function firstLine(text: string, most = 60): string {
  const line = text.trim().split("\n")[0]?.trim() ?? "";
  return line.length > most ? `${line.slice(0, most - 1).trimEnd()}…` : line;
}

export function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? "" : "s"}`;
}
