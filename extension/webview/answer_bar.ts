/** What can be done with the agent's answer as a whole, at the end of a turn that is over. */
import { html, nothing } from "lit";
import type { TurnView } from "../src/thread";
import { post } from "./host";

/** All that the agent said in this turn, as the Markdown that it wrote. */
export function answer(turn: TurnView): string {
  return turn.items
    .map(({ item }) => (item.type === "agentMessage" ? item.text.trim() : ""))
    .filter(Boolean)
    .join("\n\n");
}

export function answerBar(turn: TurnView): unknown {
  if (turn.status === "inProgress" || !turn.items.some(({ item }) => item.type === "agentMessage" && item.text)) return nothing;
  return html`<div class="answer-bar">
    <button class="icon" title="Copy the whole answer as Markdown" aria-label="Copy answer" @click=${() => post({ type: "copy", text: answer(turn) })}>
      <span class="codicon codicon-copy" aria-hidden="true"></span>
    </button>
  </div>`;
}
