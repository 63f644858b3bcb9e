// The recorded conversations of protocol/transcripts/ as events of the panel, in the order in which the extension would hear them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Asked, commandAsked, fileAsked } from "@src/asked";
import type { ViewEvent } from "@src/thread";

const folder = join(__dirname, "..", "..", "protocol", "transcripts");
const opening = new Set(["thread/start", "thread/resume", "thread/fork"]);

interface Message {
  id?: number | string;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
}

export const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl")).map((name) => name.slice(0, -6));

export function recorded(name: string): ViewEvent[] {
  const asked = new Map<Message["id"], string>();
  const events: ViewEvent[] = [];
  for (const line of readFileSync(join(folder, `${name}.jsonl`), "utf8").trim().split("\n")) {
    const { from, message } = JSON.parse(line) as { from: string; message: Message };
    if (from === "client" && message.method) asked.set(message.id, message.method);
    else if (from === "client") events.push({ method: "panel/answered", params: { id: String(message.id), outcome: { text: "answered", good: true } } } as never);
    else if (message.method && message.id !== undefined) events.push({ method: "panel/asked", params: question(message) });
    else if (message.method) events.push(message as ViewEvent);
    else if (opening.has(asked.get(message.id) ?? "") && message.result) events.push({ method: "panel/opened", params: message.result } as never);
  }
  return events;
}

function question({ id, method, params }: Message): Asked {
  const ask = method?.includes("fileChange") ? fileAsked : commandAsked;
  return ask(params as never, String(id));
}

/** The same with every delta cut into pieces of this many letters. */
export function inPieces(events: readonly ViewEvent[], size: number): ViewEvent[] {
  return events.flatMap((event) => {
    const { delta } = event.params as { delta?: unknown };
    if (typeof delta !== "string") return [event];
    const pieces = delta.match(new RegExp(`[\\s\\S]{1,${size}}`, "gu")) ?? [];
    return pieces.map((piece) => ({ ...event, params: { ...event.params, delta: piece } }) as ViewEvent);
  });
}

/** Chance that is the same each time. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Some events again, at once or some time later: all but those that only add text. */
export function doubled(events: readonly ViewEvent[], random: () => number): ViewEvent[] {
  const result = [...events];
  for (let at = events.length - 1; at >= 0; at -= 1) {
    const event = events[at];
    const again = event && /^(item|turn)\/(started|completed)$/.test(event.method);
    if (!again || random() < 0.5) continue;
    const end = events.findIndex((other, index) => index > at && other.method === "panel/opened");
    const until = end < 0 ? result.length : end;
    result.splice(Math.min(until, at + 1 + Math.floor(random() * 8)), 0, event);
  }
  return result;
}
