// The fold from notifications to what the panel shows; it must never throw.
import { describe, expect, test } from "vitest";
import { emptyView, fold, isRunning, type ThreadView, type ViewEvent } from "@src/thread";
import { command, completed, delta, message, opened, started, threadId, turnCompleted, turnId, turnStarted } from "./events";

const after = (...events: ViewEvent[]): ThreadView => events.reduce(fold, emptyView);
const running = [opened(), turnStarted()];
const items = (view: ThreadView) => view.turns.flatMap((turn) => turn.items);

describe("a thread's view", () => {
  test("shows what the answer to thread/start says", () => {
    const view = after(opened());
    expect(view).toMatchObject({ id: threadId, model: "a-model", sandbox: "workspaceWrite", instructions: ["/w/AGENTS.md"] });
  });

  test("shows the turns of a thread that was resumed, with nothing left spinning in a finished one", () => {
    const turn = { id: "old", status: "completed", error: null, items: [message("m", "done"), command("c", { status: "completed", exitCode: 0 })] };
    const view = after(opened(threadId, [turn]));
    expect(items(view).map((entry) => entry.done)).toEqual([true, true]);
    expect(isRunning(view)).toBe(false);
  });

  test("puts streamed words together and lets the completed item have the last word", () => {
    const begun = after(...running, started(message("m")), delta("agentMessage/delta", "m", "Hel"), delta("agentMessage/delta", "m", "lo"));
    expect(items(begun)[0]).toMatchObject({ item: { text: "Hello" }, done: false });
    const view = fold(begun, completed(message("m", "Hello!")));
    expect(items(view)[0]).toMatchObject({ item: { text: "Hello!" }, done: true, startedAt: 1_000, completedAt: 3_000 });
  });

  test("keeps the parts of a reasoning summary apart", () => {
    const view = after(
      ...running,
      started({ type: "reasoning", id: "r", summary: [], content: [] }),
      { method: "item/reasoning/summaryPartAdded", params: { threadId, turnId, itemId: "r", summaryIndex: 0 } },
      delta("reasoning/summaryTextDelta", "r", "one", { summaryIndex: 0 }),
      { method: "item/reasoning/summaryPartAdded", params: { threadId, turnId, itemId: "r", summaryIndex: 1 } },
      delta("reasoning/summaryTextDelta", "r", "two", { summaryIndex: 1 }),
    );
    expect(items(view)[0]?.item).toMatchObject({ summary: ["one", "two"] });
  });

  test("keeps a command's streamed output when its completion brings none", () => {
    const view = after(
      ...running,
      started(command("c")),
      delta("commandExecution/outputDelta", "c", "ok\n"),
      completed(command("c", { status: "completed", exitCode: 0 })),
    );
    expect(items(view)[0]?.item).toMatchObject({ aggregatedOutput: "ok\n", exitCode: 0 });
  });

  test("bounds a command's output, whatever it says", () => {
    let view = after(...running, started(command("c")));
    for (let line = 0; line < 3_000; line += 1) view = fold(view, delta("commandExecution/outputDelta", "c", `line ${line} ${"x".repeat(60)}\n`));
    const item = items(view)[0]?.item as { aggregatedOutput: string };
    expect(item.aggregatedOutput.length).toBeLessThan(40_000);
    expect(item.aggregatedOutput).toContain("line 0 ");
    expect(item.aggregatedOutput).toContain("line 2999 ");
    expect(item.aggregatedOutput).toContain("characters left out");
  });

  test("draws an item of a kind that nobody knows", () => {
    const view = after(...running, started({ type: "hologram", id: "h", colour: "blue", nested: { deep: [1] } }));
    expect(items(view)[0]?.item).toMatchObject({ type: "other", kind: "hologram" });
    expect((items(view)[0]?.item as { body: string }).body).toContain("blue");
  });

  test.each([
    ["an unknown notification", { method: "thread/levitated", params: { threadId } }],
    ["an unknown delta", delta("agentMessage/sparkles", "m", "x")],
    ["a delta for an item that never started", delta("agentMessage/delta", "nobody", "x")],
    ["a notification of another thread", { method: "turn/started", params: { threadId: "other", turn: { id: "x", status: "inProgress" } } }],
    ["a notification without parameters", { method: "error", params: {} }],
  ])("is not touched by %s", (_name, event) => {
    const before = after(...running, started(message("m")));
    expect(fold(before, event as ViewEvent)).toEqual(before);
  });

  test("takes a message for sent until the sidecar confirms it, then shows it once", () => {
    const sent = after(...running, { method: "panel/sent", params: { clientId: "k", text: "hi" } });
    expect(sent.unconfirmed).toHaveLength(1);
    const user = { type: "userMessage", id: "i", clientId: "k", content: [{ type: "text", text: "hi", text_elements: [] }] };
    const view = fold(sent, completed(user));
    expect(view.unconfirmed).toEqual([]);
    expect(items(view)).toHaveLength(1);
  });

  test("says that the sidecar tries again, and forgets it when the stream goes on", () => {
    const error = { message: "The stream broke.", codexErrorInfo: null, additionalDetails: null };
    const view = after(...running, { method: "error", params: { threadId, turnId, error, willRetry: true } });
    expect(view.turns[0]?.retrying).toBe("The stream broke.");
    expect(fold(view, started(message("m"))).turns[0]?.retrying).toBeUndefined();
  });

  test("keeps the error of a failed turn, with its way out", () => {
    const error = { message: "No key. Set OPENAI_API_KEY.", codexErrorInfo: "unauthorized", additionalDetails: null };
    const view = after(...running, turnCompleted("failed", error));
    expect(view.turns[0]).toMatchObject({ status: "failed", error: { message: error.message } });
    expect(isRunning(view)).toBe(false);
  });

  test("leaves nothing spinning when a turn ends before its items do", () => {
    const view = after(...running, started(command("c")), turnCompleted("interrupted"));
    expect(items(view)[0]).toMatchObject({ done: true, item: { status: "failed" } });
  });

  const asked: ViewEvent = {
    method: "panel/asked",
    params: { id: "a", kind: "command", turnId, itemId: "c", offers: [] },
  };
  const yes = { verdict: "accept" as const, text: "Allowed once" };

  test("drops questions with their item and with their turn", () => {
    const waiting = after(...running, started(command("c")), asked);
    expect(waiting.asked).toHaveLength(1);
    expect(fold(waiting, completed(command("c", { status: "declined" }))).asked).toEqual([]);
    expect(fold(waiting, turnCompleted("interrupted")).asked).toEqual([]);
  });

  test("keeps how a question ended with its item, also when the thread is read anew", () => {
    const view = after(...running, started(command("c")), asked, { method: "panel/answered", params: { id: "a", outcome: yes } });
    expect(view.asked).toEqual([]);
    expect(view.outcomes).toEqual({ c: [yes] });
    expect(fold(view, opened()).outcomes).toEqual({ c: [yes] });
    expect(fold(view, opened("t2")).outcomes).toEqual({});
  });

  test("asks for a server in the card of its call that runs", () => {
    const call = (id: string, server: string) => ({ type: "mcpToolCall", id, server, tool: "t", status: "inProgress", arguments: {}, result: null, error: null });
    const form: ViewEvent = {
      method: "panel/asked",
      params: { id: "f", kind: "form", turnId, itemId: null, server: "docs", message: "Who?", fields: [] },
    };
    const calls = after(...running, started(call("a", "docs")), started(call("b", "other")));
    expect(fold(calls, form).asked[0]?.itemId).toBe("a");
    expect(fold(fold(calls, completed({ ...call("a", "docs"), status: "completed" })), form).asked[0]?.itemId).toBeNull();
  });

  test("says nothing of a question that nobody sees any more", () => {
    const view = after(...running, started(command("c")), asked, turnCompleted("interrupted"));
    expect(fold(view, { method: "panel/answered", params: { id: "a", outcome: yes } }).outcomes).toEqual({});
  });

  const planned = (...steps: [string, string][]): ViewEvent => ({
    method: "turn/plan/updated",
    params: { threadId, turnId, explanation: null, plan: steps.map(([step, status]) => ({ step, status })) },
  });

  test("shows the last plan, whole, and lets it go with the next turn once it is done", () => {
    const half = after(...running, planned(["look", "inProgress"]), planned(["look", "completed"], ["mend", "levitating"]));
    expect(half.plan?.steps).toEqual([
      { step: "look", status: "completed" },
      { step: "mend", status: "pending" },
    ]);
    expect(fold(half, turnStarted("u2")).plan).not.toBeNull();
    expect(fold(fold(half, planned(["look", "completed"])), turnStarted("u2")).plan).toBeNull();
    expect(fold(half, planned()).plan).toBeNull();
  });

  const hook = (status: string, more: object = {}): ViewEvent => ({
    method: status === "running" ? "hook/started" : "hook/completed",
    params: { threadId, turnId, run: { id: "h", eventName: "preToolUse", status, statusMessage: null, entries: [], ...more } },
  });

  test("leaves no line of a hook that had nothing to say", () => {
    const begun = after(...running, hook("running"));
    expect(items(begun)).toMatchObject([{ item: { type: "hook", status: "running" }, done: false }]);
    expect(items(fold(begun, hook("completed")))).toEqual([]);
  });

  test("shows what a hook says, in its place", () => {
    const view = after(...running, hook("running"), started(message("m")), hook("blocked", { entries: [{ kind: "feedback", text: "No force-push." }] }));
    expect(items(view)).toMatchObject([{ item: { type: "hook", status: "blocked", said: ["No force-push."] }, done: true }, { item: { id: "m" } }]);
    expect(items(after(...running, hook("running"), turnCompleted("interrupted")))).toMatchObject([{ done: true, item: { status: "stopped" } }]);
  });

  test("shows the pictures of a tool as pictures, and those that it may draw only", () => {
    const part = (mimeType: string) => ({ type: "image", data: "AAAA", mimeType });
    const result = { content: [part("image/png"), part("image/svg+xml"), { type: "text", text: "two" }], structuredContent: null };
    const view = after(...running, completed({ type: "mcpToolCall", id: "x", server: "s", tool: "t", status: "completed", arguments: {}, result, error: null }));
    expect(items(view)[0]?.item).toMatchObject({ title: "s · t", call: { said: "(a picture that is not drawn: image/svg+xml)\n\ntwo" }, images: ["data:image/png;base64,AAAA"] });
  });

  test("says a warning once, also after it was closed and said again", () => {
    const warning: ViewEvent = { method: "warning", params: { threadId: null, message: "No sandbox here." } };
    const view = after(opened(), warning, warning);
    expect(view.notices).toHaveLength(1);
    const closed = fold(view, { method: "panel/notice/dismissed", params: { key: view.notices[0]?.key ?? "" } });
    expect(fold(closed, warning).notices).toEqual([]);
  });

  test("says what takes long until it is over", () => {
    const begun = after(...running, { method: "treadle/progress", params: { message: "Loading the embedded model" } });
    expect(begun.progress).toBe("Loading the embedded model");
    expect(fold(begun, { method: "treadle/progress", params: { message: null } }).progress).toBeNull();
  });

  test("says calmly and once what the embedded model is good for", () => {
    const told = { method: "warning", params: { threadId, message: "The small offline model answers short questions." } };
    const view = after(opened(), told, told);
    expect(view.notices).toMatchObject([{ level: "info", message: "The small offline model answers short questions." }]);
    const closed = fold(view, { method: "panel/notice/dismissed", params: { key: view.notices[0]?.key ?? "" } });
    const again = { method: "warning", params: { threadId: "t2", message: "The small offline model is small." } };
    expect([{ method: "panel/closed" as const, params: {} }, opened("t2"), again].reduce<ThreadView>(fold, closed).notices).toEqual([]);
  });

  test("drops words from the unsent when the thread shows that they were read after all", () => {
    const read = { type: "userMessage", id: "i", clientId: "m1", content: [{ type: "text", text: "one", text_elements: [] }] };
    const view = after(
      opened(),
      { method: "panel/sent", params: { clientId: "m1", text: "one" } },
      { method: "panel/sent", params: { clientId: "m2", text: "two" } },
      { method: "panel/lost", params: { message: "gone" } },
      opened(threadId, [{ id: "u", status: "interrupted", error: null, items: [read] }]),
    );
    expect(view.unsent.map((unsent) => unsent.text)).toEqual(["two"]);
    expect(isRunning(view)).toBe(false);
  });

  test("marks the running turn when the sidecar is lost", () => {
    const view = after(...running, started(command("c")), { method: "panel/lost", params: { message: "It stopped." } });
    expect(view.turns[0]).toMatchObject({ status: "interrupted", error: { message: "It stopped." } });
    expect(isRunning(view)).toBe(false);
  });

  test("shares what did not change, so that only the changed card is drawn again", () => {
    const before = after(...running, started(message("a", "x")), started(message("b")));
    const view = fold(before, delta("agentMessage/delta", "b", "y"));
    expect(view.turns[0]?.items[0]).toBe(before.turns[0]?.items[0]);
    expect(view.turns[0]?.items[1]).not.toBe(before.turns[0]?.items[1]);
  });
});
