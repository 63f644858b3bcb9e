/** Runs the commands of the composer that are done here: each calls who knows. What is not there, or cannot be done now, is said. */
import * as vscode from "vscode";
import type { Feature, Parts } from "./parts";
import { type SlashCommand, slashCommand } from "./slash_commands";
import { runningTurn } from "./thread";

export class Slash implements Feature {
  constructor(private readonly parts: Parts) {}

  readonly answers: Feature["answers"] = {
    /** What went wrong, in a sentence; null when it is done. */
    slash: ({ name, rest }) => this.run(name, rest),
  };

  dispose(): void {}

  private async run(name: string, rest: string): Promise<string | null> {
    const command = slashCommand(name);
    if (!command) return `There is no command /${name}.`;
    if (command.thread && !this.parts.chat.view.id) return `/${name} works on a thread: send a message first.`;
    switch (name) {
      case "compact":
        return this.compact();
      case "undo":
        return this.undo();
      case "rename":
        return rest ? this.rename(rest) : this.execute(command);
      case "status":
        return this.status();
      default:
        return this.execute(command);
    }
  }

  private async execute({ name, runs }: SlashCommand): Promise<string | null> {
    const known = await vscode.commands.getCommands(true);
    if (!runs || !known.includes(runs)) return `/${name} is not there in this version.`;
    await vscode.commands.executeCommand(runs);
    return null;
  }

  /** To before what the user said last: the card with what would change opens under it. */
  private async undo(): Promise<string | null> {
    const items = this.parts.chat.view.turns.flatMap((turn) => turn.items.map(({ item }) => item));
    const last = items.findLast((item) => item.type === "userMessage");
    if (!last) return "There is no message to go back to.";
    await vscode.commands.executeCommand("treadle.message.restore", { itemId: last.id });
    return null;
  }

  private async compact(): Promise<string | null> {
    const { chat, sidecar } = this.parts;
    if (runningTurn(chat.view)) return "A turn is running: /compact works when it is done.";
    await sidecar.request("thread/compact/start", { threadId: chat.view.id ?? "" });
    return null;
  }

  private async rename(name: string): Promise<null> {
    const { chat, sidecar } = this.parts;
    await sidecar.request("thread/name/set", { threadId: chat.view.id ?? "", name });
    return null;
  }

  private status(): null {
    const { view } = this.parts.chat;
    const share = view.usage?.window ? `${Math.round((100 * view.usage.used) / view.usage.window)} % of the context is used` : "";
    const words = view.id
      ? [
          `Model ${view.model}${view.effort ? ` (${view.effort})` : ""} from ${view.provider}`,
          view.askBeforeEdits ? "you are asked before edits" : "edits are written at once",
          `approvals: ${view.approvalPolicy}`,
          `sandbox: ${view.sandbox}`,
          `folder ${view.cwd}`,
          share,
        ]
      : ["There is no thread yet: what is chosen under the box is for the next one"];
    this.parts.chat.notice("info", `status:${Date.now()}`, `${words.filter(Boolean).join(", ")}.`);
    return null;
  }
}
