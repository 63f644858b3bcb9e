// The view of threads reads one list at a time, and what changes while it is read is read as well.
import { beforeEach, expect, test, vi } from "vitest";

const nothing = { dispose: () => undefined };
vi.mock("vscode", () => ({
  EventEmitter: class {
    private readonly told: ((node: unknown) => void)[] = [];
    event = (react: (node: unknown) => void) => {
      this.told.push(react);
      return nothing;
    };
    fire(node: unknown) {
      for (const react of this.told) react(node);
    }
    dispose() {}
  },
  commands: { executeCommand: async () => undefined },
  window: {
    createTreeView: () => ({ visible: true, onDidChangeVisibility: () => nothing, dispose: () => undefined }),
    onDidChangeWindowState: () => nothing,
  },
  workspace: { workspaceFolders: [], onDidChangeWorkspaceFolders: () => nothing },
}));

import type { Parts } from "@src/parts";
import { ThreadsView } from "@src/threads_view";
import { emptyView } from "@src/view";

/** A sidecar that answers with the threads that there were when it was asked. */
function view() {
  const there = new Map<string, string>();
  const waiting: (() => void)[] = [];
  const request = (method: string, params: { archived: boolean; cursor: string | null; limit: number }) => {
    const data = method === "thread/list" && !params.archived ? [...there].map(([id, name]) => ({ id, name, status: { type: "idle" } })) : [];
    const from = Number(params.cursor ?? 0);
    const next = from + params.limit;
    const page = { data: data.slice(from, next), nextCursor: next < data.length ? String(next) : null };
    return new Promise((answer) => waiting.push(() => answer(page)));
  };
  const parts = {
    context: { workspaceState: { get: (_key: string, otherwise: unknown) => otherwise, update: async () => undefined } },
    sidecar: { state: { connection: "ready" }, request },
    chat: { view: emptyView, running: false },
    log: { warn: () => undefined },
  };
  const threads = new ThreadsView(parts as unknown as Parts);
  let drawn: (string | null)[] = [];
  const draw = async () => {
    const rows = await threads.getChildren();
    drawn = rows.map((row) => (row.kind === "thread" ? row.thread.name : row.kind));
  };
  threads.onDidChangeTreeData(() => void draw());
  const answer = async () => {
    for (const one of waiting.splice(0)) one();
    await vi.advanceTimersByTimeAsync(0);
  };
  const comes = (id: string) => {
    there.set(id, id);
    threads.notified({ method: "thread/started", params: {} });
  };
  const named = (id: string, name: string) => {
    there.set(id, name);
    threads.notified({ method: "thread/name/updated", params: { threadId: id, threadName: name } });
  };
  return { threads, draw, answer, comes, named, drawn: () => drawn };
}

beforeEach(() => {
  vi.useFakeTimers();
});

test("a thread that comes while the list is read is drawn", async () => {
  const { draw, answer, comes, drawn } = view();
  comes("one");
  void draw();
  comes("two");
  await vi.advanceTimersByTimeAsync(1_000);
  await answer();
  await answer();
  expect(drawn()).toEqual(["one", "two"]);
});

test("a choice of folders that is changed while the list is read does not leave it empty", async () => {
  const { threads, draw, answer, comes, drawn } = view();
  comes("one");
  void draw();
  await threads.commands?.["treadle.threads.allFolders"]?.();
  await answer();
  await answer();
  expect(drawn()).toEqual(["one"]);
});

test("a name that comes while the list is read is not overtaken by the one before", async () => {
  const { threads, draw, answer, comes, named, drawn } = view();
  comes("one");
  void draw();
  await answer();
  void threads.commands?.["treadle.threads.refresh"]?.();
  named("one", "The comma");
  await answer();
  await answer();
  expect(drawn()).toEqual(["The comma"]);
});

test("more that is asked for while the list is read again comes all the same", async () => {
  const { threads, draw, answer, comes, drawn } = view();
  for (let at = 0; at < 160; at += 1) comes(`t${at}`);
  void draw();
  await answer();
  await vi.advanceTimersByTimeAsync(1_000);
  await answer();
  expect(drawn()).toHaveLength(51);
  const more = threads.commands?.["treadle.threads.more"]?.({ kind: "more", archived: false });
  void threads.commands?.["treadle.threads.refresh"]?.();
  for (let rounds = 0; rounds < 5; rounds += 1) await answer();
  await more;
  expect(drawn()).toHaveLength(101);
  const twice = [1, 2].map(() => threads.commands?.["treadle.threads.more"]?.({ kind: "more", archived: false }));
  for (let rounds = 0; rounds < 5; rounds += 1) await answer();
  await Promise.all(twice);
  expect(drawn()).toHaveLength(151);
});
