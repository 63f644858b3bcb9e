/**
 * One item of a thread as it is drawn: from the wire, and as its deltas come. A kind without a card of its own becomes a plain one. Pure.
 */

import type { AsideItem } from "./asides";
import { keptOutcome, type Outcome } from "./asked";
import type { HookItem } from "./hooks";
import { kept, otherItem, progressed, said } from "./other_items";
import { headAndTail } from "./output";
import type {
  AgentMessageItem,
  CommandItem,
  FileUpdateChange,
  ItemAnswer,
  OtherItem,
  ReasoningItem,
  ThreadItem,
  WireItem,
} from "./wire";

export type CardItem =
  | Extract<ThreadItem, { type: "userMessage" | "agentMessage" | "reasoning" | "commandExecution" | "fileChange" }>
  | AsideItem
  | HookItem
  | OtherItem;

export interface ItemView {
  item: CardItem;
  done: boolean;
  startedAt?: number;
  completedAt?: number;
  /** How the question about it ended, as the thread keeps it. */
  outcomes?: Outcome[];
}

/** A completed command without aggregated output keeps what streamed. */
export function keepOutput(entry: ItemView, before: ItemView | undefined): ItemView {
  const item = entry.item;
  if (item.type === "commandExecution" && item.aggregatedOutput == null && before?.item.type === "commandExecution") {
    return { ...entry, item: { ...item, aggregatedOutput: before.item.aggregatedOutput ?? null } };
  }
  if (item.type === "other" && before?.item.type === "other") return { ...entry, item: kept(item, before.item) };
  return { ...entry };
}

const ownCards = new Set(["userMessage", "agentMessage", "reasoning", "commandExecution", "fileChange"]);

export function itemView(wire: WireItem, done: boolean): ItemView {
  const entry: ItemView = { item: known(wire), done };
  if (wire.startedAtMs != null) entry.startedAt = wire.startedAtMs;
  if (wire.completedAtMs != null) entry.completedAt = wire.completedAtMs;
  const answer = "answer" in wire ? (wire.answer as ItemAnswer | null | undefined) : null;
  if (answer) entry.outcomes = [keptOutcome(answer, "tool" in wire && wire.tool === "request_user_input")];
  return entry;
}

function known(wire: WireItem): CardItem {
  if (!ownCards.has(wire.type)) return otherItem(wire);
  const item = wire as unknown as CardItem;
  switch (item.type) {
    case "reasoning":
      return { ...item, summary: item.summary ?? [], content: item.content ?? [] };
    case "commandExecution":
      return { ...item, aggregatedOutput: item.aggregatedOutput == null ? null : headAndTail(item.aggregatedOutput) };
    case "fileChange":
      return { ...item, changes: item.changes ?? [] };
    case "userMessage":
      return { ...item, content: item.content ?? [] };
    case "agentMessage":
      return { ...item, text: item.text ?? "" };
    default:
      return otherItem(wire);
  }
}

/** What had not finished when its turn ended. */
export function stopped(item: CardItem): CardItem {
  if (item.type === "hook") return item.status === "running" ? { ...item, status: "stopped" } : item;
  return "status" in item && item.status === "inProgress" ? { ...item, status: "failed" } : item;
}

export function grown(item: CardItem, method: string, params: Record<string, unknown>): CardItem {
  const delta = String(params.delta ?? "");
  switch (`${item.type} ${method}`) {
    case "agentMessage item/agentMessage/delta": {
      const message = item as AgentMessageItem;
      return { ...message, text: message.text + delta };
    }
    case "reasoning item/reasoning/textDelta":
      return { ...(item as ReasoningItem), content: appended((item as ReasoningItem).content, params.contentIndex, delta) };
    case "reasoning item/reasoning/summaryTextDelta":
    case "reasoning item/reasoning/summaryPartAdded":
      return { ...(item as ReasoningItem), summary: appended((item as ReasoningItem).summary, params.summaryIndex, delta) };
    case "commandExecution item/commandExecution/outputDelta": {
      const command = item as CommandItem;
      return { ...command, aggregatedOutput: headAndTail((command.aggregatedOutput ?? "") + delta) };
    }
    case "fileChange item/fileChange/patchUpdated":
      return { ...item, changes: (params.changes as FileUpdateChange[] | undefined) ?? [] } as CardItem;
    case "other item/mcpToolCall/progress":
      return progressed(item as OtherItem, String(params.message ?? ""));
    case "other treadle/item/outputDelta":
      return said(item as OtherItem, delta);
    default:
      return item;
  }
}

function appended(parts: string[], index: unknown, delta: string): string[] {
  const at = typeof index === "number" && index >= 0 && index <= parts.length ? index : Math.max(parts.length - 1, 0);
  return at < parts.length ? parts.with(at, parts[at] + delta) : [...parts, delta];
}
