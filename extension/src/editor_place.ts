/** What a command of the editor is about: the selection, or the symbol at the cursor, or the lines around it, as the editor has them. */
import * as vscode from "vscode";

/** Lines count from 1. */
export interface Place {
  uri: vscode.Uri;
  path: string;
  language: string;
  lines: [number, number];
  code: string;
  /** Of the symbol, when nothing is selected. */
  name: string;
}

const patience = 600;
const before = 20;
const after = 40;
const mostCode = 17_000;

export function hasPlaces({ uri }: vscode.TextDocument): boolean {
  return uri.scheme === "file" || uri.scheme === "untitled" || uri.scheme === "vscode-remote";
}

/** Where the user is; undefined where there is no text of theirs. */
export async function placeOf(
  editor: vscode.TextEditor | undefined,
  at: vscode.Range | undefined = editor?.selection,
): Promise<Place | undefined> {
  if (!editor || !at || !hasPlaces(editor.document)) return undefined;
  const { document } = editor;
  if (!at.isEmpty) return place(document, wholeLines(at), "");
  const symbol = innermost(await symbols(document.uri), at.start);
  return symbol ? place(document, symbol.range, symbol.name) : around(document, at);
}

/** The lines around a range, for what is wrong there. */
export function around(document: vscode.TextDocument, at: vscode.Range): Place {
  const first = Math.max(0, at.start.line - before);
  const last = Math.min(document.lineCount - 1, at.end.line + after);
  const word = at.isEmpty ? document.getWordRangeAtPosition(at.start) : undefined;
  return place(document, new vscode.Range(first, 0, last, 0), word ? document.getText(word).slice(0, 60) : "");
}

export function place(document: vscode.TextDocument, range: vscode.Range, name: string): Place {
  const whole = new vscode.Range(range.start.line, 0, range.end.line, document.lineAt(range.end.line).text.length);
  return {
    uri: document.uri,
    path: document.uri.scheme === "untitled" ? document.uri.path : vscode.workspace.asRelativePath(document.uri, false),
    language: document.languageId,
    lines: [range.start.line + 1, range.end.line + 1],
    code: document.getText(whole).slice(0, mostCode),
    name,
  };
}

/** A selection that ends before a line's first character does not mean that line. */
export function wholeLines({ start, end }: vscode.Range): vscode.Range {
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return new vscode.Range(start.line, 0, last, 0);
}

/** The symbol of code that holds the position and is in no other that does; variables and properties are too small to be meant. */
export function innermost(
  all: readonly vscode.DocumentSymbol[],
  at: vscode.Position,
  top = true,
): vscode.DocumentSymbol | undefined {
  const holding = all.find(({ range }) => range.contains(at));
  if (!holding) return undefined;
  const within = innermost(holding.children ?? [], at, false);
  return within ?? (isMeant(holding, top) ? holding : undefined);
}

function isMeant({ kind, range }: vscode.DocumentSymbol, top: boolean): boolean {
  const kinds = vscode.SymbolKind;
  const { Class, Constructor, Enum, Function: Procedure, Interface, Method, Namespace, Struct } = kinds;
  if ([Class, Constructor, Enum, Procedure, Interface, Method, Namespace, Struct].includes(kind)) return true;
  return top && range.end.line > range.start.line && [kinds.Constant, kinds.Variable].includes(kind);
}

/** What language servers know; a slow one is not waited for. */
async function symbols(uri: vscode.Uri): Promise<vscode.DocumentSymbol[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  const asked = vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
    "vscode.executeDocumentSymbolProvider",
    uri,
  );
  const found = await Promise.race([Promise.resolve(asked).catch(() => undefined), late]).finally(() => clearTimeout(timer));
  return (found ?? []).filter((symbol): symbol is vscode.DocumentSymbol => "range" in symbol && "children" in symbol);
}
