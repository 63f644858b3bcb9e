/**
 * Reviews of changes: a thread of their own that only reads, beside the one that the panel shows. What was found is kept by the window,
 * drawn in the editors and summed up in the panel; the user fixes, resolves or dismisses. It never commits and never edits.
 */
import * as vscode from "vscode";
import { openThread } from "./commands";
import { around } from "./editor_place";
import { act } from "./editor_words";
import { FindingComments } from "./finding_comments";
import { type ChangesReview, type Finding, found, isOpen, marked, note, outcome, restored, summaryOf } from "./findings";
import { repository } from "./git";
import { sentence, unlinked } from "./log";
import type { PanelState } from "./messages";
import type { Feature, Parts } from "./parts";
import { reviewTarget } from "./review_targets";
import { readSettings, threadParams } from "./settings";
import type { ExitedReviewModeItem, Notification, ReviewTarget, ThreadStartParams } from "./wire";

const key = "treadle.changesReview";

export class ReviewChanges implements Feature {
  private review: ChangesReview | null;
  private readonly comments = new FindingComments();
  private readonly watching: vscode.Disposable;
  private beginning = false;
  /** What comes of a review before the answer that names its turn. */
  private early: Notification[] = [];

  constructor(private readonly parts: Parts) {
    this.review = restored(parts.context.workspaceState.get(key));
    this.watching = vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("treadle.reviewFindings")) this.comments.draw(this.review);
    });
    this.draw();
  }

  readonly commands = {
    "treadle.reviewChanges": (from?: unknown) => this.begin(from),
    "treadle.stopReview": () => this.stop(),
    "treadle.clearFindings": () => this.set(null),
    "treadle.finding.fix": (thread: unknown) => this.onThread(thread, (finding) => this.fix(finding)),
    "treadle.finding.resolve": (thread: unknown) => this.onThread(thread, ({ id }) => this.mark(id, "resolved")),
    "treadle.finding.dismiss": (thread: unknown) => this.onThread(thread, ({ id }) => this.mark(id, "dismissed")),
  };

  readonly messages: Feature["messages"] = {
    finding: ({ act, id }) => this.onFinding(act, id),
    changesReview: ({ act }) => this.onReview(act),
  };

  panelState(): Partial<PanelState> {
    return { changesReview: this.review && summaryOf(this.review) };
  }

  notified(notification: Notification): void {
    const { params } = notification;
    if (this.beginning && this.early.length < 200 && isOfReview(notification)) this.early.push(notification);
    const { review } = this;
    if (review?.state !== "running" || params.threadId !== review.threadId) return;
    const item = params.item as { type?: string } | undefined;
    if (notification.method === "item/completed" && item?.type === "exitedReviewMode") {
      this.set(found(review, item as ExitedReviewModeItem));
    } else if (notification.method === "turn/completed") {
      this.ended(review, params.turn as { status: string; error?: { message: string } | null });
    }
  }

  connected(): void {
    // The sidecar that ran it is gone.
    if (this.review?.state === "running") this.set({ ...this.review, state: "stopped" });
  }

  dispose(): void {
    this.watching.dispose();
    this.comments.dispose();
  }

  private async begin(from: unknown): Promise<void> {
    if (this.beginning || this.review?.state === "running") {
      void vscode.window.showInformationMessage("A review is running already: stop it first.");
      return;
    }
    const repo = await repository(from);
    const target = repo && (await reviewTarget(repo));
    if (!repo || !target) return;
    if (this.review?.findings.some(isOpen) && !(await this.replaces())) return;
    this.beginning = true;
    try {
      await this.start(target, repo.rootUri);
    } finally {
      this.beginning = false;
      this.early = [];
    }
  }

  private async start(target: ReviewTarget, folder: vscode.Uri): Promise<void> {
    const { sidecar, panel } = this.parts;
    const params: ThreadStartParams = {
      ...threadParams(readSettings(folder), folder.fsPath),
      sandbox: "read-only",
      approvalPolicy: "never",
    };
    const { thread } = await sidecar.request("thread/start", params);
    const { turn } = await sidecar.request("review/start", { threadId: thread.id, target });
    const label = labels[target.type](target as never);
    const common = { verdict: null, summary: "", findings: [], state: "running" } as const;
    this.set({ threadId: thread.id, turnId: turn.id, label, folder: folder.fsPath, ...common, findings: [] });
    for (const notification of this.early.splice(0)) this.notified(notification);
    await sidecar.request("thread/name/set", { threadId: thread.id, name: `Review of ${label}` }).catch(() => undefined);
    await panel.show();
  }

  private async replaces(): Promise<boolean> {
    const question = "A new review takes the place of the findings that are open.";
    return (await vscode.window.showWarningMessage(question, { modal: true }, "Review")) === "Review";
  }

  private ended(review: ChangesReview, turn: { status: string; error?: { message: string } | null }): void {
    const failed = turn.status === "failed";
    // exitedReviewMode came before, where there was anything to say
    if (this.review?.state === "running" || turn.status !== "completed") {
      this.set({ ...review, state: failed ? "failed" : "stopped", reason: turn.error?.message });
    }
  }

  private async stop(): Promise<void> {
    const { review } = this;
    if (review?.state !== "running") return;
    await this.parts.sidecar.request("turn/interrupt", { threadId: review.threadId, turnId: review.turnId });
  }

  private onThread(thread: unknown, act: (finding: Finding) => unknown): unknown {
    const id = this.comments.idOf(thread);
    const finding = this.review?.findings.find((one) => one.id === id);
    return finding && act(finding);
  }

  private onFinding(what: "show" | "fix" | "resolve" | "dismiss", id: string): unknown {
    const finding = this.review?.findings.find((one) => one.id === id);
    if (!finding) return undefined;
    if (what === "show") return this.comments.show(finding);
    if (what === "fix") return this.fix(finding);
    return this.mark(id, what === "resolve" ? "resolved" : "dismissed");
  }

  private onReview(what: "stop" | "clear" | "open"): unknown {
    if (what === "stop") return this.stop();
    if (what === "clear") return this.set(null);
    return this.review && openThread(this.parts, this.review.threadId);
  }

  private async fix(finding: Finding): Promise<void> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(finding.path));
    const last = document.lineCount - 1;
    const range = new vscode.Range(Math.min(finding.firstLine - 1, last), 0, Math.min(finding.lastLine - 1, last), 0);
    this.mark(finding.id, "fixing");
    try {
      await act(this.parts, "finding", { ...around(document, range), name: "" }, { note: note(finding) });
    } catch (error) {
      this.mark(finding.id, "open");
      throw error;
    }
  }

  private mark(id: string, state: Finding["state"]): void {
    if (this.review) this.set(marked(this.review, id, state));
  }

  private set(review: ChangesReview | null): void {
    const ended = this.review?.state === "running" && review?.state === "done";
    this.review = review;
    void this.parts.context.workspaceState.update(key, review ?? undefined);
    this.draw();
    this.parts.panel.refresh();
    if (ended) this.tell(review);
  }

  private draw(): void {
    const { review } = this;
    this.comments.draw(review);
    void vscode.commands.executeCommand("setContext", "treadle.reviewing", review?.state === "running");
    void vscode.commands.executeCommand("setContext", "treadle.hasFindings", (review?.findings.length ?? 0) > 0);
  }

  /** Who looks at the panel sees it there. */
  private tell(review: ChangesReview): void {
    if (this.parts.panel.visible) return;
    void vscode.window.showInformationMessage(unlinked(outcome(review)), "Show").then(
      (chosen) => chosen && this.parts.panel.show(),
      (error) => this.parts.log.warn(sentence(error)),
    );
  }
}

function isOfReview({ method, params }: Notification): boolean {
  const item = params.item as { type?: string } | undefined;
  return method === "turn/completed" || item?.type === "exitedReviewMode";
}

const labels: { [T in ReviewTarget["type"]]: (target: Extract<ReviewTarget, { type: T }>) => string } = {
  uncommittedChanges: () => "uncommitted changes",
  stagedChanges: () => "staged changes",
  baseBranch: ({ branch }) => `changes against ${branch}`,
  commit: ({ sha, title }) => `commit ${sha.slice(0, 8)}${title ? ` (${title})` : ""}`,
  custom: ({ instructions }) => instructions,
};
