// The conversation behind the panel: sending, steering, reopening, and what happens when the sidecar goes away.
import { describe, expect, test } from "vitest";
import { Chat } from "@src/chat";
import type { Unsent } from "@src/thread";
import type { ClientRequests, ThreadStartParams } from "@src/wire";
import { opened, started, threadId, turnCompleted, turnId, turnStarted } from "./events";

type Call = [method: string, params: Record<string, unknown>];

const usual: ThreadStartParams = { cwd: "/w", approvalPolicy: "on-request", sandbox: "workspace-write" };

function setUp(params: ThreadStartParams | null = usual, before: Unsent[] = []) {
  const calls: Call[] = [];
  const refuse = new Map<string, string>();
  const hang = new Set<string>();
  const remembered: (string | null)[] = [];
  const unread: Unsent[][] = [];
  let settings = params;
  const chat = new Chat(
    {
      request: async <M extends keyof ClientRequests>(method: M, sent: ClientRequests[M]["params"]) => {
        calls.push([method, sent as Record<string, unknown>]);
        const refusal = refuse.get(method);
        if (refusal) throw new Error(refusal);
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
  return { chat, calls, refuse, hang, remembered, unread, change };
}

describe("the chat of a window", () => {
  test("opens a thread with the first message and remembers it", async () => {
    const { chat, calls, remembered } = setUp();
    await chat.send("hello");
    expect(calls.map(([method]) => method)).toEqual(["thread/start", "turn/start"]);
    expect(calls[1]?.[1]).toMatchObject({ threadId, input: [{ type: "text", text: "hello" }] });
    expect(remembered).toEqual([threadId]);
    expect(chat.view.unconfirmed.map((sent) => sent.text)).toEqual(["hello"]);
  });

  test("opens one thread for two quick messages", async () => {
    const { chat, calls } = setUp();
    await Promise.all([chat.send("one"), chat.send("two")]);
    expect(calls.filter(([method]) => method === "thread/start")).toHaveLength(1);
  });

  test("adds what is typed while a turn runs to that turn", async () => {
    const { chat, calls } = setUp();
    await chat.send("hello");
    chat.receive(turnStarted());
    await chat.send("and this");
    expect(calls.at(-1)).toMatchObject(["turn/steer", { threadId, expectedTurnId: turnId }]);
  });

  test("asks a new sidecar for the thread although the one before never answered", async () => {
    const { chat, calls, hang } = setUp();
    await chat.send("hello");
    chat.lost("restarted");
    hang.add("thread/resume");
    void chat.reopen();
    hang.clear();
    chat.lost("restarted again");
    await chat.reopen();
    await chat.send("still there?");
    expect(calls.slice(2).map(([method]) => method)).toEqual(["thread/resume", "thread/resume", "turn/start"]);
  });

  test("starts a turn when the one to be steered has just ended", async () => {
    const { chat, calls, refuse } = setUp();
    await chat.send("hello");
    chat.receive(turnStarted());
    refuse.set("turn/steer", "no turn is running");
    const sending = chat.send("and this");
    chat.receive(turnCompleted());
    await sending;
    expect(calls.at(-1)?.[0]).toBe("turn/start");
  });

  test("keeps a message that could not be sent, says why, and does not pretend that it was", async () => {
    const { chat, refuse, unread } = setUp();
    refuse.set("turn/start", "The sidecar did not start.");
    await expect(chat.send("hello")).rejects.toThrow();
    expect(chat.running).toBe(false);
    expect(chat.view.unsent).toMatchObject([{ text: "hello", reason: "The sidecar did not start." }]);
    expect(unread.at(-1)).toEqual(chat.view.unsent);
  });

  test("keeps the words once when the sidecar dies under them and the request fails afterwards", async () => {
    const { chat, refuse } = setUp();
    refuse.set("thread/start", "The sidecar did not start.");
    const sending = chat.send("hello");
    chat.lost("gone");
    await expect(sending).rejects.toThrow();
    expect(chat.view.unsent.map((unsent) => unsent.text)).toEqual(["hello"]);
  });

  test("sends the kept words again when asked to, and forgets them when they were taken back", async () => {
    const { chat, calls, refuse, unread } = setUp();
    refuse.set("thread/start", "The sidecar did not start.");
    await expect(chat.send("one")).rejects.toThrow();
    await expect(chat.send("two")).rejects.toThrow();
    refuse.clear();
    const [one, two] = chat.view.unsent.map((unsent) => unsent.clientId);
    chat.takeBack(one ?? "");
    await chat.resend(two ?? "");
    expect(calls.at(-1)).toMatchObject(["turn/start", { threadId, input: [{ text: "two" }] }]);
    expect(chat.view.unsent).toEqual([]);
    expect(unread.at(-1)).toEqual([]);
  });

  test("shows at once the words that the window's life before could not send", () => {
    const unsent = [{ clientId: "m", text: "hello", reason: "x" }];
    expect(setUp(undefined, unsent).chat.view.unsent).toEqual(unsent);
  });

  test("does not send into a thread that the user has left meanwhile, and keeps the words", async () => {
    const { chat, calls } = setUp();
    const sending = chat.send("hello");
    chat.close();
    await sending;
    expect(calls.map(([method]) => method)).toEqual(["thread/start"]);
    expect(chat.view.unsent.map((unsent) => unsent.text)).toEqual(["hello"]);
  });

  test("opens the shown thread in a new sidecar before it sends into it", async () => {
    const { chat, calls } = setUp();
    await chat.send("one");
    chat.lost("gone");
    await chat.send("two");
    expect(calls.slice(2).map(([method]) => method)).toEqual(["thread/resume", "turn/start"]);
  });

  test("asks for a folder when there is none", async () => {
    const { chat, calls } = setUp(null);
    await expect(chat.send("hello")).rejects.toThrow(/folder/);
    expect(calls).toEqual([]);
  });

  test("puts settings that were changed in between in force before the next turn, once", async () => {
    const { chat, calls, change } = setUp();
    await chat.send("one");
    change({ cwd: "/w", approvalPolicy: "never", sandbox: "read-only", model: "other", config: { ask_before_edits: false } });
    await chat.send("two");
    expect(calls.slice(2).map(([method]) => method)).toEqual(["thread/resume", "turn/start"]);
    expect(calls[2]?.[1]).toMatchObject({ goesOn: true, threadId, approvalPolicy: "never", sandbox: "read-only", model: "other", config: { ask_before_edits: false } });
    await chat.send("three");
    expect(calls.slice(4).map(([method]) => method)).toEqual(["turn/start"]);
  });

  test("keeps notifications that arrive before the answer that names their thread", async () => {
    const { chat } = setUp();
    const sending = chat.send("hello");
    chat.receive(turnStarted());
    await sending;
    expect(chat.view.turns.map((turn) => turn.id)).toEqual([turnId]);
  });

  test("goes on from the last question, which the sidecar has read", async () => {
    const { chat, calls } = setUp();
    await chat.send("hello");
    chat.receive(turnStarted());
    const user = { type: "userMessage", id: "i", clientId: null, content: [{ type: "text", text: "hello", text_elements: [] }] };
    chat.receive(started(user));
    chat.receive(turnCompleted("failed", { message: "x", codexErrorInfo: null, additionalDetails: null }));
    await chat.retry();
    expect(calls.at(-1)).toEqual(["treadle/turn/continue", { threadId: chat.view.id }]);
  });
});
