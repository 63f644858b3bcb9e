/**
 * A word to a user who is elsewhere when a turn has come to its end: once a turn, only while the window is not in front, and only if
 * they want it. It takes no focus.
 */
import * as vscode from "vscode";
import { answered } from "./folds/answered";
import { unlinked } from "./log";
import type { Feature, Parts } from "./parts";
import type { ViewEvent } from "./thread";
import type { Turn } from "./wire";

const longest = 120;

export class Away implements Feature {
  constructor(private readonly parts: Parts) {}

  dispose(): void {}

  followed(event: ViewEvent): void {
    if (event.method !== "turn/completed" || event.params.threadId !== this.parts.chat.view.id) return;
    const turn = event.params.turn as Turn;
    if (turn.status === "interrupted" || vscode.window.state.focused) return;
    if (vscode.workspace.getConfiguration("treadle").get("notifyWhenAway", true)) this.tell(turn);
  }

  private tell(turn: Turn): void {
    const { chat, panel } = this.parts;
    const words = unlinked(turn.error?.message ?? answered(chat.view, turn.id));
    const said = words.length > longest ? `${words.slice(0, longest)}…` : words;
    const show = turn.status === "failed" ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
    const message = turn.status === "failed" ? `Treadle could not go on: ${said}` : `Treadle is done${said ? `: ${said}` : "."}`;
    void show(message, "Show").then((chosen) => {
      if (chosen === "Show") void panel.show();
    });
  }
}
