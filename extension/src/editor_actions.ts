/**
 * The commands of the editor on what is selected, or on the symbol at the cursor, and on problems. They take nothing from the user: no
 * focus but to the panel that they asked for, no word in the composer. What the model is told is written by the sidecar.
 */
import * as vscode from "vscode";
import { around, placeOf } from "./editor_place";
import { type Action, act, lspDiagnostic } from "./editor_words";
import { linesMention } from "./mentions";
import type { Feature, Parts } from "./parts";

const mostDiagnostics = 20;

export class EditorActions implements Feature {
  private readonly lights: vscode.Disposable;

  constructor(private readonly parts: Parts) {
    const selector = ["file", "untitled", "vscode-remote"].map((scheme) => ({ scheme }));
    this.lights = vscode.languages.registerCodeActionsProvider(
      selector,
      { provideCodeActions: offered },
      { providedCodeActionKinds: kinds },
    );
  }

  readonly commands = {
    "treadle.askSelection": () => this.ask(),
    "treadle.explainSelection": (at?: unknown) => this.act("explain", at),
    "treadle.fixSelection": (at?: unknown) => this.act("fix", at),
    "treadle.testSelection": (at?: unknown) => this.act("tests", at),
    "treadle.documentSelection": (at?: unknown) => this.act("document", at),
    "treadle.fixDiagnostics": (uri: unknown, given: unknown) =>
      this.fix(uri as vscode.Uri, given as readonly vscode.Diagnostic[], "fix"),
    "treadle.explainDiagnostics": (uri: unknown, given: unknown) =>
      this.fix(uri as vscode.Uri, given as readonly vscode.Diagnostic[], "explain"),
  };

  dispose(): void {
    this.lights.dispose();
  }

  /** The words are the user's: what they are about is named in the composer. */
  private async ask(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const place = await placeOf(editor);
    const file = place?.uri.scheme === "untitled" ? undefined : place;
    if (file && (file.name || !editor?.selection.isEmpty)) this.parts.panel.mention(linesMention(file.uri, file.lines));
    else if (file) this.parts.panel.mention(linesMention(file.uri, [line(editor), line(editor)]));
    await this.parts.panel.show();
  }

  private async act(action: Action, at?: unknown): Promise<void> {
    const range = at instanceof vscode.Range ? at : undefined;
    const editor = vscode.window.activeTextEditor;
    const chosen = range ?? editor?.selection; // now: the user may go on while a language server thinks
    const place = await placeOf(editor, chosen);
    if (!place || !chosen) {
      void vscode.window.showInformationMessage("Open a file and select some code first, then ask Treadle about it.");
      return;
    }
    const wrong = action === "fix" ? problemsAt(place.uri, chosen.isEmpty ? span(place.lines) : chosen) : [];
    await act(this.parts, action, place, { diagnostics: wrong.map(lspDiagnostic) });
  }

  /** The place is the problem's own: the editor in front may be another one. */
  private async fix(uri: vscode.Uri, given: readonly vscode.Diagnostic[], action: Action): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uri);
    const wrong = given.slice(0, mostDiagnostics);
    const [first, ...others] = wrong;
    if (!first) return;
    const range = others.reduce((all, { range }) => all.union(range), first.range);
    await act(this.parts, action, { ...around(document, range), name: "" }, { diagnostics: wrong.map(lspDiagnostic) });
  }
}

function line(editor: vscode.TextEditor | undefined): number {
  return (editor?.selection.active.line ?? 0) + 1;
}

function span([first, last]: [number, number]): vscode.Range {
  return new vscode.Range(first - 1, 0, last, 0);
}

function problemsAt(uri: vscode.Uri, range: vscode.Range): vscode.Diagnostic[] {
  const found = vscode.languages.getDiagnostics(uri).filter((one) => one.range.intersection(range));
  return found.sort((one, other) => one.severity - other.severity).slice(0, mostDiagnostics);
}

const { QuickFix, RefactorRewrite, Refactor } = vscode.CodeActionKind;
const explainKind = Refactor.append("treadle").append("explain");
const testsKind = Refactor.append("treadle").append("tests");
const documentKind = RefactorRewrite.append("treadle").append("document");
const kinds = [QuickFix, explainKind, testsKind, documentKind];

/** The light bulb is not to be lit wherever the cursor goes: without a selection only problems light it. */
function offered(
  document: vscode.TextDocument,
  range: vscode.Range | vscode.Selection,
  context: vscode.CodeActionContext,
): vscode.CodeAction[] {
  if (!vscode.workspace.getConfiguration("treadle", document.uri).get("codeActions", true)) return [];
  const trusted = vscode.workspace.isTrusted;
  const wrong = context.diagnostics.filter(({ source }) => source !== "Treadle review").slice(0, mostDiagnostics);
  const fixes = trusted ? fixesOf(document.uri, wrong) : [];
  const explained = wrong.slice(0, 1).map((one) => {
    const title = `Explain with Treadle: ${short(one.message)}`;
    return action(title, QuickFix, "treadle.explainDiagnostics", [document.uri, [one]], [one]);
  });
  const asked = context.triggerKind === vscode.CodeActionTriggerKind.Invoke;
  if (range.isEmpty && !(asked && document.getWordRangeAtPosition(range.start))) return [...fixes, ...explained];
  const what = range.isEmpty ? "This" : "Selection";
  return [
    ...fixes,
    ...explained,
    ...(trusted ? [action(`Document ${what} with Treadle`, documentKind, "treadle.documentSelection", [range])] : []),
    action(`Explain ${what} with Treadle`, explainKind, "treadle.explainSelection", [range]),
    ...(trusted ? [action(`Write Tests for ${what} with Treadle`, testsKind, "treadle.testSelection", [range])] : []),
  ].filter(({ kind }) => !context.only || (kind && context.only.contains(kind)));
}

function fixesOf(uri: vscode.Uri, wrong: readonly vscode.Diagnostic[]): vscode.CodeAction[] {
  const each = wrong.map((one) =>
    action(`Fix with Treadle: ${short(one.message)}`, QuickFix, "treadle.fixDiagnostics", [uri, [one]], [one]),
  );
  if (wrong.length < 2) return each;
  const all = action(
    `Fix All ${wrong.length} Problems Here with Treadle`,
    QuickFix,
    "treadle.fixDiagnostics",
    [uri, wrong],
    wrong,
  );
  return [...each, all];
}

function action(
  title: string,
  kind: vscode.CodeActionKind,
  command: string,
  args: unknown[],
  diagnostics: readonly vscode.Diagnostic[] = [],
): vscode.CodeAction {
  const made = new vscode.CodeAction(title, kind);
  made.command = { command, title, arguments: args };
  if (diagnostics.length) made.diagnostics = [...diagnostics];
  return made;
}

function short(message: string): string {
  const first = message.trim().split("\n", 1)[0] ?? "";
  return first.length > 60 ? `${first.slice(0, 59)}…` : first;
}
