/**
 * What can be mentioned, for the popup: files and folders by fuzzy search, and what the editor knows besides, each with the token that
 * will stand in the words. It looks things up only; nothing is read until the message is sent. Slow language servers are not waited for.
 */
import { isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import type { Chat } from "./chat";
import { type Choice, splitMarks } from "./choices";
import { title } from "./commands";
import type { Mention } from "./draft";
import { FileIndex } from "./file_index";
import { workspaceFolder } from "./settings";
import { symbolsOf } from "./symbols";
import { Terminals } from "./terminals";

const most = 40;

export class Mentions implements vscode.Disposable {
  readonly terminals = new Terminals();
  private readonly index = new FileIndex();

  constructor(private readonly chat: Chat) {}

  dispose(): void {
    this.terminals.dispose();
    this.index.dispose();
  }

  async choices(query: string): Promise<Choice[]> {
    if (query.startsWith("#")) return this.symbols(query.slice(1));
    if (query.startsWith("thread:")) return this.threads(query.slice("thread:".length));
    const wanted = query.toLowerCase();
    const special = this.special().filter((choice) => !wanted || starts(choice, wanted));
    const ranking = await this.index.files();
    const open = new Set(openFiles().map((uri) => vscode.workspace.asRelativePath(uri)));
    const places = ranking.best(query, most, open).map((place) => placeChoice(place.path, place.folder, place.marks));
    return [...special, ...places].slice(0, most);
  }

  /** Files of the explorer that were dropped into the box; those outside the workspace too. */
  async dropped(uris: readonly string[]): Promise<Mention[]> {
    const found = uris.slice(0, 50).map((uri) => vscode.Uri.parse(uri.trim()));
    return Promise.all(found.filter((uri) => uri.scheme === "file" || uri.scheme === "vscode-remote").map(uriMention));
  }

  private special(): Choice[] {
    return [this.selection(), openTabs(), problems(), ...this.terminal(), ...ways];
  }

  private selection(): Choice {
    const mention = selectionMention();
    const unavailable = mention ? undefined : "Nothing is selected in an editor";
    return { id: "selection", icon: "list-selection", label: "Selection", detail: mention?.label, mention, unavailable };
  }

  private terminal(): Choice[] {
    const commands = this.terminals.recent.slice(0, 3);
    if (!commands.length) {
      const unavailable = "VS Code tells of no command yet: it needs its shell integration in the terminal";
      return [{ id: "terminal", icon: "terminal", label: "Terminal output", unavailable }];
    }
    return commands.map((command, index) => ({
      id: `terminal:${command.id}`,
      icon: "terminal",
      label: "Terminal output",
      detail: command.command,
      mention: {
        kind: "terminal",
        token: index ? `@terminal:${command.id}` : "@terminal",
        label: `Terminal: ${cut(command.command, 40)}`,
        id: command.id,
      },
    }));
  }

  private async symbols(query: string): Promise<Choice[]> {
    const found = await symbolsOf(query, most);
    if (found.length) return found;
    const unavailable = "No language server of this workspace knows such a symbol";
    return [{ id: "no-symbol", icon: "symbol-misc", label: "No symbols", unavailable }];
  }

  private async threads(query: string): Promise<Choice[]> {
    const wanted = query.toLowerCase();
    const threads = await this.chat.list(workspaceFolder()?.uri.fsPath ?? null, 100);
    const others = threads.filter((thread) => thread.id !== this.chat.view.id);
    const found = others
      .map((thread) => ({ thread, name: title(thread) }))
      .filter(({ name }) => dashed(name).includes(dashed(wanted)));
    return found.slice(0, most).map(({ thread, name }) => ({
      id: thread.id,
      icon: "comment-discussion",
      label: name,
      mention: { kind: "thread", token: `@thread:${dashed(name).slice(0, 40)}`, label: cut(name, 60), id: thread.id },
    }));
  }
}

const ways: Choice[] = [
  { id: "symbols", icon: "symbol-class", label: "Symbols…", detail: "Functions and classes by name", insert: "@#" },
  { id: "threads", icon: "comment-discussion", label: "Threads…", detail: "What was said in another thread", insert: "@thread:" },
];

function openTabs(): Choice {
  const count = openFiles().length;
  const mention: Mention = { kind: "tabs", token: "@tabs", label: "Open tabs" };
  const detail = count === 1 ? "1 file" : `${count} files`;
  return { id: "tabs", icon: "files", label: "Open tabs", detail, mention, unavailable: count ? undefined : "No file is open" };
}

function problems(): Choice {
  const count = listedProblems().length;
  const mention: Mention = { kind: "problems", token: "@problems", label: "Problems" };
  const detail = count === 1 ? "1 error or warning" : `${count} errors and warnings`;
  const unavailable = count ? undefined : "The editor knows of no errors or warnings";
  return { id: "problems", icon: "warning", label: "Problems", detail, mention, unavailable };
}

export function listedProblems(): { uri: vscode.Uri; diagnostic: vscode.Diagnostic }[] {
  return vscode.languages
    .getDiagnostics()
    .flatMap(([uri, all]) => all.map((diagnostic) => ({ uri, diagnostic })))
    .filter(({ uri, diagnostic }) => uri.scheme === "file" && diagnostic.severity <= vscode.DiagnosticSeverity.Warning)
    .sort((one, other) => one.diagnostic.severity - other.diagnostic.severity);
}

export function openFiles(): vscode.Uri[] {
  const uris = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .map((tab) => (tab.input instanceof vscode.TabInputText ? tab.input.uri : undefined))
    .filter((uri) => uri?.scheme === "file") as vscode.Uri[];
  return [...new Map(uris.map((uri) => [uri.toString(), uri])).values()];
}

/** What is selected in the editor that the user was in last. */
export function selectionMention(): Mention | undefined {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors.find((one) => !one.selection.isEmpty);
  if (!editor || editor.selection.isEmpty || editor.document.uri.scheme !== "file") return undefined;
  const { start, end } = editor.selection;
  const last = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  return linesMention(editor.document.uri, [start.line + 1, last]);
}

export function linesMention(
  uri: vscode.Uri,
  lines: [number, number],
  kind: "selection" | "symbol" = "selection",
  name?: string,
): Mention {
  const place = `${vscode.workspace.asRelativePath(uri)}:${lines[0]}${lines[1] > lines[0] ? `-${lines[1]}` : ""}`;
  return { kind, token: name ? `@#${name}` : `@${place}`, label: name ? `${name} (${place})` : place, path: uri.fsPath, lines };
}

export function placeChoice(path: string, folder: boolean, marks: readonly number[]): Choice {
  const shown = splitMarks(path, marks);
  return { id: path, icon: folder ? "folder" : "file", ...shown, mention: placeMention(path, folder) };
}

/** A file or a folder of the explorer. */
export async function uriMention(uri: vscode.Uri): Promise<Mention> {
  const stat = await vscode.workspace.fs.stat(uri).then(
    (there) => there,
    () => null,
  );
  return placeMention(vscode.workspace.asRelativePath(uri), ((stat?.type ?? 0) & vscode.FileType.Directory) !== 0);
}

function placeMention(path: string, folder: boolean): Mention {
  const shown = folder && !path.endsWith("/") ? `${path}/` : path;
  return { kind: folder ? "folder" : "file", token: `@${shown}`, label: shown, path: absolute(path) };
}

/** Back from what asRelativePath says: with several folders the first name is the folder's. */
function absolute(path: string): string {
  if (isAbsolute(path)) return path;
  const folders = vscode.workspace.workspaceFolders ?? [];
  const cut = path.indexOf("/");
  const named = folders.length > 1 ? folders.find((folder) => folder.name === path.slice(0, cut)) : undefined;
  if (named) return join(named.uri.fsPath, path.slice(cut + 1));
  return join(folders[0]?.uri.fsPath ?? "", path);
}

function starts({ label, unavailable }: Choice, wanted: string): boolean {
  return (
    !unavailable &&
    label
      .toLowerCase()
      .split(" ")
      .some((word) => word.startsWith(wanted))
  );
}

function dashed(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
