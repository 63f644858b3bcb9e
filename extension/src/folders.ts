/**
 * Which folders are open, and which of them a new thread works in: the one that the user chose, else the first. All of them are roots of
 * every thread. It never guesses from the editor that happens to be in front.
 */
import * as vscode from "vscode";

let chosen: string | undefined;

/** Those on disk; others the sidecar cannot reach. */
export function openFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
}

export function currentFolder(): vscode.WorkspaceFolder | null {
  const folders = openFolders();
  return folders.find(({ uri }) => uri.toString() === chosen) ?? folders[0] ?? null;
}

export function roots(): string[] {
  return openFolders().map(({ uri }) => uri.fsPath);
}

/** Undefined: nobody has chosen. */
export function chooseFolder(uri: string | undefined): void {
  chosen = uri;
}
