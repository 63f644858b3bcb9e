/** The agent's last words in a turn, on one line. Pure. */
import type { ThreadView } from "../view";

export function answered(view: ThreadView, turnId: string): string {
  const items = view.turns.findLast((turn) => turn.id === turnId)?.items ?? [];
  const last = items.findLast(({ item }) => item.type === "agentMessage")?.item;
  return last?.type === "agentMessage" ? last.text.replace(/\s+/g, " ").trim() : "";
}
