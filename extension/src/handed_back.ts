/**
 * Hands problems back that appear in files which the agent has just edited. While its turn runs, the sidecar is told and tells the model;
 * when it is over, the panel says how many there are. It opens no tab, and what was wrong before the edit is not the agent's.
 */
import * as vscode from "vscode";
import { codeOf, say } from "./editor_words";
import { sentence } from "./log";
import type { PanelState } from "./messages";
import type { Feature, Parts } from "./parts";
import * as problems from "./problems";
import { runningTurn, type ViewEvent } from "./thread";
import type { EditorProblem, FileUpdateChange, Notification } from "./wire";

const quiet = 400;
/** After its end a turn's files are watched for so long: language servers are slow. */
const patience = 20_000;
const mostFiles = 50;
const mostOpened = 20;
const mostBytes = 1_000_000;
const mostRounds = 3;
const severities = ["error", "warning", "information", "hint"] as const;

interface Touched {
  before: problems.Known;
  /** Where the edit was, when nothing is known of what was wrong before; null: everywhere. */
  lines: [number, number][] | null;
}

interface Watched {
  threadId: string;
  turnId: string;
  running: boolean;
  files: Map<string, Touched>;
  /** By file and problem: what the sidecar has taken, and whether the model was told. */
  taken: Map<string, "taken" | "told">;
}

export class HandedBack implements Feature {
  private turn: Watched | undefined;
  /** Whose turn was watched last, and whose problems those are that are told of. */
  private threadId: string | null = null;
  private fresh: EditorProblem[] = [];
  private timer: NodeJS.Timeout | undefined;
  private forgetting: NodeJS.Timeout | undefined;
  private opened = 0;
  private rounds = 0;
  private automatic = false;
  private readonly watching: vscode.Disposable;

  constructor(private readonly parts: Parts) {
    this.watching = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
      if (this.turn && uris.some((uri) => this.turn?.files.has(uri.fsPath))) this.soon();
      else if (this.fresh.length) this.recount();
    });
  }

  readonly commands = { "treadle.fixNewProblems": () => this.fix() };

  readonly messages: Feature["messages"] = {
    newProblems: ({ act }) => (act === "fix" ? this.fix() : act === "show" ? this.show() : this.forget()),
  };

  panelState(): Partial<PanelState> {
    return { newProblems: this.fresh.length ? problems.words(this.fresh) : null };
  }

  notified({ method, params }: Notification): void {
    if (what() === "off" || params.threadId !== this.parts.chat.view.id) return;
    const item = params.item as { type?: string; changes?: FileUpdateChange[]; status?: string } | undefined;
    if (method === "turn/started") this.began(String(params.threadId), (params.turn as { id: string }).id);
    else if (method === "item/fileChange/patchUpdated") this.edits((params.changes as FileUpdateChange[] | undefined) ?? []);
    else if (method.startsWith("item/") && item?.type === "fileChange") this.edits(item.changes ?? []);
    else if (method === "treadle/hunk/changed") this.changedByCommand((params.paths as string[] | undefined) ?? []);
    else if (method === "treadle/diagnostics/told") this.told(params.problems as EditorProblem[]);
    else if (method === "turn/completed") this.ended(params.turn as { id: string; status: string });
  }

  /** Another thread is shown now: it has nothing to do with what the one before it has done, and must not be told to mend it. */
  followed({ method }: ViewEvent): void {
    if (method !== "panel/opened" && method !== "panel/closed") return;
    if (this.threadId === null || this.parts.chat.view.id === this.threadId) return;
    clearTimeout(this.timer);
    clearTimeout(this.forgetting);
    this.turn = undefined;
    this.threadId = null;
    if (this.fresh.length) this.forget();
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.forgetting);
    this.watching.dispose();
  }

  private began(threadId: string, turnId: string): void {
    clearTimeout(this.forgetting);
    this.opened = 0;
    if (!this.automatic) this.rounds = 0;
    this.automatic = false;
    this.threadId = threadId;
    this.turn = { threadId, turnId, running: true, files: new Map(), taken: new Map() };
    if (this.fresh.length) this.forget();
  }

  /** Told before the edit is written, as the model writes it, and once more when it is done. */
  private edits(changes: readonly FileUpdateChange[]): void {
    for (const { path, diff } of changes.slice(0, mostFiles)) {
      const file = this.touch(path);
      if (file?.lines) file.lines = problems.changedLines(diff);
    }
    this.soon();
  }

  private changedByCommand(paths: readonly string[]): void {
    for (const path of paths.slice(0, mostFiles)) {
      // what a file held that nobody has open is not known: its problems may be old ones
      if (this.turn?.running && isOpen(path)) this.touch(path);
    }
    this.soon();
  }

  private touch(path: string): Touched | undefined {
    const { turn } = this;
    if (!turn?.running || turn.files.size >= mostFiles) return undefined;
    const name = vscode.Uri.file(path).fsPath;
    const known = turn.files.get(name);
    if (known) return known;
    const open = isOpen(name);
    const file: Touched = { before: problems.known(problemsOf(name)), lines: open ? null : [] };
    turn.files.set(name, file);
    if (!open) void this.open(name);
    return file;
  }

  /** Language servers look at what is open: as a document, without a tab. */
  private async open(path: string): Promise<void> {
    if (this.opened >= mostOpened) return;
    this.opened += 1;
    const uri = vscode.Uri.file(path);
    const stat = await vscode.workspace.fs.stat(uri).then(
      (there) => there,
      () => null,
    );
    if (stat && stat.size <= mostBytes) await vscode.workspace.openTextDocument(uri).then(undefined, () => undefined);
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look().catch((error) => this.parts.log.warn(`problems: ${sentence(error)}`)), quiet);
  }

  private async look(): Promise<void> {
    const { turn } = this;
    if (!turn) return;
    await Promise.all([...turn.files.keys()].filter((path) => !isOpen(path)).map((path) => this.open(path)));
    const found = this.found(turn);
    const news = found.filter((problem) => !turn.taken.has(keyOf(problem))).slice(0, problems.mostReported);
    if (turn.running && news.length) {
      const { threadId, turnId } = turn;
      const sent = { threadId, turnId, problems: news.map(problems.bounded) };
      const { taken } = await this.parts.sidecar.request("treadle/diagnostics/report", sent);
      if (taken) for (const problem of news) if (!turn.taken.has(keyOf(problem))) turn.taken.set(keyOf(problem), "taken");
    }
    if (!turn.running && turn === this.turn) this.leave(turn);
  }

  private told(told: readonly EditorProblem[]): void {
    for (const problem of told) this.turn?.taken.set(keyOf(problem), "told");
  }

  private ended({ id, status }: { id: string; status: string }): void {
    const { turn } = this;
    if (!turn || turn.turnId !== id) return;
    turn.running = false;
    if (!turn.files.size || status !== "completed") {
      this.turn = undefined;
      return;
    }
    this.soon();
    this.forgetting = setTimeout(() => {
      if (this.turn === turn) this.turn = undefined;
    }, patience);
  }

  /** What the model was not told: the user is. What it was told and left is between the two of them. */
  private leave(turn: Watched): void {
    const fresh = this.found(turn).filter((problem) => turn.taken.get(keyOf(problem)) !== "told");
    if (JSON.stringify(fresh) === JSON.stringify(this.fresh)) return;
    this.set(fresh);
    const automatic = vscode.workspace.getConfiguration("treadle").get<string>("fixNewProblems") === "automatic";
    if (!automatic || !fresh.length || this.rounds >= mostRounds || runningTurn(this.parts.chat.view)) return;
    this.rounds += 1;
    void this.fix(true).catch((error) => this.parts.log.warn(`problems: ${sentence(error)}`));
  }

  private found(turn: Watched): EditorProblem[] {
    return [...turn.files].flatMap(([path, { before, lines }]) =>
      problems
        .fresh(before, problemsOf(path))
        .filter((problem) => problems.wanted(problem, what()) && problems.touches(lines, problem.line)),
    );
  }

  /** What is gone needs nobody to mend it. */
  private recount(): void {
    const there = new Set([...new Set(this.fresh.map(({ path }) => path))].flatMap(problemsOf).map(keyOf));
    const left = this.fresh.filter((problem) => there.has(keyOf(problem)));
    if (left.length !== this.fresh.length) this.set(left);
  }

  private async fix(automatic = false): Promise<void> {
    const fresh = this.fresh.slice(0, problems.mostReported).map(problems.bounded);
    if (!fresh.length) return;
    // They are in hand now: what the editor says of them before the next turn begins is no news.
    if (!this.turn?.running) this.turn = undefined;
    const { threadId } = this;
    const { text } = await this.parts.sidecar.request("treadle/action/words", { action: "problems", problems: fresh });
    if (automatic && threadId !== this.threadId) return; // meanwhile the user has gone to another thread
    this.automatic = automatic;
    this.forget();
    if (automatic) await this.parts.chat.send(text, { later: true });
    else await say(this.parts, text);
  }

  private async show(): Promise<void> {
    const [first] = this.fresh;
    if (!first) return;
    const at = new vscode.Position(first.line - 1, (first.column ?? 1) - 1);
    await vscode.window.showTextDocument(vscode.Uri.file(first.path), { selection: new vscode.Range(at, at) });
    await vscode.commands.executeCommand("workbench.actions.view.problems");
  }

  private forget(): void {
    this.set([]);
  }

  private set(fresh: EditorProblem[]): void {
    this.fresh = fresh;
    void vscode.commands.executeCommand("setContext", "treadle.hasNewProblems", fresh.length > 0);
    this.parts.panel.refresh();
  }
}

function what(): problems.HandBack {
  return vscode.workspace.getConfiguration("treadle").get<problems.HandBack>("handBackDiagnostics", "errors");
}

function keyOf(problem: EditorProblem): string {
  return `${problem.path} ${problems.keyOf(problem)}`;
}

function isOpen(path: string): boolean {
  return vscode.workspace.textDocuments.some(({ uri }) => uri.scheme === "file" && uri.fsPath === path);
}

function problemsOf(path: string): EditorProblem[] {
  return vscode.languages
    .getDiagnostics(vscode.Uri.file(path))
    .filter(({ source }) => source !== "Treadle review")
    .map(({ range, severity, source, code, message }) => ({
      path,
      line: range.start.line + 1,
      column: range.start.character + 1,
      severity: severities[severity] ?? "error",
      source: source ?? "",
      code: codeOf(code) ?? "",
      message,
    }));
}
