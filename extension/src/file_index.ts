/**
 * The files of the workspace, for mentions: as VS Code finds them, without what files.exclude and search.exclude hide. Kept until a
 * file comes or goes, then read anew behind what is shown; nobody waits for it but the very first. Bounded.
 */
import * as vscode from "vscode";
import { Ranking } from "./ranking";

const mostFiles = 50_000;
const notSooner = 2_000;

export class FileIndex implements vscode.Disposable {
  private known: Promise<Ranking> | undefined;
  private reading = false;
  private stale = false;
  private readAt = 0;
  private watcher: vscode.Disposable | undefined;

  /** What is known now; a newer list may be on its way. */
  files(): Promise<Ranking> {
    this.watcher ??= this.watch();
    if (!this.known) this.known = this.read();
    else if (this.stale && !this.reading && Date.now() - this.readAt > notSooner) this.renew();
    return this.known;
  }

  dispose(): void {
    this.watcher?.dispose();
  }

  private renew(): void {
    void this.read().then((ranking) => {
      this.known = Promise.resolve(ranking);
    });
  }

  private async read(): Promise<Ranking> {
    this.reading = true;
    this.stale = false;
    try {
      const found = await vscode.workspace.findFiles("**/*", hidden(), mostFiles);
      return new Ranking(found.map((uri) => vscode.workspace.asRelativePath(uri)).sort());
    } catch {
      return new Ranking([]);
    } finally {
      this.reading = false;
      this.readAt = Date.now();
    }
  }

  private watch(): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher("**/*", false, true, false);
    const spoil = () => {
      this.stale = true;
    };
    const others = vscode.workspace.onDidChangeWorkspaceFolders(spoil);
    const settings = vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("files.exclude") || change.affectsConfiguration("search.exclude")) spoil();
    });
    return vscode.Disposable.from(watcher, watcher.onDidCreate(spoil), watcher.onDidDelete(spoil), others, settings);
  }
}

/** Both kinds of exclusion as one pattern: findFiles by itself heeds only the first. */
function hidden(): string | undefined {
  const read = (section: string) =>
    vscode.workspace.getConfiguration(section).get<Record<string, boolean | { when: string }>>("exclude", {});
  const patterns = Object.entries({ ...read("files"), ...read("search") })
    .filter(([pattern, on]) => on === true && !pattern.includes("{"))
    .map(([pattern]) => pattern);
  return patterns.length ? `{${patterns.join(",")}}` : undefined;
}
