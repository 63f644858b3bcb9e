/**
 * Several folders in one window: which one the agent works in is shown, and can be chosen, for the thread that is open and for those to
 * come. The others are roots of every thread: it may read and write in them all the same.
 */
import * as vscode from "vscode";
import { chooseFolder, currentFolder, openFolders } from "./folders";
import type { PanelState } from "./messages";
import type { Feature, Parts } from "./parts";

const remembered = "treadle.folder";

export class WorkspaceFolders implements Feature {
  private readonly changes: vscode.Disposable;

  constructor(private readonly parts: Parts) {
    chooseFolder(parts.context.workspaceState.get<string>(remembered));
    this.changes = vscode.workspace.onDidChangeWorkspaceFolders(() => parts.panel.refresh());
  }

  readonly commands: Feature["commands"] = { "treadle.chooseFolder": () => this.choose() };

  readonly messages: Feature["messages"] = { chooseFolder: ({ path }) => this.take(path) };

  panelState(): Partial<PanelState> {
    return { folders: openFolders().map(({ name, uri }) => ({ name, path: uri.fsPath })) };
  }

  dispose(): void {
    this.changes.dispose();
  }

  private async choose(): Promise<void> {
    const folders = openFolders();
    if (!folders.length) {
      await vscode.commands.executeCommand("workbench.action.files.openFolder");
      return;
    }
    const now = this.parts.chat.view.cwd ?? currentFolder()?.uri.fsPath;
    const rows = folders.map(({ name, uri }) => ({
      label: name,
      description: uri.fsPath === now ? "the agent works here" : undefined,
      detail: uri.fsPath,
    }));
    const row = await vscode.window.showQuickPick(rows, {
      title: "Choose Folder",
      placeHolder: "Where the agent's commands run",
    });
    if (row) await this.take(row.detail);
  }

  /** Only a folder that is open can be chosen, whoever names it. */
  private async take(path: string): Promise<void> {
    const folder = openFolders().find(({ uri }) => uri.fsPath === path);
    if (!folder) return;
    const { context, chat, sidecar, panel } = this.parts;
    const uri = folder.uri.toString();
    chooseFolder(uri);
    await context.workspaceState.update(remembered, uri);
    const { id, cwd } = chat.view;
    if (id && cwd !== path) await sidecar.request("thread/settings/update", { threadId: id, cwd: path });
    // what the empty panel shows is of the folder
    if (!id) chat.close();
    panel.refresh();
  }
}
