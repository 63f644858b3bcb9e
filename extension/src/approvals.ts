/**
 * The sidecar's questions to the user. Each waits in the panel until it is answered, its turn ends, or the sidecar takes it back; the
 * answer goes back exactly once. A question that nobody can see any more is declined, never accepted; when the sidecar or the window
 * goes, it is not answered at all, and asked again by the next sidecar. No `vscode` import.
 */
import {
  type Answer,
  type Asked,
  commandAsked,
  elicitationAsked,
  fileAsked,
  type Outcome,
  outcome,
  questionAsked,
  toolAsked,
  type Unanswered,
} from "./asked";
import type {
  CommandApprovalAnswer,
  CommandApprovalParams,
  ElicitationAnswer,
  ElicitationParams,
  FileApprovalAnswer,
  FileApprovalParams,
  QuestionAnswer,
  QuestionParams,
} from "./wire";

interface Pending {
  asked: Asked;
  threadId: string;
  answer: (answer: Answer | null) => void;
}

export interface Cancellation {
  readonly isCancellationRequested: boolean;
  onCancellationRequested(listener: () => void): unknown;
}

export interface ApprovalListener {
  requested(asked: Asked): void;
  settled(asked: Asked, outcome: Outcome): void;
}

export class Approvals {
  private readonly pending = new Map<string, Pending>();
  private count = 0;
  /** How often all were forgotten: who waits since before is not waited for any more. */
  private forgotten = 0;

  constructor(
    /** The thread that is shown; while one is being opened, later. */
    private readonly shownThread: () => string | null | Promise<unknown>,
    private readonly listener: ApprovalListener,
  ) {}

  get waiting(): number {
    return this.pending.size;
  }

  /** The open question of this id, for whoever must know what was shown. */
  open(id: string): Asked | undefined {
    return this.pending.get(id)?.asked;
  }

  async command(params: CommandApprovalParams, cancelled?: Cancellation): Promise<CommandApprovalAnswer> {
    const answer = await this.ask(params.threadId, commandAsked(params, this.newId(params.itemId)), cancelled);
    const host = params.networkApprovalContext?.host;
    if (host && answer?.verdict === "decline" && answer.scope) {
      return { decision: { applyNetworkPolicyAmendment: { network_policy_amendment: { host, action: "deny" } } } };
    }
    return decided(answer);
  }

  async fileChange(params: FileApprovalParams, cancelled?: Cancellation): Promise<FileApprovalAnswer> {
    return decided(await this.ask(params.threadId, fileAsked(params, this.newId(params.itemId)), cancelled));
  }

  async question(params: QuestionParams, cancelled?: Cancellation): Promise<QuestionAnswer> {
    const answer = await this.ask(params.threadId, questionAsked(params, this.newId(params.itemId)), cancelled);
    const given = answer?.verdict === "accept" ? Object.entries(answer.answers ?? {}) : [];
    return { answers: Object.fromEntries(given.map(([id, answers]) => [id, { answers }])) };
  }

  /** A question of an MCP server; or, with `_meta`, ours before a call of one of its tools. */
  async elicitation(params: ElicitationParams, cancelled?: Cancellation): Promise<ElicitationAnswer> {
    const about = params._meta;
    if (about)
      return ofTool(await this.ask(params.threadId, toolAsked(params, about, this.newId(about.treadle_item_id)), cancelled));
    const answer = await this.ask(params.threadId, elicitationAsked(params, this.newId(params.serverName)), cancelled);
    const accepted = answer?.verdict === "accept";
    return { action: answer?.verdict ?? "decline", content: accepted ? (answer.content ?? {}) : null, _meta: null };
  }

  decide(id: string, answer: Answer | Unanswered): void {
    const pending = this.pending.get(id);
    if (!pending) return;
    this.pending.delete(id);
    pending.answer(typeof answer === "string" ? null : answer);
    this.listener.settled(pending.asked, outcome(pending.asked, answer));
  }

  /** Declines what belongs to an item or turn that is over, or to a thread that is not shown any more. */
  drop(over: (asked: Asked, threadId: string) => boolean): void {
    for (const [id, pending] of this.pending) if (over(pending.asked, pending.threadId)) this.decide(id, "dropped");
  }

  /** Whoever asked is gone, or this window is: the next one is asked again, so nobody answers. */
  forget(): void {
    this.forgotten += 1;
    this.pending.clear();
  }

  private newId(of: string): string {
    this.count += 1;
    return `${of}#${this.count}`;
  }

  /** What the user said; null when nobody did. */
  private ask(threadId: string, asked: Asked, cancelled?: Cancellation): Promise<Answer | null> {
    const shown = this.shownThread();
    if (shown instanceof Promise) {
      const { forgotten } = this;
      const never = () => new Promise<null>(() => undefined);
      return shown.then(() => (forgotten === this.forgotten ? this.ask(threadId, asked, cancelled) : never()));
    }
    if (threadId !== shown || cancelled?.isCancellationRequested) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.pending.set(asked.id, { asked, threadId, answer: resolve });
      cancelled?.onCancellationRequested(() => this.decide(asked.id, "withdrawn"));
      this.listener.requested(asked);
    });
  }
}

/** Only what was said is sent: a scope, a rule or words that are not there are no fields. */
function decided(answer: Answer | null): FileApprovalAnswer {
  const { verdict, scope, rule, words } = answer ?? { verdict: "decline" };
  return { decision: verdict, ...(scope && { scope }), ...(rule && { rule }), ...(words && { words }) };
}

function ofTool(answer: Answer | null): ElicitationAnswer {
  const { verdict, scope, rule, words } = answer ?? { verdict: "decline" };
  const said = { ...(scope && { persist: scope }), ...(rule && { treadle_rule: rule }), ...(words && { treadle_words: words }) };
  return { action: verdict, content: verdict === "accept" ? {} : null, _meta: Object.keys(said).length ? said : null };
}
