/** A chat with a sidecar that answers, refuses or hangs as a test says. */
import { Chat } from "@src/chat";
import type { Unsent } from "@src/thread";
import type { ClientRequests, ThreadStartParams } from "@src/wire";
import { opened, turnId } from "./events";

type Call = [method: string, params: Record<string, unknown>];

export const usual: ThreadStartParams = { cwd: "/w", approvalPolicy: "on-request", sandbox: "workspace-write" };

export function setUp(params: ThreadStartParams | null = usual, before: Unsent[] = []) {
  const calls: Call[] = [];
  const refuse = new Map<string, string>();
  const hang = new Set<string>();
  const answers = new Map<string, () => Promise<unknown>>();
  const remembered: (string | null)[] = [];
  const unread: Unsent[][] = [];
  let settings = params;
  const chat = new Chat(
    {
      request: async <M extends keyof ClientRequests>(method: M, sent: ClientRequests[M]["params"]) => {
        calls.push([method, sent as Record<string, unknown>]);
        const refusal = refuse.get(method);
        if (refusal) throw new Error(refusal);
        const answer = answers.get(method);
        if (answer) return (await answer()) as ClientRequests[M]["result"];
        if (hang.has(method)) return new Promise<never>(() => undefined);
        return (method.startsWith("thread/") ? opened().params : {}) as ClientRequests[M]["result"];
      },
    },
    { threadParams: () => settings, rememberThread: (id) => remembered.push(id), rememberUnsent: (unsent) => unread.push(unsent) },
    before,
  );
  const change = (next: ThreadStartParams) => {
    settings = next;
  };
  return { chat, calls, refuse, hang, answers, remembered, unread, change };
}

/** An answer that comes, or fails to, when the test says so. */
export function awaited() {
  let answer: (result: unknown) => void = () => undefined;
  let fail: (why: Error) => void = () => undefined;
  const coming = new Promise<unknown>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return { coming, answer, fail };
}

/** All that can be done without another answer is done. */
export const rest = () => new Promise((done) => setImmediate(done));

export const begun = { turn: { id: turnId, items: [], status: "inProgress", error: null } };
