/**
 * "Apply" on a block of code: where to, the difference in the diff editor, and only after a yes the edit. It never guesses silently:
 * the user sees which file and which lines. A file that was changed since the difference was shown is not written over.
 */
import * as vscode from "vscode";
import { type Target, targets, withText } from "./apply_targets";
import { unlinked } from "./log";
import type { Feature, Parts } from "./parts";

const scheme = "treadle-apply";

interface Waiting {
  target: Target;
  text: string;
  version: number | null;
  after: vscode.Uri;
}

export class ApplyCode implements Feature, vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  private waiting: Waiting | undefined;
  private number = 0;

  constructor(private readonly parts: Pick<Parts, "chat">) {}

  readonly messages: Feature["messages"] = { apply: ({ text, path }) => this.propose(text, path) };

  readonly commands = {
    "treadle.applyCode": () => this.decide(this.waiting, true),
    "treadle.discardCode": () => this.decide(this.waiting, false),
  };

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  dispose(): void {
    this.registration.dispose();
  }

  private async propose(code: string, path: string | null): Promise<void> {
    const found = await targets(path, this.parts.chat.view.cwd);
    const options = { title: "Apply Code", placeHolder: "Where to? You see the difference before anything is written." };
    const target = found.length > 1 || !path ? await vscode.window.showQuickPick(found, options) : found[0];
    const chosen = await target?.locate();
    if (!chosen) return;
    const document = chosen.exists ? await vscode.workspace.openTextDocument(chosen.uri) : null;
    const before = document?.getText() ?? "";
    const text = withText(before, chosen, code);
    if (this.waiting) await this.decide(this.waiting, false); // one question at a time
    if (text === before) {
      void vscode.window.showInformationMessage(`${nameOf(chosen)} has this code already.`);
      return;
    }
    await this.show({ target: chosen, text, version: document?.version ?? null, after: this.uri(chosen, "after", text) });
  }

  private async show(waiting: Waiting): Promise<void> {
    const { target, after } = waiting;
    const name = nameOf(target);
    const left = target.exists ? target.uri : this.uri(target, "before", "");
    this.waiting = waiting;
    await vscode.commands.executeCommand("vscode.diff", left, after, `${name}: apply this code?`, { preview: true });
    const answer = await vscode.window.showInformationMessage(`Apply this code to ${name}?`, "Apply", "Discard");
    if (answer) await this.decide(waiting, answer === "Apply");
  }

  /** The buttons of the question and those of the diff's title mean the same; the first answer counts. */
  private async decide(waiting: Waiting | undefined, yes: boolean): Promise<void> {
    if (!waiting || waiting !== this.waiting) return;
    this.waiting = undefined;
    await close(waiting.after);
    if (yes && !(await write(waiting))) {
      const name = nameOf(waiting.target);
      void vscode.window.showWarningMessage(
        `${name} was changed meanwhile, so nothing was written. Apply again to see the new difference.`,
      );
    }
    if (!this.waiting) this.texts.clear(); // else another one is shown by now
  }

  private uri(target: Target, side: string, text: string): vscode.Uri {
    this.number += 1;
    const uri = target.uri.with({ scheme, query: `${side}${this.number}` });
    this.texts.set(uri.toString(), text);
    return uri;
  }
}

/** For a question: where it is, and no link of it. */
function nameOf({ uri }: Target): string {
  return unlinked(vscode.workspace.asRelativePath(uri));
}

async function write({ target, text, version }: Waiting): Promise<boolean> {
  const edit = new vscode.WorkspaceEdit();
  if (version === null) edit.createFile(target.uri, { overwrite: false, contents: new TextEncoder().encode(text) });
  const document = version === null ? null : await vscode.workspace.openTextDocument(target.uri);
  if (document && document.version !== version) return false;
  const clean = document && !document.isDirty;
  if (document) edit.replace(target.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
  if (!(await vscode.workspace.applyEdit(edit))) return false;
  // A file with unsaved words of the user's own is left for them to save.
  if (clean) await document.save();
  await vscode.window.showTextDocument(target.uri, { preview: true, preserveFocus: true });
  return true;
}

async function close(after: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const ours = tabs.filter(
    ({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === after.toString(),
  );
  if (ours.length) await vscode.window.tabGroups.close(ours, true);
}
