/** What a review of changes found, as this window keeps and shows it. Pure: no `vscode`. Findings outlive a reload of the window. */
import type { ExitedReviewModeItem, ReviewFinding } from "./wire";

export interface Finding extends ReviewFinding {
  id: string;
  /** A finding that was handed to the agent is being fixed until somebody says more of it. */
  state: "open" | "fixing" | "resolved" | "dismissed";
}

export interface ChangesReview {
  threadId: string;
  turnId: string;
  /** What is reviewed, as the user would say it. */
  label: string;
  folder: string;
  state: "running" | "done" | "stopped" | "failed";
  verdict: "correct" | "incorrect" | null;
  summary: string;
  findings: Finding[];
  /** Why it failed. */
  reason?: string;
}

/** Of a review, for the panel. */
export interface ReviewSummary extends Pick<ChangesReview, "threadId" | "label" | "state" | "verdict" | "summary" | "reason"> {
  open: Pick<Finding, "id" | "priority" | "title" | "path" | "firstLine" | "state">[];
  settled: number;
}

export function found(review: ChangesReview, item: ExitedReviewModeItem): ChangesReview {
  const findings = item.findings.map((one, number): Finding => ({ ...one, id: `${review.turnId}:${number}`, state: "open" }));
  return { ...review, state: "done", verdict: item.verdict, summary: item.summary || item.review, findings };
}

export function isOpen({ state }: Finding): boolean {
  return state === "open" || state === "fixing";
}

export function marked(review: ChangesReview, id: string, state: Finding["state"]): ChangesReview {
  return { ...review, findings: review.findings.map((one) => (one.id === id ? { ...one, state } : one)) };
}

export function summaryOf(review: ChangesReview): ReviewSummary {
  const { threadId, label, state, verdict, summary, reason, findings } = review;
  const open = findings
    .filter(isOpen)
    .map(({ id, priority, title, path, firstLine, state }) => ({ id, priority, title, path, firstLine, state }));
  return { threadId, label, state, verdict, summary, reason, open, settled: findings.length - open.length };
}

/** What was stored by this window's earlier life: a review that ran then does not run any more. */
export function restored(stored: unknown): ChangesReview | null {
  const review = stored as ChangesReview | undefined;
  if (!review || typeof review.threadId !== "string" || !Array.isArray(review.findings)) return null;
  const findings = review.findings.map((one) => (one.state === "fixing" ? { ...one, state: "open" as const } : one));
  return { ...review, findings, state: review.state === "running" ? "stopped" : review.state };
}

/** Markdown of a model, for a comment: pictures would be fetched, so they are links. */
export function body({ body, confidence }: ReviewFinding): string {
  const sure = confidence === null || confidence === undefined ? "" : `\n\n*${Math.round(confidence * 100)} % sure*`;
  return `${body.replace(/!+(?=\[)/g, "")}${sure}`;
}

/** For the agent that is to fix it. */
export function note({ priority, title, body, firstLine, lastLine }: ReviewFinding): string {
  const place = lastLine > firstLine ? `lines ${firstLine}-${lastLine}` : `line ${firstLine}`;
  return `P${priority}, ${place}: ${title}\n\n${body}`;
}

export function outcome({ label, findings, verdict }: ChangesReview): string {
  if (!findings.length) return `The review of the ${label} found nothing.`;
  const many = `${findings.length} ${findings.length === 1 ? "finding" : "findings"}`;
  return `The review of the ${label} has ${many}${verdict === "incorrect" ? ", some to be fixed first" : ""}.`;
}
