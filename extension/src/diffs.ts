/**
 * Shows proposed edits in VS Code's diff editor, both sides virtual, so that nothing on disk or in a buffer is touched. It never takes
 * the keyboard: while the user works in an editor it does not open anything by itself, and it closes its tabs once they are settled.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import * as vscode from "vscode";
import { newPath, sides } from "./proposal";
import type { FileUpdateChange } from "./wire";

const scheme = "treadle-diff";

export class Diffs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly disposables: vscode.Disposable[] = [];
  private inEditor = false;

  constructor() {
    this.disposables.push(
      vscode.workspace.registerTextDocumentContentProvider(scheme, this),
      vscode.window.onDidChangeTextEditorSelection((change) => {
        if (change.kind !== undefined && change.kind !== vscode.TextEditorSelectionChangeKind.Command) this.inEditor = true;
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (document.uri.scheme === scheme) this.texts.delete(document.uri.toString());
      }),
    );
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** The user is in the panel now, so no editor of theirs can be covered. */
  left(): void {
    this.inEditor = false;
  }

  /** Opens a change by itself, unless that would cover the editor that the user went to: however long they think, it is theirs. */
  async offer(itemId: string, change: FileUpdateChange): Promise<void> {
    if (!this.inEditor) await this.open(itemId, change, true);
  }

  /** False when the change does not fit the file as it is now. */
  async open(itemId: string, change: FileUpdateChange, preserveFocus: boolean): Promise<boolean> {
    const texts = sides(change, await currentText(change.path));
    if (!texts) return false;
    const path = newPath(change);
    const before = this.uri(itemId, path, "before", texts.before);
    const after = this.uri(itemId, path, "after", texts.after);
    const title = `${basename(path)}: proposed by Treadle`;
    await vscode.commands.executeCommand("vscode.diff", before, after, title, { preview: false, preserveFocus });
    return true;
  }

  async close(itemId: string): Promise<void> {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const ours = tabs.filter((tab) => {
      const input = tab.input;
      return (
        input instanceof vscode.TabInputTextDiff &&
        input.modified.scheme === scheme &&
        input.modified.query.startsWith(`${itemId}&`)
      );
    });
    if (ours.length) await vscode.window.tabGroups.close(ours, true);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
    this.texts.clear();
  }

  private uri(itemId: string, path: string, side: string, text: string): vscode.Uri {
    const uri = vscode.Uri.file(path).with({ scheme, query: `${itemId}&${side}` });
    this.texts.set(uri.toString(), text);
    return uri;
  }
}

async function currentText(path: string): Promise<string | null> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.scheme === "file" && document.uri.fsPath === path);
  if (open) return open.getText();
  return readFile(path, "utf8").catch(() => null);
}
