// Deltas reach the webview together, in order, and none is lost.
import { expect, test } from "vitest";
import { joined } from "@src/batch";
import { emptyView, fold } from "@src/thread";
import { command, delta, message, opened, started, turnStarted } from "./events";

const events = [
  opened(),
  turnStarted(),
  started(message("a")),
  delta("agentMessage/delta", "a", "one "),
  delta("agentMessage/delta", "a", "two "),
  delta("agentMessage/delta", "a", "three"),
  started(command("c")),
  delta("commandExecution/outputDelta", "c", "x"),
  delta("agentMessage/delta", "a", "!"),
  delta("commandExecution/outputDelta", "c", "y"),
  delta("reasoning/textDelta", "r", "p", { contentIndex: 0 }),
  delta("reasoning/textDelta", "r", "q", { contentIndex: 1 }),
];

test("deltas of one item are sent as one, and fold to the same view", () => {
  const fewer = joined(events);
  expect(fewer.length).toBe(events.length - 2);
  expect(fewer.reduce(fold, emptyView)).toEqual(events.reduce(fold, emptyView));
});

test("the events that were given are left as they were", () => {
  const before = structuredClone(events);
  joined(events);
  expect(events).toEqual(before);
});
