/**
 * Writes the commit message into Git's box: of what is staged, or else of all that changed. It can be stopped, it never takes away words
 * of the user, and it starts nothing: the sidecar asks a model that has no tools.
 */
import { relative } from "node:path";
import * as vscode from "vscode";
import { addedFile, merged, mostDiff, subjects } from "./commit_words";
import { newFiles, type Repository, repository } from "./git";
import { sentence, unlinked } from "./log";
import type { Feature, Parts } from "./parts";

const writing = "treadle.writingCommitMessage";
const mostNew = 30;
const mostBytes = 100_000;

export class CommitMessage implements Feature {
  private stopping: vscode.CancellationTokenSource | undefined;

  constructor(private readonly parts: Parts) {}

  readonly commands = {
    "treadle.writeCommitMessage": (from?: unknown) => this.write(from),
    "treadle.stopCommitMessage": () => this.stopping?.cancel(),
  };

  dispose(): void {
    this.stopping?.cancel();
  }

  private async write(from: unknown): Promise<void> {
    if (this.stopping) return;
    const stopping = new vscode.CancellationTokenSource();
    this.stopping = stopping;
    await vscode.commands.executeCommand("setContext", writing, true);
    try {
      const found = await repository(from);
      if (!found) return;
      await vscode.window.withProgress({ location: vscode.ProgressLocation.SourceControl }, () =>
        this.fill(found, stopping.token),
      );
    } catch (error) {
      if (!stopping.token.isCancellationRequested) {
        this.parts.log.error(`commit message: ${sentence(error)}`);
        void vscode.window.showErrorMessage(unlinked(`Treadle cannot write the commit message: ${sentence(error)}`));
      }
    } finally {
      this.stopping = undefined;
      stopping.dispose();
      await vscode.commands.executeCommand("setContext", writing, false);
    }
  }

  private async fill(found: Repository, stop: vscode.CancellationToken): Promise<void> {
    const { sidecar, log } = this.parts;
    const diff = await changes(found);
    if (!diff.trim()) throw new Error("there are no changes to write about.");
    const last = await found.log({ maxEntries: 12 }).catch(() => []);
    const model = vscode.workspace.getConfiguration("treadle", found.rootUri).get("model", "").trim() || null;
    const params = {
      diff: diff.slice(0, mostDiff),
      subjects: subjects(last.map(({ message }) => message)),
      begun: found.inputBox.value,
      cwd: found.rootUri.fsPath,
      model,
    };
    const { message, leftOut } = await sidecar.request("treadle/commitMessage", params, stop);
    if (stop.isCancellationRequested) return;
    found.inputBox.value = merged(message, found.inputBox.value);
    if (leftOut.length) log.info(`The model was not shown: ${leftOut.join(", ")}`);
  }
}

/** What the next commit would hold: what is staged, or all of it as "commit all" takes it. */
async function changes(found: Repository): Promise<string> {
  if (found.state.indexChanges.length) return found.diff(true);
  const parts = [await found.diff(false)];
  for (const uri of newFiles(found).slice(0, mostNew)) parts.push(await added(uri, found));
  return parts.join("");
}

async function added(uri: vscode.Uri, { rootUri }: Repository): Promise<string> {
  const path = relative(rootUri.fsPath, uri.fsPath).replaceAll("\\", "/");
  try {
    const { size, type } = await vscode.workspace.fs.stat(uri);
    if (type !== vscode.FileType.File || size > mostBytes) return addedFile(path, "[too long to be shown]");
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    return addedFile(path, text.includes("\0") ? "[not text]" : text);
  } catch {
    return "";
  }
}
