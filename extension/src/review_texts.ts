/**
 * Files as they were before the agent's changes, as read-only documents: for the view of many files and for a peek. Each is made when it
 * is asked for, of the text as it is now and of what the sidecar says was taken out; nothing is kept.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import * as vscode from "vscode";
import type { Reviewed } from "./review_files";
import { earlierText } from "./review_marks";
import { isFile, pathKey } from "./review_paths";
import type { HunkFile, HunkListResponse } from "./wire";

export const beforeScheme = "treadle-before";

interface About {
  threadId: string;
  turnId?: string;
}

type List = (params: { threadId: string; path: string; turnId?: string; full: true }) => Promise<HunkListResponse>;

export class ReviewTexts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(beforeScheme, this);
  readonly onDidChange = this.changes.event;

  constructor(private readonly list: List) {}

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const about = JSON.parse(uri.query) as About;
    const { files } = await this.list({ ...about, path: uri.fsPath, full: true });
    const file = files.find((one) => pathKey(one.path) === uri.fsPath) ?? files[0];
    // VS Code may still hold the text of a file that is gone.
    const now = file?.kind === "delete" ? null : await textNow(uri.fsPath);
    return earlierText(now ?? "", file?.hunks ?? []);
  }

  /** The text of these files, or what of it is the agent's, is another one: what is shown of before is made anew. */
  renew(keys: readonly string[]): void {
    for (const document of vscode.workspace.textDocuments) {
      const { uri } = document;
      if (uri.scheme === beforeScheme && !document.isClosed && keys.includes(uri.fsPath)) this.changes.fire(uri);
    }
  }

  uri(path: string, about: About): vscode.Uri {
    return vscode.Uri.file(path).with({ scheme: beforeScheme, query: JSON.stringify(about) });
  }

  /** All these files in one editor: on the left as they were, on the right as they are, for the user to edit. */
  async showAll(title: string, files: readonly HunkFile[], about: About): Promise<void> {
    const paths = new Set(files.map((file) => file.path));
    const rows = files.flatMap((file) => {
      const now = vscode.Uri.file(file.path);
      // A file that was moved is one row, under its new name.
      if (file.kind === "delete") {
        return file.moved && paths.has(file.moved) ? [] : [[now, this.uri(file.path, about), undefined]];
      }
      if (file.kind === "add") return [[now, file.moved ? this.uri(file.moved, about) : undefined, now]];
      return [[now, this.uri(file.path, about), now]];
    });
    await vscode.commands.executeCommand("vscode.changes", title, rows);
  }

  /** What was there before a change, below it. Only because the user asked: the peek has the keyboard. */
  async peek(uri: vscode.Uri, line: number, { file }: Reviewed, id: string, about: About): Promise<void> {
    const hunk = file.hunks.find((one) => one.id === id);
    if (!hunk?.baseLines) {
      vscode.window.setStatusBarMessage(`Nothing was taken out of ${basename(file.path)} here.`, 4_000);
      return;
    }
    const range = new vscode.Range(hunk.baseStart, 0, hunk.baseStart + hunk.baseLines - 1, Number.MAX_SAFE_INTEGER);
    const there = new vscode.Location(this.uri(file.path, about), range);
    await vscode.commands.executeCommand("editor.action.peekLocations", uri, new vscode.Position(line, 0), [there], "peek");
  }

  dispose(): void {
    this.registered.dispose();
    this.changes.dispose();
  }
}

async function textNow(path: string): Promise<string | null> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "file" && isFile(uri, path));
  return open ? open.getText() : readFile(path, "utf8").catch(() => null);
}
