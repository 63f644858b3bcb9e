/**
 * Shows proposed edits in VS Code's diff editor, both sides virtual, so that nothing on disk or in a buffer is touched. It never takes
 * the keyboard: while the user works in an editor it does not open anything by itself, and it closes its tabs once they are settled.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import * as vscode from "vscode";
import { newPath, sides } from "./proposal";
import type { FileUpdateChange } from "./wire";

export const proposalScheme = "treadle-diff";

export class Diffs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  private readonly disposables: vscode.Disposable[] = [];
  /** On their way into a tab, by item. */
  private readonly coming = new Map<string, Promise<unknown>>();
  private inEditor = false;
  readonly onDidChange = this.changes.event;

  constructor() {
    this.disposables.push(
      this.changes,
      vscode.workspace.registerTextDocumentContentProvider(proposalScheme, this),
      vscode.window.onDidChangeTextEditorSelection((change) => {
        if (change.kind !== undefined && change.kind !== vscode.TextEditorSelectionChangeKind.Command) this.inEditor = true;
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (document.uri.scheme === proposalScheme) this.texts.delete(document.uri.toString());
      }),
    );
    // Those of the window's life before are about questions that nobody waits for.
    void this.closeAll(() => true);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** The user is in the panel now, so no editor of theirs can be covered. */
  left(): void {
    this.inEditor = false;
  }

  /** Opens a change by itself, unless that would cover the editor that the user went to: however long they think, it is theirs. */
  async offer(itemId: string, changes: readonly FileUpdateChange[]): Promise<void> {
    const first = changes[0];
    if (!this.inEditor && first) await this.open(itemId, first, true, changes);
  }

  /** False when the change does not fit the file as it is now. `all`: those that are proposed together with it. */
  async open(
    itemId: string,
    change: FileUpdateChange,
    preserveFocus: boolean,
    all: readonly FileUpdateChange[] = [change],
  ): Promise<boolean> {
    const opening = this.bring(itemId, change, preserveFocus, all);
    const coming = Promise.allSettled([this.coming.get(itemId), opening]);
    this.coming.set(itemId, coming);
    void coming.then(() => this.coming.get(itemId) === coming && this.coming.delete(itemId));
    return opening;
  }

  /** The answer may come before the diff is there: it goes as soon as it is. */
  async close(itemId: string): Promise<void> {
    await this.coming.get(itemId);
    await this.closeAll((uri) => proposalOf(uri)?.itemId === itemId);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
    this.texts.clear();
  }

  private async bring(
    itemId: string,
    change: FileUpdateChange,
    preserveFocus: boolean,
    all: readonly FileUpdateChange[],
  ): Promise<boolean> {
    const texts = sides(change, await currentText(change.path));
    if (!texts) return false;
    const path = newPath(change);
    const before = this.uri(itemId, path, "before", texts.before);
    const after = this.uri(itemId, path, "after", texts.after);
    const which = all.length > 1 ? ` (${all.indexOf(change) + 1} of ${all.length})` : "";
    const title = `${basename(path)}: proposed by Treadle${which}`;
    await vscode.commands.executeCommand("vscode.diff", before, after, title, { preview: false, preserveFocus });
    return true;
  }

  private async closeAll(which: (uri: vscode.Uri) => boolean): Promise<void> {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const ours = tabs.filter(({ input }) => {
      return input instanceof vscode.TabInputTextDiff && input.modified.scheme === proposalScheme && which(input.modified);
    });
    if (ours.length) await vscode.window.tabGroups.close(ours, true);
  }

  private uri(itemId: string, path: string, side: string, text: string): vscode.Uri {
    const uri = vscode.Uri.file(path).with({ scheme: proposalScheme, query: `${itemId}&${side}` });
    const before = this.texts.get(uri.toString());
    this.texts.set(uri.toString(), text);
    if (before !== undefined && before !== text) this.changes.fire(uri);
    return uri;
  }
}

/** What a diff is about, of one of its two addresses. */
export function proposalOf(uri: vscode.Uri | undefined): { itemId: string; path: string } | undefined {
  const end = uri?.query.lastIndexOf("&") ?? -1;
  if (uri?.scheme !== proposalScheme || end < 0) return undefined;
  return { itemId: uri.query.slice(0, end), path: uri.fsPath };
}

async function currentText(path: string): Promise<string | null> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.scheme === "file" && document.uri.fsPath === path);
  if (open) return open.getText();
  return readFile(path, "utf8").catch(() => null);
}
