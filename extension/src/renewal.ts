/**
 * Starts the sidecar anew when it would be started otherwise now: other settings, folders, keys, another interpreter, a workspace that is
 * trusted by now. Never under a running turn: it waits for the turn's end. Many changes at once are one restart.
 */
import * as vscode from "vscode";
import { Keys } from "./keys";
import { sentence } from "./log";
import type { Feature, Parts } from "./parts";
import { onInterpreterChange } from "./python_extensions";
import { onSettingsChange } from "./settings";
import type { ViewEvent } from "./thread";

export class Renewal implements Feature {
  private readonly disposables: vscode.Disposable[];
  private interpreters: Pick<vscode.Disposable, "dispose"> = { dispose: () => undefined };
  private looking: Promise<void> | undefined;
  /** Something changed since it was last looked at. */
  private due = false;

  constructor(private readonly parts: Parts) {
    const look = () => this.look();
    this.disposables = [
      onSettingsChange(look),
      vscode.workspace.onDidChangeWorkspaceFolders(look),
      vscode.workspace.onDidGrantWorkspaceTrust(look),
      new Keys(parts.context).onChange(look),
    ];
    this.listen();
  }

  /** The Python extensions may have come up since. */
  connected(): void {
    this.listen();
  }

  /** A message that was waited for may be over without a turn: refused, or given up with its thread. */
  followed(event: ViewEvent): void {
    if (this.due && (event.method === "turn/completed" || !this.parts.chat.running)) this.look();
  }

  dispose(): void {
    for (const disposable of [...this.disposables, this.interpreters]) disposable.dispose();
  }

  private listen(): void {
    this.interpreters.dispose();
    this.interpreters = onInterpreterChange(() => this.look());
  }

  private look(): void {
    this.due = true;
    this.parts.panel.refresh();
    this.looking ??= this.renew().finally(() => {
      this.looking = undefined;
    });
  }

  private async renew(): Promise<void> {
    const { sidecar, chat, log } = this.parts;
    while (this.due && !chat.running) {
      this.due = false;
      try {
        if (!(await sidecar.outdated())) continue;
        if (chat.running) {
          this.due = true;
          return;
        }
        await sidecar.restart();
      } catch (error) {
        log.warn(`The sidecar was not started anew: ${sentence(error)}`);
      }
    }
  }
}
