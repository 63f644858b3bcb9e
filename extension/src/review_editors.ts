/**
 * Draws the agent's changes into the editors of the real files: added and changed lines, a thin mark where lines were taken out, and on
 * hover what they were. It writes nothing into a buffer, shows and hides no editor, and leaves diffs alone: those show changes themselves.
 */
import * as vscode from "vscode";
import type { Reviewed, ReviewFiles } from "./review_files";
import { type Mark, removedBlock } from "./review_marks";
import { documentKey } from "./review_paths";

type Kind = "added" | "changed" | "removed" | "removedAtEnd";

/** Our own commands; nothing that a model or a file says becomes a link. */
const hoverCommands = ["treadle.hunk.keep", "treadle.hunk.undo", "treadle.hunk.ask", "treadle.review.peek"];

export class ReviewEditors implements vscode.Disposable {
  private readonly kinds: Record<Kind, vscode.TextEditorDecorationType>;
  private readonly drawn = new WeakSet<vscode.TextEditor>();
  private readonly disposables: vscode.Disposable[] = [];

  constructor(private readonly files: ReviewFiles) {
    this.kinds = {
      added: lines("added"),
      changed: lines("modified"),
      removed: place("1px 0 0 0"),
      removedAtEnd: place("0 0 1px 0"),
    };
    this.disposables.push(
      ...Object.values(this.kinds),
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
      // Whether an editor belongs to a diff is known when its tab is.
      vscode.window.tabGroups.onDidChangeTabs(() => this.draw()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("treadle.review")) this.draw();
      }),
    );
  }

  /** Those of these files; without, all that can be seen. */
  draw(keys?: readonly string[]): void {
    const on = vscode.workspace.getConfiguration("treadle").get("review.decorations", true);
    for (const editor of vscode.window.visibleTextEditors) {
      const key = documentKey(editor.document, this.files);
      if (keys && key !== undefined && !keys.includes(key)) continue;
      const reviewed = on && key !== undefined && isPlain(editor) ? this.files.get(key) : undefined;
      if (reviewed?.ahead) continue;
      if (reviewed) this.put(editor, reviewed);
      else if (this.drawn.delete(editor)) for (const kind of Object.values(this.kinds)) editor.setDecorations(kind, []);
    }
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private put(editor: vscode.TextEditor, reviewed: Reviewed): void {
    const { document } = editor;
    const found: Record<Kind, vscode.DecorationOptions[]> = { added: [], changed: [], removed: [], removedAtEnd: [] };
    for (const mark of reviewed.marks) {
      const last = document.lineCount - 1;
      const kind = mark.kind === "removed" && mark.start > last ? "removedAtEnd" : mark.kind;
      const start = Math.min(mark.start, last);
      const end = Math.min(Math.max(mark.start, mark.end - 1), last);
      const range = new vscode.Range(start, 0, end, document.lineAt(end).text.length);
      found[kind].push({ range, hoverMessage: hover(document, mark, reviewed, this.files.threadId) });
    }
    for (const [kind, options] of Object.entries(found)) editor.setDecorations(this.kinds[kind as Kind], options);
    this.drawn.add(editor);
  }
}

/** An editor of its own, not one side of a diff. */
function isPlain(editor: vscode.TextEditor): boolean {
  if (editor.viewColumn === undefined) return false;
  const group = vscode.window.tabGroups.all.find((one) => one.viewColumn === editor.viewColumn);
  const input = group?.activeTab?.input;
  return input instanceof vscode.TabInputText && input.uri.toString() === editor.document.uri.toString();
}

function lines(name: "added" | "modified"): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("diffEditor.insertedLineBackground"),
    borderColor: new vscode.ThemeColor(`editorGutter.${name}Background`),
    borderStyle: "solid",
    borderWidth: "0 0 0 3px",
    // Themes of high contrast have no backgrounds for this, and others no such colour.
    outlineColor: new vscode.ThemeColor("diffEditor.insertedTextBorder"),
    outlineStyle: "dashed",
    outlineWidth: "1px",
    overviewRulerColor: new vscode.ThemeColor(`editorOverviewRuler.${name}Foreground`),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function place(borderWidth: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    borderColor: new vscode.ThemeColor("editorGutter.deletedBackground"),
    borderStyle: "solid",
    borderWidth,
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.deletedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

function hover(document: vscode.TextDocument, mark: Mark, { file }: Reviewed, threadId: string | null): vscode.MarkdownString[] {
  const { hunk } = mark;
  const found: vscode.MarkdownString[] = [];
  if (hunk.removed.length) {
    found.push(new vscode.MarkdownString(hunk.lines ? "Before Treadle's change:" : "Treadle took out:"));
    found.push(new vscode.MarkdownString(removedBlock(hunk, document.languageId)));
  } else {
    found.push(new vscode.MarkdownString(hunk.whole ? "Treadle wrote this file." : "Treadle added this."));
  }
  const given = encodeURIComponent(JSON.stringify([{ uri: document.uri.toString(), threadId, ids: [hunk.id] }]));
  const link = (word: string, command: string) => `[${word}](command:${command}?${given} "${word}")`;
  const ways = [link("Keep", "treadle.hunk.keep")];
  if (!file.omitted) ways.push(link("Undo", "treadle.hunk.undo"));
  ways.push(link("Ask", "treadle.hunk.ask"));
  if (hunk.removed.length) ways.push(link("Peek", "treadle.review.peek"));
  const links = new vscode.MarkdownString(ways.join(" · "));
  links.isTrusted = { enabledCommands: hoverCommands };
  return [...found, links];
}
