/** The one log channel of the extension; the sidecar's stderr goes there too. Never opened by itself: the user asks to see it. */
import * as vscode from "vscode";

export type Log = vscode.LogOutputChannel;

export function createLog(): Log {
  return vscode.window.createOutputChannel("Treadle", { log: true });
}

/** One line for the log from whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
