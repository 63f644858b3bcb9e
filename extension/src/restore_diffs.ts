/**
 * What going back would make of files, in VS Code's own diff editors: on the left the file as it is, on the right as it would be. The
 * right side is virtual and nothing is written. A diff that was cut, or does not fit any more, is not guessed at.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { applyPatch } from "diff";
import * as vscode from "vscode";
import { isWritten } from "./restoring";
import type { FilePlan } from "./wire";

const scheme = "treadle-restore";

interface Sides {
  before: vscode.Uri | undefined;
  after: vscode.Uri | undefined;
}

export class RestoreDiffs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly disposables: vscode.Disposable[] = [];
  private plans = 0;

  constructor() {
    this.disposables.push(
      vscode.workspace.registerTextDocumentContentProvider(scheme, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === scheme) this.texts.delete(uri.toString());
      }),
    );
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** One file. What cannot be compared is opened as it is. */
  async one(plan: FilePlan): Promise<void> {
    this.plans += 1;
    const sides = await this.sides(plan);
    const uri = vscode.Uri.file(plan.path);
    if (!sides) return void vscode.commands.executeCommand("vscode.open", uri, { preview: true });
    const empty = this.virtual(plan.path, "nothing", "");
    const title = `${basename(plan.path)} (now ↔ restored)`;
    await vscode.commands.executeCommand("vscode.diff", sides.before ?? empty, sides.after ?? empty, title, { preview: true });
  }

  /** All that would change, in one view. */
  async all(plans: readonly FilePlan[], title: string): Promise<void> {
    this.plans += 1;
    const rows: [vscode.Uri, vscode.Uri | undefined, vscode.Uri | undefined][] = [];
    for (const plan of plans.filter(isWritten)) {
      const sides = await this.sides(plan);
      if (sides) rows.push([vscode.Uri.file(plan.path), sides.before, sides.after]);
    }
    if (!rows.length) return void vscode.window.showInformationMessage("No change can be shown as text.");
    await vscode.commands.executeCommand("vscode.changes", title, rows);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
    this.texts.clear();
  }

  private async sides(plan: FilePlan): Promise<Sides | null> {
    if (!isWritten(plan)) return null;
    const file = vscode.Uri.file(plan.path);
    if (plan.kind === "delete") return { before: file, after: undefined };
    const text = plan.kind === "create" ? "" : await currentText(plan.path);
    if (text === null) return null;
    const after = patched(text, plan.diff);
    if (after === null) return null;
    return { before: plan.kind === "create" ? undefined : file, after: this.virtual(plan.path, "restored", after) };
  }

  private virtual(path: string, side: string, text: string): vscode.Uri {
    const uri = vscode.Uri.file(path).with({ scheme, query: `${side}&${this.plans}` });
    this.texts.set(uri.toString(), text);
    return uri;
  }
}

function patched(current: string, diff: string): string | null {
  if (!diff.trim()) return null;
  try {
    const result = applyPatch(current, diff, { autoConvertLineEndings: true });
    return result === false ? null : result;
  } catch {
    return null;
  }
}

async function currentText(path: string): Promise<string | null> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.scheme === "file" && document.uri.fsPath === path);
  if (open) return open.getText();
  return readFile(path, "utf8").catch(() => null);
}
