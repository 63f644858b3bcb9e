// A thread that is being opened: what is told of it meanwhile, what changes meanwhile, and what is asked for twice.
import { expect, test } from "vitest";
import { awaited, begun, setUp, usual } from "./chats";
import { opened, threadId, turnId, turnStarted } from "./events";

test("keeps what is told of it, also when a thread that was asked for before answers in between", async () => {
  const { chat, answers } = setUp();
  const [other, this_] = [awaited(), awaited()];
  answers.set("thread/resume", () => other.coming);
  const first = chat.resume("t0");
  answers.set("thread/resume", () => this_.coming);
  const second = chat.resume(threadId);
  chat.receive(turnStarted());
  other.answer(opened("t0").params);
  await first;
  this_.answer(opened().params);
  await second;
  expect(chat.view.id).toBe(threadId);
  expect(chat.view.turns.map((turn) => turn.id)).toEqual([turnId]);
});

test("does not take notifications of a sidecar that is gone for those of the next one", async () => {
  const { chat, answers, hang } = setUp();
  hang.add("thread/resume");
  void chat.resume(threadId);
  chat.receive(turnStarted());
  chat.lost("gone");
  hang.clear();
  answers.set("thread/resume", async () => opened().params);
  await chat.resume(threadId);
  expect(chat.running).toBe(false);
});

test("knows under which settings a thread was asked for, though they changed before the answer", async () => {
  const { chat, calls, change, answers } = setUp();
  const opening = awaited();
  answers.set("thread/start", () => opening.coming);
  const sending = chat.send("one");
  change({ ...usual, sandbox: "read-only" });
  opening.answer(opened().params);
  await sending;
  expect(calls.slice(1)).toMatchObject([["thread/resume", { sandbox: "read-only" }], ["turn/start", {}]]);
});

test("goes on once, however often it is asked to", async () => {
  const { chat, calls, answers } = setUp();
  await chat.resume(threadId);
  answers.set("treadle/turn/continue", async () => begun);
  await Promise.all([chat.goOn(), chat.goOn()]);
  await chat.goOn();
  expect(calls.slice(1).map(([method]) => method)).toEqual(["treadle/turn/continue"]);
});
