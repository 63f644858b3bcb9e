/**
 * "Manage Permissions": a page with all that the user has allowed for longer than once, and the rules of files. It shows what the sidecar
 * keeps and asks it for each change; the only thing kept here is how to take back the last one.
 */
import * as vscode from "vscode";
import { type Chat, type Requests, said } from "./chat";
import { inverse } from "./grants";
import { type Log, unlinked } from "./log";
import type { FromPermissions, PermissionsState, ToPermissions } from "./messages";
import { dist, page } from "./page";
import { home } from "./panel";
import { checkRule } from "./rules";
import { workspaceFolder } from "./settings";
import type { Grant, GrantChange } from "./wire";

interface Needs {
  extension: vscode.Uri;
  sidecar: Requests;
  chat: Chat;
  log: Log;
}

const empty = { grants: [], rules: [], problems: [], failure: null };

export class Permissions implements vscode.Disposable {
  private shown: vscode.WebviewPanel | undefined;
  private grants: Grant[] = [];
  private undo: { words: string; changes: GrantChange[] } | null = null;
  private reading = 0;

  constructor(private readonly needs: Needs) {}

  show(): void {
    if (this.shown) {
      this.shown.reveal();
      return;
    }
    const { extension } = this.needs;
    const options = { enableScripts: true, localResourceRoots: [dist(extension)] };
    const shown = vscode.window.createWebviewPanel(
      "treadle.permissions",
      "Treadle: Permissions",
      vscode.ViewColumn.Active,
      options,
    );
    shown.iconPath = vscode.Uri.joinPath(extension, "media", "treadle.svg");
    shown.onDidDispose(() => {
      this.shown = undefined;
      this.undo = null;
    });
    shown.webview.onDidReceiveMessage((message: FromPermissions) => void this.received(message));
    shown.webview.html = page(shown.webview, extension, "treadle-permissions", "permissions.js");
    this.shown = shown;
  }

  /** The list is another one, or what is shown beside it. */
  async refresh(): Promise<void> {
    if (!this.shown) return;
    this.reading += 1;
    const reading = this.reading;
    const state = await this.read();
    if (reading !== this.reading) return;
    this.grants = state.grants;
    this.post({ type: "permissions", state });
  }

  dispose(): void {
    this.shown?.dispose();
  }

  private async read(): Promise<PermissionsState> {
    const { chat, sidecar } = this.needs;
    const folder = chat.view.cwd ?? workspaceFolder()?.uri.fsPath ?? null;
    const here = { threadId: chat.view.id, folder, home: home(), undo: this.undo?.words ?? null };
    try {
      const [all, near] = await Promise.all([
        sidecar.request("treadle/rules/list", {}),
        sidecar.request("treadle/rules/list", { cwd: folder }),
      ]);
      return { ...here, grants: all.grants, rules: near.rules, problems: near.problems, failure: null };
    } catch (error) {
      return { ...here, ...empty, failure: said(error) };
    }
  }

  private async received(message: FromPermissions): Promise<void> {
    const { sidecar, chat, log } = this.needs;
    switch (message.type) {
      case "ready":
        return this.refresh();
      case "changeGrants":
        return this.change(message.changes, message.words);
      case "undo":
        return this.takeBack();
      case "checkRule": {
        const problem = await checkRule(sidecar, message.subject, chat.view.id, log);
        return this.post({ type: "ruleChecked", number: message.number, problem });
      }
      case "openSource":
        return open(message.path, message.line);
    }
  }

  private async change(changes: GrantChange[], words: string): Promise<void> {
    const back = inverse(changes, this.grants);
    if (await this.write(changes)) this.undo = { words, changes: back };
    await this.refresh();
  }

  private async takeBack(): Promise<void> {
    const { undo } = this;
    this.undo = null;
    if (undo) await this.write(undo.changes);
    await this.refresh();
  }

  private async write(changes: GrantChange[]): Promise<boolean> {
    const { sidecar, log } = this.needs;
    try {
      await sidecar.request("treadle/rules/write", { changes });
      return true;
    } catch (error) {
      log.warn(`treadle/rules/write: ${said(error)}`);
      this.post({ type: "refused", reason: said(error).replace(/^changes\.\d+\.[\w.]+: /, "") });
      return false;
    }
  }

  private post(message: ToPermissions): void {
    void this.shown?.webview.postMessage(message);
  }
}

async function open(path: string, line: number): Promise<void> {
  const at = new vscode.Range(Math.max(0, line - 1), 0, Math.max(0, line - 1), 0);
  try {
    await vscode.window.showTextDocument(vscode.Uri.file(path), { selection: at, preview: true });
  } catch {
    void vscode.window.showWarningMessage(unlinked(`Treadle cannot open ${path}.`));
  }
}
