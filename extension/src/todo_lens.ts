/** "Do this with Treadle" above TODO and FIXME comments, where the setting asks for it. A text is looked at once a version. */
import * as vscode from "vscode";
import { around } from "./editor_place";
import { act } from "./editor_words";
import type { Feature, Parts } from "./parts";
import { type Todo, todos } from "./todo";

export class TodoLens implements Feature, vscode.CodeLensProvider {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private readonly seen = new WeakMap<vscode.TextDocument, { version: number; found: Todo[] }>();
  private provider: vscode.Disposable | undefined;
  private readonly watching: vscode.Disposable;

  constructor(private readonly parts: Parts) {
    this.watching = vscode.workspace.onDidChangeConfiguration((change) => {
      if (!change.affectsConfiguration("treadle.todoLens")) return;
      this.offer();
      this.changed.fire();
    });
    this.offer();
  }

  readonly commands = {
    "treadle.doTodo": (uri: unknown, line: unknown) => this.run(uri as vscode.Uri, Number(line)),
  };

  dispose(): void {
    this.provider?.dispose();
    this.watching.dispose();
    this.changed.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!isOn(document.uri) || !vscode.workspace.isTrusted) return [];
    return this.found(document).map(({ line, column }) => {
      const command = { command: "treadle.doTodo", title: "$(sparkle) Do this with Treadle", arguments: [document.uri, line] };
      return new vscode.CodeLens(new vscode.Range(line, column, line, column), command);
    });
  }

  /** Where nobody wants it, nothing is asked of us. */
  private offer(): void {
    const wanted = [undefined, ...(vscode.workspace.workspaceFolders ?? [])].some((folder) => isOn(folder?.uri));
    if (!wanted) {
      this.provider?.dispose();
      this.provider = undefined;
    } else {
      const selector = ["file", "untitled", "vscode-remote"].map((scheme) => ({ scheme }));
      this.provider ??= vscode.languages.registerCodeLensProvider(selector, this);
    }
  }

  private found(document: vscode.TextDocument): Todo[] {
    const before = this.seen.get(document);
    if (before?.version === document.version) return before.found;
    const found = todos(document.getText(), document.languageId);
    this.seen.set(document, { version: document.version, found });
    return found;
  }

  private async run(uri: vscode.Uri, line: number): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uri);
    const todo = this.found(document).find((one) => one.line === line);
    if (!todo) return void vscode.window.showInformationMessage("This comment is not there any more.");
    const place = around(document, new vscode.Range(line, todo.column, line, todo.column));
    await act(this.parts, "todo", { ...place, name: "" }, { note: `The comment, in line ${line + 1}: ${todo.text}` });
  }
}

function isOn(scope: vscode.Uri | undefined): boolean {
  return vscode.workspace.getConfiguration("treadle", scope).get("todoLens", false);
}
