// Going from one thread to another while something is under way: the last thing that the user asked for is what happens, and nothing that
// was meant for one thread is done in the next.
import { beforeEach, describe, expect, test, vi } from "vitest";

const nothing = { dispose: () => undefined };
vi.mock("vscode", () => ({
  ConfigurationTarget: { Global: 1, Workspace: 2, WorkspaceFolder: 3 },
  commands: { registerCommand: (_name: string, act: () => unknown) => act, executeCommand: async () => undefined },
  window: { showWarningMessage: async () => "Stop and Go", showErrorMessage: async () => undefined },
  workspace: {
    registerTextDocumentContentProvider: () => nothing,
    onDidCloseTextDocument: () => nothing,
    isTrusted: true,
    workspaceFolders: [],
    onDidChangeConfiguration: () => nothing,
    getConfiguration: () => ({ get: () => undefined, inspect: () => undefined, update: async (name: string, value: unknown) => void kept.push([name, value]) }),
  },
}));

import { registerCommands } from "@src/commands";
import { Checkpoints } from "@src/checkpoints";
import { Earlier } from "@src/earlier";
import { openThread } from "@src/leaving";
import type { Feature, Parts } from "@src/parts";
import { Pickers } from "@src/pickers";
import { Queue } from "@src/queue";
import { RestoreDiffs } from "@src/restore_diffs";
import { emptyView, type ThreadView } from "@src/view";

let kept: unknown[] = [];
const rest = () => new Promise((done) => setImmediate(done));

/** A request that is answered when the test says so. */
function slow() {
  const asked: { method: string; params: Record<string, unknown>; answer(result: unknown): Promise<unknown> }[] = [];
  const request = (method: string, params: Record<string, unknown>) =>
    new Promise((resolve) => {
      const answer = (result: unknown) => {
        resolve(result);
        return rest();
      };
      asked.push({ method, params, answer });
    });
  return { asked, request, last: () => asked.at(-1) as (typeof asked)[number] };
}

const view = (id: string | null, more: Partial<ThreadView> = {}): ThreadView => ({ ...emptyView, id, ...more });
const turn = (id: string) => ({ id, status: "completed", items: [] });

beforeEach(() => {
  kept = [];
});

test("who opens a thread and thinks better of it stays where they are", async () => {
  const chat = { view: view("one"), running: false, settled: () => undefined as Promise<unknown> | undefined, resume: vi.fn(async () => undefined) };
  const needs = { chat, panel: { visible: true, show: async () => undefined } } as unknown as Parts;
  await openThread(needs, "one");
  expect(chat.resume, "it is shown").not.toHaveBeenCalled();
  chat.settled = () => new Promise(() => undefined);
  await openThread(needs, "one");
  expect(chat.resume).toHaveBeenCalledExactlyOnceWith("one");
});

test("a new thread that waits for a turn to stop does not close the one that was opened since", async () => {
  let stopped = () => {};
  const chat = {
    view: view("one"),
    interrupt: () =>
      new Promise<void>((done) => {
        stopped = done;
      }),
    close: vi.fn(),
  };
  const parts = { chat, panel: { show: async () => undefined }, log: { error: () => undefined } } as unknown as Parts;
  const [anew] = registerCommands(parts, []) as unknown as (() => Promise<void>)[];
  const closing = anew?.();
  chat.view = view("two");
  stopped();
  await closing;
  expect(chat.close).not.toHaveBeenCalled();
  const again = anew?.();
  stopped();
  await again;
  expect(chat.close).toHaveBeenCalledOnce();
});

describe("earlier turns", () => {
  const window = () => {
    const { asked, request, last } = slow();
    const chat = { view: view("one", { earlier: true, turns: [turn("u9")] }), receive: () => undefined };
    const { answers } = new Earlier({ chat, sidecar: { request } } as unknown as Parts);
    return { asked, last, chat, answers: answers as Required<NonNullable<Feature["answers"]>> };
  };

  test("are not loaded of another thread than the one where a place was looked for", async () => {
    const { asked, last, chat, answers } = window();
    const loading = answers.earlier({ until: "u1" });
    chat.view = view("two", { earlier: true, turns: [turn("v9")] });
    await last().answer({ data: [], nextCursor: "more" });
    await rest();
    expect(asked).toHaveLength(1);
    expect(await loading).toBe(false);
  });

  test("of the thread before are no places in this one", async () => {
    const { last, chat, answers } = window();
    const looking = answers.occurrences({ term: "comma" });
    chat.view = view("two", { earlier: true, turns: [turn("v9")] });
    await last().answer({ data: [{ turnId: "u1", itemId: "i" }], nextCursor: null });
    expect(await looking).toEqual({ places: [], more: false });
  });
});

describe("what is chosen under the box", () => {
  const window = () => {
    const { asked, request, last } = slow();
    const chat = { view: view("one", { provider: "slow" }), notice: () => undefined };
    const sidecar = { state: { connection: "ready" }, request };
    const pickers = new Pickers({ chat, sidecar, panel: { refresh: () => undefined }, log: { warn: () => undefined } } as unknown as Parts);
    return { asked, last, chat, pickers };
  };
  const model = (id: string) => ({ model: id, displayName: id, description: "", supportedReasoningEfforts: [], defaultReasoningEffort: "low", inputModalities: [] });

  test("offers the models of the provider of now, whichever answers last", async () => {
    const { asked, last, chat, pickers } = window();
    pickers.followed({ method: "panel/opened", params: {} } as never);
    await last().answer({ config: {} });
    const before = last();
    chat.view = view("two", { provider: "quick" });
    pickers.followed({ method: "panel/opened", params: {} } as never);
    await last().answer({ config: {} });
    await last().answer({ data: [model("quick one")], nextCursor: null });
    await before.answer({ data: [model("slow one")], nextCursor: null });
    expect(asked.map(({ method, params }) => [method, params.modelProvider])).toEqual([
      ["config/read", undefined],
      ["model/list", "slow"],
      ["config/read", undefined],
      ["model/list", "quick"],
    ]);
    expect(pickers.panelState().models?.map(({ id }) => id)).toEqual(["quick one"]);
  });

  test("for a thread is not kept for new ones, though the thread is left before the answer", async () => {
    const { last, chat, pickers } = window();
    const picking = pickers.messages?.pick?.({ type: "pick", picked: { model: "quick one" }, forNew: false });
    chat.view = view(null);
    await last().answer({});
    await rest();
    void picking;
    expect(kept).toEqual([]);
  });
});

test("a waiting message that is moved twice is moved by two places", async () => {
  let ids = ["a", "b", "c"];
  const shown = view("one");
  const chat = {
    view: shown,
    notice: () => undefined,
    receive: ({ params }: { params: { queue: ThreadView["queue"] } }) => {
      chat.view = { ...chat.view, queue: params.queue };
    },
  };
  const request = async (method: string, params: { queuedSubmissionIds?: string[] }) => {
    await rest();
    if (method === "thread/queue/reorder") ids = params.queuedSubmissionIds ?? ids;
    return { data: ids.map((id) => ({ id, input: [] })) };
  };
  const queue = new Queue({ chat, sidecar: { request }, log: { warn: () => undefined } } as unknown as Parts);
  queue.followed({ method: "panel/opened", params: {} } as never);
  await rest();
  await rest();
  const up = () => queue.messages?.queueMove?.({ type: "queueMove", id: "c", by: -1 }) as Promise<void>;
  const moves = [up(), up()];
  await rest();
  queue.notified({ method: "thread/queue/changed", params: { threadId: "one" } });
  await Promise.all(moves);
  expect(ids).toEqual(["c", "a", "b"]);
});

test("the diff of a plan is that of the message whose plan was asked for last", async () => {
  const { asked, request } = slow();
  const message = (id: string) => ({ item: { type: "userMessage" as const, id, clientId: null, content: [] }, done: true });
  const turns = ["one", "two"].map((id) => ({ ...turn(id), items: [message(id)] }));
  const chat = { view: view("t", { turns }), running: false };
  const shown = vi.spyOn(RestoreDiffs.prototype, "one").mockResolvedValue();
  const checkpoints = new Checkpoints({ chat, sidecar: { request } } as unknown as Parts);
  for (const itemId of ["one", "two"]) void checkpoints.answers?.restorePlan?.({ itemId, what: "both" });
  await asked[1]?.answer({ files: [{ path: "/w/a", kind: "restore", diff: "of two" }], turns: 1 });
  await asked[0]?.answer({ files: [{ path: "/w/a", kind: "restore", diff: "of one" }], turns: 2 });
  await checkpoints.messages?.openRestoreDiff?.({ type: "openRestoreDiff", path: "/w/a" });
  expect(shown).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ diff: "of two" }));
});
