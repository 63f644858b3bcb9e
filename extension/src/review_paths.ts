/** Which file of the review a document is: by its path, and by the path that its symlinks lead to. */
import { realpathSync } from "node:fs";
import * as vscode from "vscode";

interface Files {
  size: number;
  get(key: string): unknown;
}

const real = new Map<string, string>();
const mostReal = 500;

/** One name for one file: as VS Code writes its path. */
export function pathKey(path: string): string {
  return vscode.Uri.file(path).fsPath;
}

/** The name of a document's file; undefined when it is no file of the review. */
export function documentKey(document: vscode.TextDocument, files: Files): string | undefined {
  return files.size && document.uri.scheme === "file" ? uriKey(document.uri, files) : undefined;
}

export function uriKey(uri: vscode.Uri, files: Files): string | undefined {
  if (files.get(uri.fsPath)) return uri.fsPath;
  const key = realPath(uri.fsPath);
  return files.get(key) ? key : undefined;
}

/** Whether a document's address leads to the file of this name. */
export function isFile(uri: vscode.Uri, key: string): boolean {
  return uri.fsPath === key || realPath(uri.fsPath) === key;
}

function realPath(path: string): string {
  let found = real.get(path);
  if (found === undefined) {
    try {
      found = pathKey(realpathSync.native(path));
    } catch {
      found = path;
    }
    if (real.size >= mostReal) real.clear();
    real.set(path, found);
  }
  return found;
}
