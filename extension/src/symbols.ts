/** Symbols for mentions: of the file that is open, and of the workspace, as language servers know them. A slow one is not waited for. */
import * as vscode from "vscode";
import type { Choice } from "./choices";
import { linesMention } from "./mentions";

const patience = 600;

const icons: Partial<Record<vscode.SymbolKind, string>> = {
  [vscode.SymbolKind.Class]: "symbol-class",
  [vscode.SymbolKind.Interface]: "symbol-interface",
  [vscode.SymbolKind.Function]: "symbol-method",
  [vscode.SymbolKind.Method]: "symbol-method",
  [vscode.SymbolKind.Variable]: "symbol-variable",
  [vscode.SymbolKind.Constant]: "symbol-constant",
  [vscode.SymbolKind.Enum]: "symbol-enum",
  [vscode.SymbolKind.Module]: "symbol-namespace",
};

interface Found {
  name: string;
  kind: vscode.SymbolKind;
  uri: vscode.Uri;
  range: vscode.Range;
}

export async function symbolsOf(query: string, most: number): Promise<Choice[]> {
  const [here, everywhere] = await Promise.all([inTime(ofDocument()), inTime(ofWorkspace(query))]);
  const wanted = query.toLowerCase();
  const seen = new Set<string>();
  return [...here.filter(({ name }) => name.toLowerCase().includes(wanted)), ...everywhere]
    .filter(({ name, uri, range }) => {
      const key = `${name} ${uri} ${range.start.line}`;
      if (seen.has(key) || !/^[\w$.]+/.test(name)) return false;
      seen.add(key);
      return true;
    })
    .slice(0, most)
    .map((symbol) => choice(symbol, wanted));
}

function choice({ name, kind, uri, range }: Found, wanted: string): Choice {
  const short = /^[\w$.]+/.exec(name)?.[0] ?? name;
  const mention = linesMention(uri, [range.start.line + 1, range.end.line + 1], "symbol", short);
  const at = wanted ? name.toLowerCase().indexOf(wanted) : -1;
  const marks = at < 0 ? [] : Array.from({ length: wanted.length }, (_, index) => at + index);
  const detail = `${vscode.workspace.asRelativePath(uri)}:${range.start.line + 1}`;
  return { id: `${uri}#${name}:${range.start.line}`, icon: icons[kind] ?? "symbol-misc", label: name, detail, marks, mention };
}

async function ofDocument(): Promise<Found[]> {
  const document = (vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0])?.document;
  if (document?.uri.scheme !== "file") return [];
  const found = await vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
    "vscode.executeDocumentSymbolProvider",
    document.uri,
  );
  return (found ?? []).flatMap((symbol) => flat(symbol, document.uri));
}

async function ofWorkspace(query: string): Promise<Found[]> {
  if (!query) return [];
  const found = await vscode.commands.executeCommand<vscode.SymbolInformation[] | undefined>(
    "vscode.executeWorkspaceSymbolProvider",
    query,
  );
  return (found ?? [])
    .filter(({ location }) => location.uri.scheme === "file")
    .map(({ name, kind, location }) => ({ name, kind, uri: location.uri, range: location.range }));
}

function flat(symbol: vscode.DocumentSymbol | vscode.SymbolInformation, uri: vscode.Uri): Found[] {
  if ("location" in symbol) return [{ name: symbol.name, kind: symbol.kind, uri, range: symbol.location.range }];
  const { name, kind, range, children } = symbol;
  return [{ name, kind, uri, range }, ...children.flatMap((child) => flat(child, uri))];
}

function inTime(found: Promise<Found[]>): Promise<Found[]> {
  let timer: NodeJS.Timeout;
  const late = new Promise<Found[]>((resolve) => {
    timer = setTimeout(() => resolve([]), patience);
  });
  return Promise.race([found.catch(() => []), late]).finally(() => clearTimeout(timer));
}
