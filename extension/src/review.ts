/**
 * Review of what the agent changed, in the editors of the real files: next and previous, keep, undo and ask, for a change, a file, a turn
 * or all of it, from the keyboard, the palette, the editor's title and the panel. No file has to be open for it, nothing is opened and no
 * keyboard is taken unless the user asked for that, and what is kept or undone is named by ids or files, never by where the cursor was.
 */
import { basename } from "node:path";
import * as vscode from "vscode";
import { sentence, unlinked } from "./log";
import { linesMention } from "./mentions";
import type { Feature, Parts } from "./parts";
import { ReviewEditors } from "./review_editors";
import { ReviewFiles } from "./review_files";
import { counted, type Mark, markAt, type Place, step } from "./review_marks";
import { documentKey, isFile, pathKey, uriKey } from "./review_paths";
import { ReviewTexts } from "./review_texts";
import { changes, type ReviewFile, reviewFile } from "./review_view";
import type { ThreadView, ViewEvent } from "./thread";
import type { HunkChoiceParams, Notification } from "./wire";

type Act = "keep" | "undo";
type Choice = Omit<HunkChoiceParams, "threadId">;

const verbs: Record<Act, string> = { keep: "Keep", undo: "Undo" };

export class Review implements Feature {
  private readonly files: ReviewFiles;
  private readonly editors: ReviewEditors;
  private readonly texts: ReviewTexts;
  private readonly disposables: vscode.Disposable[] = [];
  private told = "";
  private going: Promise<void> = Promise.resolve();

  constructor(private readonly parts: Parts) {
    const { sidecar, log } = parts;
    this.files = new ReviewFiles({
      list: (params) => sidecar.request("treadle/hunk/list", params),
      key: pathKey,
      version: (key) => openDocument(key)?.version,
      changed: (keys) => this.changed(keys),
      failed: (error) => log.warn(`treadle/hunk/list: ${sentence(error)}`),
    });
    this.texts = new ReviewTexts((params) => sidecar.request("treadle/hunk/list", params));
    this.editors = new ReviewEditors(this.files);
    this.disposables.push(
      this.editors,
      this.texts,
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => this.typed(document, contentChanges)),
      vscode.workspace.onDidOpenTextDocument((document) => documentKey(document, this.files) && this.tellPaths()),
    );
  }

  readonly commands: Feature["commands"] = {
    "treadle.review.next": () => this.inTurn(() => this.go(true)),
    "treadle.review.previous": () => this.inTurn(() => this.go(false)),
    "treadle.review.keep": () => this.going.then(() => this.atCursor("keep")),
    "treadle.review.undo": () => this.going.then(() => this.atCursor("undo")),
    "treadle.review.keepFile": (uri) => this.ofFile("keep", uri),
    "treadle.review.undoFile": (uri) => this.ofFile("undo", uri),
    "treadle.review.keepTurn": () => this.pickTurn("keep"),
    "treadle.review.undoTurn": () => this.pickTurn("undo"),
    "treadle.review.keepAll": () => this.settle("keep", {}),
    "treadle.review.undoAll": () => this.settle("undo", {}),
    "treadle.review.open": () => this.show(),
    "treadle.review.openTurn": () => this.pickTurn("open"),
    "treadle.review.peek": (target) => this.peek(target),
    "treadle.review.ask": () => this.ask(undefined),
    "treadle.hunk.ask": (target) => this.ask(target),
  };

  readonly messages: Feature["messages"] = {
    review: ({ act, path, turnId }) => {
      if (act === "open" && path) return this.openAt(path);
      if (act === "open" || act === "changes") return this.show(turnId);
      return this.settle(act, { path, turnId }).catch((error) => this.say(error));
    },
  };

  notified({ method, params }: Notification): void {
    if (method !== "treadle/hunk/changed" || params.threadId !== this.files.threadId) return;
    this.files.want(params.paths as string[]);
  }

  followed({ method }: ViewEvent): void {
    if (method !== "panel/opened" && method !== "panel/closed") return;
    const { id } = this.parts.chat.view;
    // The view may have forgotten what it was told: a thread that is shown again is told of its changes again.
    this.told = "";
    this.files.open(id);
    // Where none is shown, what the last one left can still be decided.
    if (id) this.parts.sidecar.showLenses(id);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private typed(document: vscode.TextDocument, edits: readonly vscode.TextDocumentContentChangeEvent[]): void {
    const key = documentKey(document, this.files);
    if (!key || !edits.length) return;
    const lines = edits.map(({ range: { start, end }, text }) => {
      return { startLine: start.line, startCharacter: start.character, endLine: end.line, text };
    });
    this.files.typed(key, lines);
    this.texts.renew([key]);
  }

  private changed(keys: string[]): void {
    this.editors.draw(keys);
    this.texts.renew(keys);
    this.tellPaths();
    const threadId = this.files.threadId;
    const files = this.files.all().map(({ file }) => reviewFile(file));
    const told = JSON.stringify([threadId, files]);
    if (!threadId || told === this.told) return;
    this.told = told;
    this.parts.chat.receive({ method: "panel/review", params: { threadId, files } });
  }

  /** For the buttons and the keys: whether there is anything, and in which files. */
  private tellPaths(): void {
    const aliases = vscode.workspace.textDocuments.flatMap((document) =>
      documentKey(document, this.files) ? [document.uri.fsPath] : [],
    );
    void vscode.commands.executeCommand("setContext", "treadle.hasHunks", this.files.size > 0);
    void vscode.commands.executeCommand("setContext", "treadle.reviewPaths", [...new Set([...this.files.keys(), ...aliases])]);
  }

  /** Keeps or undoes what is named; a person who undoes in several files at once is asked first, for no single key takes that back. */
  private async settle(act: Act, choice: Choice): Promise<void> {
    const { threadId } = this.files;
    if (!threadId) return;
    const many = choice.ids || choice.path ? [] : this.waiting(choice.turnId ?? undefined);
    if (act === "undo" && many.length > 1 && !(await sure(many, choice.turnId != null))) return;
    const { problems } = await this.parts.sidecar.request(`treadle/hunk/${act}`, { threadId, ...choice });
    this.files.want(choice.path ? [choice.path] : undefined);
    if (problems.length) void vscode.window.showWarningMessage(unlinked(problems.join(" ")));
  }

  private waiting(turnId?: string): ReviewFile[] {
    const files = this.files.all().map(({ file }) => reviewFile(file));
    return turnId ? files.filter((file) => file.turns[turnId]) : files;
  }

  private async atCursor(act: Act): Promise<void> {
    const found = this.cursor();
    if (!found) return nothingHere();
    await this.settle(act, { ids: [found.mark.id], path: found.path });
  }

  /** The change at the cursor of the editor that has it. */
  private cursor(): { path: string; mark: Mark; editor: vscode.TextEditor } | undefined {
    const editor = vscode.window.activeTextEditor;
    const key = editor && documentKey(editor.document, this.files);
    const entry = key === undefined ? undefined : this.files.get(key);
    // What the editor has yet to load has no place in it.
    if (!editor || !entry || entry.ahead) return undefined;
    const mark = markAt(entry.marks, editor.selection.active.line, editor.document.lineCount);
    return mark && { path: entry.file.path, mark, editor };
  }

  private async ofFile(act: Act, given: unknown): Promise<void> {
    const uri = given instanceof vscode.Uri ? given : vscode.window.activeTextEditor?.document.uri;
    const key = uri && uriKey(uri, this.files);
    const path = key ? this.files.get(key)?.file.path : await this.pickFile(act);
    if (path) await this.settle(act, { path });
  }

  private async pickFile(act: Act): Promise<string | undefined> {
    const rows = this.waiting().map((file) => ({
      label: basename(file.path),
      description: vscode.workspace.asRelativePath(file.path),
      detail: `${counted(file.hunks, "change")} (+${file.added} −${file.removed})`,
      path: file.path,
    }));
    if (!rows.length) nothingWaits();
    else return (await vscode.window.showQuickPick(rows, { placeHolder: `${verbs[act]} the changes of which file?` }))?.path;
    return undefined;
  }

  private async pickTurn(act: Act | "open"): Promise<void> {
    const { turns } = this.parts.chat.view;
    const ids = new Set(this.waiting().flatMap((file) => Object.keys(file.turns)));
    const rows = turns.flatMap((turn) => (ids.has(turn.id) ? [turnRow(turn, this.waiting(turn.id))] : [])).reverse();
    if (!rows.length) return nothingWaits();
    const placeHolder = act === "open" ? "Review the changes of which turn?" : `${verbs[act]} the changes of which turn?`;
    const chosen = rows.length === 1 ? rows[0] : await vscode.window.showQuickPick(rows, { placeHolder });
    if (!chosen) return;
    if (act === "open") await this.show(chosen.id);
    else await this.settle(act, { turnId: chosen.id });
  }

  /** Of a turn, or of all that waits: every file in one view. */
  private async show(turnId?: string): Promise<void> {
    const { threadId } = this.files;
    if (!threadId) return nothingWaits();
    const { files } = await this.parts.sidecar.request("treadle/hunk/list", { threadId, ...(turnId && { turnId }) });
    if (!files.length) return nothingWaits();
    const title = turnId ? "Treadle: Changes of a Turn" : "Treadle: Changes to Review";
    await this.texts.showAll(title, files, { threadId, ...(turnId && { turnId }) });
  }

  /** Keys come faster than editors open: each step begins where the one before it ended. */
  private inTurn(walk: () => Promise<void>): Promise<void> {
    const walked = this.going.then(walk);
    this.going = walked.catch(() => undefined);
    return walked;
  }

  /** The user asked for it: the next change has the keyboard, in its file. */
  private async go(forward: boolean): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const key = editor && documentKey(editor.document, this.files);
    // A file that is gone has no place to go to; it is in the view of all files.
    const there = this.files.all().filter(({ file }) => file.kind !== "delete");
    const files = there.map(({ file, marks }) => ({ path: file.path, marks }));
    const path = key && this.files.get(key)?.file.path;
    const next = step(files, path ? { path, line: editor.selection.active.line } : null, forward);
    if (next) await this.reveal(next);
    else nothingWaits();
  }

  private async openAt(path: string): Promise<void> {
    const entry = this.files.get(pathKey(path));
    const mark = entry?.marks[0];
    if (entry?.file.kind === "delete") await this.show();
    else if (entry && mark) await this.reveal({ path: entry.file.path, mark });
  }

  private async reveal({ path, mark }: Place): Promise<void> {
    const uri = vscode.Uri.file(path);
    const document = await Promise.resolve(vscode.workspace.openTextDocument(uri)).catch(() => undefined);
    // What is no text has an editor of its own, and no lines.
    if (!document) return void (await vscode.commands.executeCommand("vscode.open", uri));
    const line = Math.min(mark.start, document.lineCount - 1);
    const at = new vscode.Position(line, 0);
    const editor = await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at), preview: true });
    editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  private async peek(target: unknown): Promise<void> {
    const found = this.named(target) ?? this.cursor();
    const key = found && pathKey(found.path);
    const entry = key === undefined ? undefined : this.files.get(key);
    const { threadId } = this.files;
    if (!found || !entry || !threadId) return nothingHere();
    const document = openDocument(key as string);
    const line = Math.min(found.mark.start, (document?.lineCount ?? 1) - 1);
    await this.texts.peek(document?.uri ?? vscode.Uri.file(found.path), line, entry, found.mark.id, { threadId });
  }

  /** Says where the change is, in the composer; what to ask of it is the user's to write. */
  private async ask(target: unknown): Promise<void> {
    const found = this.named(target) ?? this.cursor();
    if (!found) return nothingHere();
    const { start, end } = found.mark;
    this.parts.panel.mention(linesMention(vscode.Uri.file(found.path), [start + 1, Math.max(start + 1, end)]));
    await this.parts.panel.show();
  }

  /** What a lens or a link of ours names. */
  private named(target: unknown): { path: string; mark: Mark } | undefined {
    const { uri, ids } = (target ?? {}) as { uri?: unknown; ids?: unknown };
    if (typeof uri !== "string" || !Array.isArray(ids)) return undefined;
    const key = uriKey(vscode.Uri.parse(uri), this.files);
    const entry = key === undefined ? undefined : this.files.get(key);
    const mark = entry?.marks.find((one) => one.id === ids[0]);
    return entry && mark && { path: entry.file.path, mark };
  }

  private say(error: unknown): void {
    this.parts.log.error(`review: ${error}`);
    void vscode.window.showErrorMessage(unlinked(`Treadle: ${sentence(error)}`));
  }
}

function turnRow(turn: ThreadView["turns"][number], files: ReviewFile[]): vscode.QuickPickItem & { id: string } {
  const message = turn.items.find((entry) => entry.item.type === "userMessage")?.item;
  const parts = message?.type === "userMessage" ? message.content : [];
  const text = parts.map((part) => ("text" in part ? part.text : "")).join(" ");
  return { id: turn.id, label: text.split("\n")[0]?.slice(0, 80) || "A turn", description: counted(files.length, "file") };
}

async function sure(files: ReviewFile[], ofTurn: boolean): Promise<boolean> {
  const what = `${counted(changes(files), "change")} in ${counted(files.length, "file")}`;
  const message = ofTurn ? `Undo what this turn changed: ${what}?` : `Undo everything that waits for review: ${what}?`;
  const detail = "What you have written yourself stays.";
  return (await vscode.window.showWarningMessage(message, { modal: true, detail }, "Undo")) === "Undo";
}

function openDocument(key: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "file" && isFile(uri, key));
}

function nothingHere(): void {
  vscode.window.setStatusBarMessage("There is no change of Treadle's at the cursor.", 4_000);
}

function nothingWaits(): void {
  vscode.window.setStatusBarMessage("No changes of Treadle's wait for review.", 4_000);
}
