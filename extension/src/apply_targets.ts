/** Where a block of code may go: the file that it names, the selection, the cursor, a new file. Nothing outside the open folders is offered. */
import { basename, isAbsolute, join, normalize, relative } from "node:path";
import * as vscode from "vscode";

export interface Target {
  uri: vscode.Uri;
  exists: boolean;
  /** What is replaced; the whole file when there is none. */
  range?: { start: number; end: number };
}

export interface Choice extends vscode.QuickPickItem {
  locate(): Promise<Target | null>;
}

export async function targets(path: string | null, cwd: string | null): Promise<Choice[]> {
  const named = path ? await namedFile(path, cwd) : [];
  return [...named, ...editorPlaces(), newFile(path, cwd)];
}

/** The file's text with the code at its place. */
export function withText(before: string, { range }: Target, code: string): string {
  if (!range) return code.endsWith("\n") ? code : `${code}\n`;
  return before.slice(0, range.start) + code + before.slice(range.end);
}

async function namedFile(path: string, cwd: string | null): Promise<Choice[]> {
  const folders = vscode.workspace.workspaceFolders?.map((folder) => folder.uri.fsPath) ?? [];
  const roots = [...new Set([...(cwd ? [cwd] : []), ...folders])];
  const places = isAbsolute(path) ? [normalize(path)] : roots.map((root) => join(root, path));
  const inside = places.filter((place) => folders.some((folder) => isInside(folder, place)));
  const files = await Promise.all(inside.map(async (place) => ({ uri: vscode.Uri.file(place), exists: await exists(place) })));
  const file = files.find((one) => one.exists) ?? files[0];
  if (!file) return [];
  const label = file.exists ? `$(replace-all) Replace all of ${basename(path)}` : `$(new-file) Create ${basename(path)}`;
  return [{ label, description: path, locate: () => Promise.resolve(file) }];
}

function editorPlaces(): Choice[] {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
  if (editor?.document.uri.scheme !== "file") return [];
  const { document, selection } = editor;
  const range = { start: document.offsetAt(selection.start), end: document.offsetAt(selection.end) };
  const target: Target = { uri: document.uri, exists: true, range };
  const name = basename(document.fileName);
  const lines = `lines ${selection.start.line + 1} to ${selection.end.line + 1}`;
  const label = selection.isEmpty ? `$(insert) Insert at the cursor in ${name}` : `$(selection) Replace the selection in ${name}`;
  const description = selection.isEmpty ? `line ${selection.start.line + 1}` : lines;
  return [{ label, description, locate: () => Promise.resolve(target) }];
}

function newFile(path: string | null, cwd: string | null): Choice {
  const locate = async (): Promise<Target | null> => {
    const defaultUri = cwd ? vscode.Uri.file(join(cwd, path ? basename(path) : "untitled.txt")) : undefined;
    const uri = await vscode.window.showSaveDialog({ title: "Apply Code", saveLabel: "Show Difference", defaultUri });
    return uri ? { uri, exists: await exists(uri.fsPath) } : null;
  };
  return { label: "$(save-as) Another file…", locate };
}

export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}

async function exists(path: string): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(vscode.Uri.file(path))).then(
    ({ type }) => (type & vscode.FileType.File) !== 0,
    () => false,
  );
}
