/** VS Code's own git extension, as far as Treadle asks it: which repository a file is in, what has changed, the box for the message. */
import * as vscode from "vscode";

/** Of the API of `vscode.git`, version 1. */
export interface Repository {
  readonly rootUri: vscode.Uri;
  readonly inputBox: { value: string };
  readonly state: {
    readonly indexChanges: Change[];
    readonly workingTreeChanges: Change[];
    readonly untrackedChanges?: Change[];
    readonly HEAD: { readonly name?: string } | undefined;
  };
  diff(cached?: boolean): Promise<string>;
  log(options?: { maxEntries?: number }): Promise<{ hash: string; message: string; authorDate?: Date }[]>;
  getBranches?(query: { remote?: boolean }): Promise<{ name?: string }[]>;
}

interface Change {
  readonly uri: vscode.Uri;
  readonly status: number;
}

/** Of the API's Status. */
const untracked = 7;

interface Api {
  readonly state: "uninitialized" | "initialized";
  readonly onDidChangeState: vscode.Event<unknown>;
  readonly repositories: Repository[];
  getRepository(uri: vscode.Uri): Repository | null;
}

const patience = 10_000;

async function api(): Promise<Api> {
  const git = vscode.extensions.getExtension<{ getAPI(version: 1): Api }>("vscode.git");
  if (!git) throw new Error("VS Code's Git extension is not enabled.");
  const found = (await git.activate()).getAPI(1);
  await looked(found);
  return found;
}

/** VS Code begins to look for repositories when its window is there: until it has looked, there only seems to be none. */
async function looked({ state, repositories, onDidChangeState }: Api): Promise<void> {
  if (state === "initialized" || repositories.length) return;
  await new Promise<void>((done) => {
    const timer = setTimeout(end, patience);
    const heard = onDidChangeState(end);
    function end(): void {
      clearTimeout(timer);
      heard.dispose();
      done();
    }
  });
}

/** The repository that was clicked on, that of the file in front, or the only one; several are asked about. */
export async function repository(from?: unknown): Promise<Repository | undefined> {
  const { repositories, getRepository } = await api();
  const root = (from as { rootUri?: vscode.Uri } | undefined)?.rootUri;
  const given = root && repositories.find((one) => one.rootUri.toString() === root.toString());
  if (given) return given;
  const shown = vscode.window.activeTextEditor?.document.uri;
  const around = shown?.scheme === "file" ? getRepository(shown) : null;
  if (around || repositories.length < 2) {
    const only = around ?? repositories[0];
    if (!only) throw new Error("There is no Git repository in this window.");
    return only;
  }
  const items = repositories.map((one) => ({ label: vscode.workspace.asRelativePath(one.rootUri), one }));
  return (await vscode.window.showQuickPick(items, { placeHolder: "Which repository?" }))?.one;
}

/** Files that git does not know yet. */
export function newFiles({ state }: Repository): vscode.Uri[] {
  const all = [...state.workingTreeChanges.filter(({ status }) => status === untracked), ...(state.untrackedChanges ?? [])];
  return [...new Map(all.map(({ uri }) => [uri.toString(), uri])).values()];
}
