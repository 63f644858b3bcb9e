// The conversation behind the panel: sending, steering, reopening, and what happens when the sidecar goes away.
import { describe, expect, test } from "vitest";
import { awaited, begun, rest, setUp, usual } from "./chats";
import { opened, started, threadId, turnCompleted, turnId, turnStarted } from "./events";

/** The sidecar was asked for a turn and has not answered yet. */
async function asked() {
  const all = setUp();
  const { coming, answer, fail } = awaited();
  all.answers.set("turn/start", () => coming);
  const first = all.chat.send("hello").catch((error) => error);
  await rest();
  all.answers.set("turn/start", async () => begun);
  return { ...all, first, answer, fail, methods: () => all.calls.map(([method]) => method) };
}

describe("a turn that was asked for and is not known yet", () => {
  test("is given more words as soon as it is known, in their order", async () => {
    const { chat, calls, answer, methods } = await asked();
    const more = [chat.send("and this"), chat.send("and that")];
    await rest();
    expect(methods()).toEqual(["thread/start", "turn/start"]);
    answer(begun);
    await Promise.all(more);
    expect(methods()).toEqual(["thread/start", "turn/start", "turn/steer", "turn/steer"]);
    expect(calls.slice(2).map(([, params]) => params)).toMatchObject([
      { threadId, expectedTurnId: turnId, input: [{ text: "and this" }] },
      { threadId, expectedTurnId: turnId, input: [{ text: "and that" }] },
    ]);
  });

  test("is given more words before it is shown", async () => {
    const { chat, calls, answer } = await asked();
    answer(begun);
    await rest();
    await chat.send("and this");
    expect(calls.at(-1)).toMatchObject(["turn/steer", { threadId, expectedTurnId: turnId }]);
  });

  test("lets a message wait for its end behind one that is for it", async () => {
    const { chat, answer, methods } = await asked();
    const more = [chat.send("and this"), chat.send("then that", { later: true })];
    await rest();
    expect(methods()).toEqual(["thread/start", "turn/start"]);
    answer(begun);
    await Promise.all(more);
    expect(methods().slice(2)).toEqual(["turn/steer", "treadle/queue/add"]);
  });

  test("has ended before it was known: the words start one of their own, and those after them are for that", async () => {
    const { chat, calls, answers, answer, methods } = await asked();
    const second = awaited();
    const more = [chat.send("and this"), chat.send("and that")];
    answers.set("turn/start", () => second.coming);
    answer(begun);
    chat.receive(turnStarted());
    chat.receive(turnCompleted());
    await rest();
    expect(methods()).toEqual(["thread/start", "turn/start", "turn/start"]);
    second.answer({ turn: { ...begun.turn, id: "u2" } });
    await Promise.all(more);
    expect(calls.slice(2)).toMatchObject([
      ["turn/start", { input: [{ text: "and this" }] }],
      ["turn/steer", { input: [{ text: "and that" }], expectedTurnId: "u2" }],
    ]);
  });

  test("ends under two messages: the first starts a turn, the second is for it", async () => {
    const { chat, calls, answers, refuse, answer } = await asked();
    answer(begun);
    chat.receive(turnStarted());
    refuse.set("turn/steer", "no turn is running");
    const second = awaited();
    answers.set("turn/start", () => second.coming);
    const more = [chat.send("and this"), chat.send("and that")];
    chat.receive(turnCompleted());
    await rest();
    refuse.clear();
    second.answer({ turn: { ...begun.turn, id: "u2" } });
    await Promise.all(more);
    expect(calls.slice(-2)).toMatchObject([
      ["turn/start", { input: [{ text: "and this" }] }],
      ["turn/steer", { input: [{ text: "and that" }], expectedTurnId: "u2" }],
    ]);
  });

  test("does not begin: the next words are tried as a turn of their own, and are the user's again when that fails, too", async () => {
    const { chat, refuse, fail, first, methods } = await asked();
    const more = chat.send("and this").catch((error) => error);
    refuse.set("turn/start", "The disk is full.");
    fail(new Error("The disk is full."));
    await Promise.all([first, more]);
    expect(methods()).toEqual(["thread/start", "turn/start", "turn/start"]);
    expect(chat.view.unsent.map((unsent) => unsent.text)).toEqual(["hello", "and this"]);
  });

  test("is not given words that a lost sidecar was never told", async () => {
    const { chat, methods, answer } = await asked();
    void chat.send("and this");
    chat.lost("restarted");
    answer(begun);
    await rest();
    expect(methods()).toEqual(["thread/start", "turn/start"]);
    expect(chat.view.unsent.map((unsent) => unsent.text)).toEqual(["hello", "and this"]);
    await chat.send("still there?");
    expect(methods().slice(2)).toEqual(["thread/resume", "turn/start"]);
  });

  test("is stopped as soon as it is known, and what was still to be told is the user's again", async () => {
    const { chat, calls, answer, first, methods } = await asked();
    const more = chat.send("and this");
    const stopping = chat.interrupt();
    await rest();
    expect(methods()).toEqual(["thread/start", "turn/start"]);
    answer(begun);
    await Promise.all([first, more, stopping]);
    expect(calls.slice(2)).toEqual([["turn/interrupt", { threadId, turnId }]]);
    expect(chat.view.unsent).toMatchObject([{ text: "and this", reason: "You stopped it before it was sent." }]);
  });

  test("is stopped before it is shown", async () => {
    const { chat, calls, answer } = await asked();
    answer(begun);
    await rest();
    await chat.interrupt();
    expect(calls.at(-1)).toEqual(["turn/interrupt", { threadId, turnId }]);
  });

  test("is not begun at all when it is stopped while its thread is opened", async () => {
    const { chat, answers, methods } = await asked();
    chat.close();
    const opening = awaited();
    answers.set("thread/start", () => opening.coming);
    const sending = chat.send("anew");
    await chat.interrupt();
    opening.answer(opened().params);
    await sending;
    expect(methods()).toEqual(["thread/start", "turn/start", "thread/start"]);
    expect(chat.view.unsent.at(-1)).toMatchObject({ text: "anew", reason: "You stopped it before it was sent." });
    expect(chat.running).toBe(false);
  });

  test("has ended by itself when it is to be stopped: that is no failure", async () => {
    const { chat, refuse, answer } = await asked();
    answer(begun);
    chat.receive(turnStarted());
    refuse.set("turn/interrupt", "no turn is running in this thread");
    await expect(chat.interrupt()).rejects.toThrow(/no turn/);
    const stopping = chat.interrupt();
    chat.receive(turnCompleted());
    await stopping;
  });

  test("follows the settings that its thread takes before it; words that are written meanwhile come after it", async () => {
    const { chat, calls, change, answers, answer } = await asked();
    answer(begun);
    chat.receive(turnStarted());
    chat.receive(turnCompleted());
    change({ ...usual, model: "other" });
    const resumed = awaited();
    answers.set("thread/resume", () => resumed.coming);
    const more = [chat.send("one"), chat.send("two")];
    await rest();
    resumed.answer(opened().params);
    await Promise.all(more);
    expect(calls.slice(2)).toMatchObject([
      ["thread/resume", {}],
      ["turn/start", { input: [{ text: "one" }] }],
      ["turn/steer", { input: [{ text: "two" }] }],
    ]);
  });
});

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

  test("tells the first message first, when the second is to wait for its turn", async () => {
    const { chat, calls } = setUp();
    await Promise.all([chat.send("one"), chat.send("two", { later: true })]);
    expect(calls.map(([method]) => method)).toEqual(["thread/start", "turn/start", "treadle/queue/add"]);
  });

  test("does not wait for a message that a lost sidecar was never told", async () => {
    const { chat, calls, hang } = setUp();
    hang.add("thread/start");
    void chat.send("one");
    chat.lost("restarted");
    hang.clear();
    await chat.send("two");
    expect(calls.at(-1)?.[0]).toBe("turn/start");
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
