/**
 * Draws findings in the editors: as comments at their lines, or as problems, as the setting says. They follow the user's typing, since
 * VS Code moves them. It opens nothing by itself and changes no setting of the user's; what is clicked is told to whoever made it.
 */
import * as vscode from "vscode";
import { body, type ChangesReview, type Finding, isOpen } from "./findings";

const author = "Treadle";
const severities = [
  vscode.DiagnosticSeverity.Error,
  vscode.DiagnosticSeverity.Error,
  vscode.DiagnosticSeverity.Warning,
  vscode.DiagnosticSeverity.Information,
];

export class FindingComments implements vscode.Disposable {
  private controller: vscode.CommentController | undefined;
  private readonly threads = new Map<string, vscode.CommentThread>();
  private readonly problems = vscode.languages.createDiagnosticCollection("treadle-review");

  /** Which finding a comment is of. */
  idOf(thread: unknown): string | undefined {
    return [...this.threads].find(([, one]) => one === thread)?.[0];
  }

  draw(review: ChangesReview | null): void {
    const asProblems = vscode.workspace.getConfiguration("treadle").get<string>("reviewFindings") === "problems";
    const open = review?.findings.filter(isOpen) ?? [];
    this.drawProblems(asProblems ? open : []);
    this.drawComments(asProblems ? [] : open);
  }

  /** To the lines of a finding, because the user asked. */
  async show(finding: Finding): Promise<void> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(finding.path));
    const thread = this.threads.get(finding.id);
    const range = thread?.range ?? rangeOf(finding, document);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(range.start, range.start), preview: true });
    if (thread) thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
  }

  dispose(): void {
    this.controller?.dispose();
    this.problems.dispose();
  }

  private drawProblems(open: readonly Finding[]): void {
    this.problems.clear();
    for (const path of new Set(open.map((one) => one.path))) {
      const here = open.filter((one) => one.path === path);
      this.problems.set(vscode.Uri.file(path), here.map(problem));
    }
  }

  private drawComments(open: readonly Finding[]): void {
    for (const [id, thread] of this.threads) {
      if (open.some((one) => one.id === id)) continue;
      thread.dispose();
      this.threads.delete(id);
    }
    if (!open.length) {
      // Without comments the view of comments is the user's alone.
      this.controller?.dispose();
      this.controller = undefined;
      return;
    }
    this.controller ??= vscode.comments.createCommentController("treadle.findings", "Treadle Review");
    for (const finding of open) {
      const thread = this.threads.get(finding.id) ?? this.comment(this.controller, finding);
      thread.label = label(finding);
    }
  }

  private comment(controller: vscode.CommentController, finding: Finding): vscode.CommentThread {
    const text = new vscode.MarkdownString(body(finding));
    const mode = vscode.CommentMode.Preview;
    const comment: vscode.Comment = { author: { name: author }, body: text, mode };
    const thread = controller.createCommentThread(vscode.Uri.file(finding.path), rangeOf(finding), [comment]);
    thread.canReply = false;
    thread.contextValue = "finding";
    thread.state = vscode.CommentThreadState.Unresolved;
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Collapsed;
    this.threads.set(finding.id, thread);
    return thread;
  }
}

function label({ priority, title, state }: Finding): string {
  return `P${priority} · ${title}${state === "fixing" ? " (being fixed)" : ""}`;
}

function problem(finding: Finding): vscode.Diagnostic {
  const made = new vscode.Diagnostic(rangeOf(finding), `${finding.title}\n${finding.body}`, severities[finding.priority] ?? 2);
  made.source = "Treadle review";
  made.code = `P${finding.priority}`;
  return made;
}

function rangeOf({ firstLine, lastLine }: Finding, document?: vscode.TextDocument): vscode.Range {
  const most = document ? document.lineCount - 1 : Number.MAX_SAFE_INTEGER;
  return new vscode.Range(Math.min(firstLine - 1, most), 0, Math.min(lastLine - 1, most), 0);
}
