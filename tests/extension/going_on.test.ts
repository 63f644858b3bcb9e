// What outlives a reload of the window: how questions ended, calls that wait, and a turn that can go on.
import { expect, test } from "vitest";
import { keptOutcome } from "@src/asked";
import { emptyView, fold, type ThreadView } from "@src/thread";
import type { ThreadOpened, WireItem } from "@src/wire";

const command = (id: string, more: object = {}): WireItem =>
  ({ type: "commandExecution", id, command: "make", cwd: "/w", status: "completed", aggregatedOutput: "", ...more }) as WireItem;

function opened(status: string, items: WireItem[]): ThreadView {
  const thread = { id: "t1", turns: [{ id: "u1", status, items }] };
  return fold(emptyView, { method: "panel/opened", params: { thread } as unknown as ThreadOpened });
}

test("what the user said of a call is said again from the thread", () => {
  const answers = [
    { verdict: "accept", scope: null, rule: null, words: null },
    { verdict: "accept", scope: "workspace", rule: "make", words: null },
    { verdict: "decline", scope: null, rule: null, words: "not now" },
  ];
  const view = opened("completed", answers.map((answer, at) => command(`c${at}`, { answer })));
  expect(view.turns[0]?.items.map((entry) => entry.outcomes)).toEqual([
    [{ verdict: "accept", text: "Allowed once" }],
    [{ verdict: "accept", text: "Allowed in this workspace", rule: "make", lasting: true }],
    [{ verdict: "decline", text: "Denied: not now" }],
  ]);
});

test("every call that waits is still open, and what came before it is done", () => {
  const message = { type: "agentMessage", id: "m", text: "Two things." } as WireItem;
  const view = opened("inProgress", [message, command("a", { status: "inProgress" }), command("b", { status: "inProgress" })]);
  expect(view.turns[0]?.items.map((entry) => entry.done)).toEqual([true, false, false]);
});

test("an answer to the model's own question is not spelled out", () => {
  expect(keptOutcome({ verdict: "accept", scope: null, rule: null, words: null }, true).text).toBe("Answered");
  expect(keptOutcome({ verdict: "decline", scope: null, rule: null, words: null }, true).text).toBe("Skipped");
});
