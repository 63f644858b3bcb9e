/** The status bar item: how the agent is, and a way to the panel. */
import * as vscode from "vscode";
import type { Connection } from "./sidecar";

export interface Health {
  connection: Connection;
  problem?: string;
  running: boolean;
  waiting: number;
}

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("treadle.status", vscode.StatusBarAlignment.Right, 100);

  constructor() {
    this.item.name = "Treadle";
    this.item.command = "treadle.focus";
    this.draw({ connection: "idle", running: false, waiting: 0 });
    this.item.show();
  }

  draw(health: Health): void {
    const { text, tooltip, background } = face(health);
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: tooltip, role: "button" };
    this.item.backgroundColor = background ? new vscode.ThemeColor(`statusBarItem.${background}Background`) : undefined;
  }

  dispose(): void {
    this.item.dispose();
  }
}

function face(health: Health): { text: string; tooltip: string; background?: "error" | "warning" } {
  if (health.connection === "failed") {
    return {
      text: "$(error) Treadle",
      tooltip: `Treadle: ${health.problem ?? "the sidecar is not running"}`,
      background: "error",
    };
  }
  if (health.connection === "restarting") return { text: "$(sync~spin) Treadle", tooltip: "Treadle: restarting the sidecar" };
  if (health.waiting) {
    return { text: "$(bell-dot) Treadle: asks you", tooltip: "Treadle waits for your answer", background: "warning" };
  }
  if (health.running) return { text: "$(loading~spin) Treadle: working", tooltip: "Treadle is working" };
  return { text: "$(sparkle) Treadle", tooltip: "Treadle: ready. Click to open the chat" };
}
