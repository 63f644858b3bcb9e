/**
 * The sidecar's questions to the user. Each waits in the panel until it is answered, its turn ends, or the sidecar takes it back; the
 * answer goes back exactly once. A question that nobody can see any more is declined, never accepted. No `vscode` import.
 */
import { headAndTail } from "./output";
import type { ApprovalView } from "./thread";
import type { CommandApprovalParams, Decision, FileApprovalParams, McpApprovalAnswer, McpApprovalParams } from "./wire";

interface Pending {
  view: ApprovalView;
  threadId: string;
  answer: (decision: Decision) => void;
}

export interface Cancellation {
  readonly isCancellationRequested: boolean;
  onCancellationRequested(listener: () => void): unknown;
}

export interface ApprovalListener {
  requested(view: ApprovalView): void;
  settled(view: ApprovalView): void;
}

export class Approvals {
  private readonly pending = new Map<string, Pending>();
  private count = 0;

  constructor(
    private readonly shownThread: () => string | null,
    private readonly listener: ApprovalListener,
  ) {}

  get waiting(): number {
    return this.pending.size;
  }

  command(params: CommandApprovalParams, cancelled?: Cancellation): Promise<{ decision: Decision }> {
    const view: ApprovalView = {
      id: this.newId(params.itemId),
      kind: "command",
      turnId: params.turnId,
      itemId: params.itemId,
      command: params.command ?? undefined,
      cwd: params.cwd ?? undefined,
      reason: params.reason ?? undefined,
      outside: outside(params),
    };
    return this.ask(params.threadId, view, cancelled);
  }

  fileChange(params: FileApprovalParams, cancelled?: Cancellation): Promise<{ decision: Decision }> {
    const view: ApprovalView = {
      id: this.newId(params.itemId),
      kind: "fileChange",
      turnId: params.turnId,
      itemId: params.itemId,
      reason: params.reason ?? undefined,
      outside: params.grantRoot ? `Asks to write under ${params.grantRoot}.` : undefined,
    };
    return this.ask(params.threadId, view, cancelled);
  }

  async mcpTool(params: McpApprovalParams, cancelled?: Cancellation): Promise<McpApprovalAnswer> {
    const about = params._meta;
    if (!about) return { action: "decline", content: null, _meta: null };
    const view: ApprovalView = {
      id: this.newId(about.treadle_item_id),
      kind: "mcpTool",
      turnId: params.turnId ?? "",
      itemId: about.treadle_item_id,
      server: params.serverName,
      tool: about.tool_name,
      arguments: shownArguments(about.tool_params),
      reason: about.treadle_reason ?? undefined,
      outside: "Runs in the server, outside the sandbox.",
    };
    const { decision } = await this.ask(params.threadId, view, cancelled);
    if (decision === "acceptForSession") return { action: "accept", content: {}, _meta: { persist: "session" } };
    return { action: decision, content: decision === "accept" ? {} : null, _meta: null };
  }

  decide(id: string, decision: Decision): void {
    const asked = this.pending.get(id);
    if (!asked) return;
    this.pending.delete(id);
    asked.answer(decision);
    this.listener.settled(asked.view);
  }

  /** Declines what belongs to an item or turn that is over, or to a thread that is not shown any more. */
  drop(over: (view: ApprovalView, threadId: string) => boolean): void {
    for (const [id, asked] of this.pending) if (over(asked.view, asked.threadId)) this.decide(id, "decline");
  }

  private newId(itemId: string): string {
    this.count += 1;
    return `${itemId}#${this.count}`;
  }

  private ask(threadId: string, view: ApprovalView, cancelled?: Cancellation): Promise<{ decision: Decision }> {
    if (threadId !== this.shownThread() || cancelled?.isCancellationRequested) return Promise.resolve({ decision: "decline" });
    return new Promise((resolve) => {
      this.pending.set(view.id, { view, threadId, answer: (decision) => resolve({ decision }) });
      cancelled?.onCancellationRequested(() => this.decide(view.id, "decline"));
      this.listener.requested(view);
    });
  }
}

/** What a call would touch beyond the sandbox, in words. A sidecar that does not say is understood to mean: everything. */
function outside(params: CommandApprovalParams & { outsideSandbox?: boolean }): string | undefined {
  if (params.outsideSandbox === false) return undefined;
  return "Runs outside the sandbox: it can change any file that you can, and use the network.";
}

function shownArguments(given: unknown): string {
  return headAndTail(JSON.stringify(given ?? {}, undefined, 2));
}
