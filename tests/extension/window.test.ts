// What happens in the window while it waits: the user's later word counts, and what cannot be done is said.
import { beforeEach, expect, test, vi } from "vitest";

const world = vi.hoisted(() => ({
  said: [] as string[],
  state: new Map<string, unknown>(),
  received: (_message: unknown) => undefined as void,
  view: { id: null as string | null },
  running: false,
  opening: undefined as Promise<unknown> | undefined,
  resume: (_id: string): Promise<void> => Promise.resolve(),
  state_: (_state: { connection: string }) => undefined as void,
  messages: {} as Record<string, () => unknown>,
  drawn: () => ({}) as { recent: { id: string }[]; model: string },
  folder: "/one",
  list: async (_cwd: string): Promise<unknown[]> => [],
}));

const part = vi.hoisted(
  () => () =>
    class {
      dispose() {}
      draw() {}
      refresh() {}
      forget() {}
      dropSettled() {}
    },
);

vi.mock("vscode", () => {
  const nothing = { dispose: () => undefined };
  return {
    commands: { executeCommand: async () => undefined },
    window: {
      registerWebviewViewProvider: () => nothing,
      showErrorMessage: async (words: string) => void world.said.push(words),
    },
    workspace: {
      onDidChangeWorkspaceFolders: () => nothing,
      getConfiguration: () => ({ get: (_name: string, otherwise: unknown) => otherwise }),
    },
  };
});
vi.mock("@src/basics", () => ({ Basics: part() }));
vi.mock("@src/diffs", () => ({ Diffs: part() }));
vi.mock("@src/doctor_page", () => ({ DoctorPage: part() }));
vi.mock("@src/inspector", () => ({ Inspector: part() }));
vi.mock("@src/permissions", () => ({ Permissions: part() }));
vi.mock("@src/questions", () => ({ Questions: part() }));
vi.mock("@src/status", () => ({ Status: part() }));
vi.mock("@src/commands", () => ({ registerCommands: () => [], title: (thread: { id: string }) => thread.id }));
vi.mock("@src/leaving", () => ({ isElsewhere: () => false, notOpened: async () => undefined }));
vi.mock("@src/features", () => ({
  features: () => [{ messages: world.messages, dispose: () => undefined }],
  found: (all: Record<string, unknown>[], pick: (one: never) => unknown) => all.map((one) => pick(one as never)).find((one) => one !== undefined),
}));
vi.mock("@src/folders", () => ({ roots: () => [] }));
vi.mock("@src/log", () => ({
  createLog: () => ({ warn: () => undefined, error: () => undefined, dispose: () => undefined }),
  sentence: (error: Error) => error.message,
  unlinked: (text: string) => text,
}));
vi.mock("@src/settings", () => ({
  readSettings: () => ({ said: {}, trusted: true }),
  threadParams: () => ({}),
  workspaceFolder: () => ({ uri: { fsPath: world.folder } }),
}));
vi.mock("@src/panel", () => ({
  viewId: "treadle.chat",
  home: () => null,
  Panel: class {
    visible = true;
    constructor(_context: unknown, _chat: unknown, state: typeof world.drawn, received: typeof world.received) {
      world.drawn = state;
      world.received = received;
    }
    refresh() {}
    setBadge() {}
    dispose() {}
  },
}));
vi.mock("@src/sidecar", () => ({
  Sidecar: class {
    state = { connection: "idle" };
    onNotification = () => ({ dispose: () => undefined });
    onState = (react: typeof world.state_) => {
      world.state_ = (state) => {
        this.state = state;
        react(state);
      };
      return { dispose: () => undefined };
    };
    request = async (_method: string, { cwd }: { cwd: string }) => ({ config: { model: cwd } });
    ready = async () => undefined;
    dispose() {}
  },
}));
vi.mock("@src/chat", () => ({
  Chat: class {
    view = world.view;
    get running() {
      return world.running;
    }
    onEvent() {}
    lost() {}
    settled = () => world.opening;
    resume = (id: string) => world.resume(id);
    reopen = async () => undefined;
    list = (cwd: string) => world.list(cwd);
  },
}));

import { activate } from "@src/extension";

function open(): void {
  const workspaceState = {
    get: (key: string, otherwise?: unknown) => world.state.get(key) ?? otherwise,
    update: async (key: string, value: unknown) => void world.state.set(key, value),
  };
  activate({ workspaceState, subscriptions: [], extensionUri: {} } as never);
}

const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(world, { said: [], state: new Map(), messages: {}, view: { id: null }, running: false, opening: undefined, folder: "/one" });
  world.resume = async () => undefined;
  world.list = async () => [];
});

/** The thread of before is still held by the sidecar of before. */
async function restoring() {
  world.state.set("treadle.lastThread", "before");
  world.resume = vi.fn(async () => {
    throw new Error("It is open in another window.");
  });
  open();
  world.state_({ connection: "ready" });
  await settled();
  expect(world.resume).toHaveBeenCalledOnce();
}

test("the thread of before is tried again after a while", async () => {
  await restoring();
  await vi.advanceTimersByTimeAsync(500);
  expect(world.resume).toHaveBeenCalledTimes(2);
});

test("but not when the user began anew meanwhile", async () => {
  await restoring();
  world.state.delete("treadle.lastThread");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(world.resume).toHaveBeenCalledOnce();
});

test("nor over another thread that the user is opening", async () => {
  await restoring();
  world.opening = new Promise(() => undefined);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(world.resume).toHaveBeenCalledOnce();
});

test("what a click in the panel cannot do is said", async () => {
  open();
  world.messages.chooseFolder = async () => {
    throw new Error("The folder is gone.");
  };
  world.received({ type: "chooseFolder", path: "/gone" });
  await settled();
  expect(world.said).toEqual(["Treadle: The folder is gone."]);
});

test("what could not be sent stays in the panel with its reason, and is not said twice", async () => {
  open();
  world.messages.say = async () => {
    throw new Error("The sidecar did not start.");
  };
  world.received({ type: "say", draft: {}, other: false });
  await settled();
  expect(world.said).toEqual([]);
});

test("what was asked of the folder before does not take the place of what is said of this one", async () => {
  const lists = new Map<string, (threads: unknown[]) => void>();
  world.list = (cwd) => new Promise((answer) => lists.set(cwd, answer));
  open();
  world.state_({ connection: "ready" });
  await settled();
  world.folder = "/two";
  world.state_({ connection: "ready" });
  await settled();
  lists.get("/two")?.([{ id: "of two" }]);
  await settled();
  lists.get("/one")?.([{ id: "of one" }]);
  await settled();
  expect(world.drawn()).toMatchObject({ recent: [{ id: "of two" }], model: "/two" });
});
