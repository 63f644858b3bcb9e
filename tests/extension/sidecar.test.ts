// The sidecar's life where its steps cross: settings that change while it starts, and a start that fails after a crash.
import { beforeEach, expect, test, vi } from "vitest";

const world = vi.hoisted(() => ({
  settings: "first",
  /** Finding the program takes until this is done. */
  found: Promise.resolve(),
  fails: undefined as Error | undefined,
  children: [] as { on(event: string, react: (...args: unknown[]) => void): void; emit(event: string, ...args: unknown[]): void }[],
}));

vi.mock("vscode", () => ({
  EventEmitter: class {
    private readonly told: ((event: unknown) => void)[] = [];
    event = (react: (event: unknown) => void) => {
      this.told.push(react);
      return { dispose: () => undefined };
    };
    fire(event: unknown) {
      for (const react of this.told) react(event);
    }
    dispose() {}
  },
  commands: { registerCommand: () => ({ dispose: () => undefined }) },
  workspace: { workspaceFolders: [] },
}));
vi.mock("vscode-languageclient/node", () => ({
  CloseAction: {},
  ErrorAction: {},
  RevealOutputChannelOn: {},
  State: { Running: 2 },
  LanguageClient: class {
    state = 1;
    constructor(
      _id: string,
      _name: string,
      private readonly serve: () => Promise<unknown>,
    ) {}
    async start() {
      await this.serve();
      this.state = 2;
    }
    async stop() {}
    onNotification() {}
    onRequest() {}
  },
}));
vi.mock("node:child_process", async () => {
  const { EventEmitter } = await import("node:events");
  return {
    spawn: () => {
      const stream = () => Object.assign(new EventEmitter(), { setEncoding: () => undefined });
      const child = Object.assign(new EventEmitter(), {
        ...{ pid: 7, exitCode: null, signalCode: null, stdin: stream(), stdout: stream(), stderr: stream() },
        kill: () => child.emit("exit", null, "SIGTERM"),
      });
      world.children.push(child as never);
      return child;
    },
  };
});
vi.mock("@src/settings", () => ({ workspaceFolder: () => null }));
vi.mock("@src/launch", () => ({
  findLaunch: async () => {
    const launch = { command: "python", args: [world.settings], env: {}, version: "1" };
    const { fails } = world;
    await world.found;
    if (fails) throw fails;
    return launch;
  },
}));

import { NoSidecar } from "@src/python";
import { Sidecar } from "@src/sidecar";

const log = { info: () => undefined, error: () => undefined, warn: () => undefined };
const sidecar = () => new Sidecar(log as never, {} as never);

function slow(): () => void {
  let go = () => {};
  world.found = new Promise((done) => {
    go = done;
  });
  return go;
}

beforeEach(() => {
  Object.assign(world, { settings: "first", found: Promise.resolve(), fails: undefined, children: [] });
});

test("settings that change while it is started for the first time are not those that it was started with", async () => {
  const one = sidecar();
  const go = slow();
  const starting = one.ready();
  world.settings = "second";
  const outdated = one.outdated();
  go();
  await starting;
  expect(await outdated).toBe(true);
});

test("nor are those that change while it is started again after a crash", async () => {
  vi.useFakeTimers();
  const one = sidecar();
  await one.ready();
  const go = slow();
  world.settings = "second";
  world.children[0]?.emit("exit", 1, null);
  await vi.runOnlyPendingTimersAsync();
  world.settings = "third";
  const outdated = one.outdated();
  go();
  expect(await outdated).toBe(true);
  vi.useRealTimers();
});

test("one that is being started as it would be now is left alone", async () => {
  const one = sidecar();
  const go = slow();
  const starting = one.ready();
  const outdated = one.outdated();
  go();
  await starting;
  expect(await outdated).toBe(false);
});

test("one that cannot be found again after a crash is said to have failed, with a way to try again", async () => {
  vi.useFakeTimers();
  const one = sidecar();
  await one.ready();
  world.fails = new NoSidecar("No Python works.");
  world.children[0]?.emit("exit", 1, null);
  expect(one.state.connection).toBe("restarting");
  await vi.runOnlyPendingTimersAsync();
  expect(one.state).toEqual({ connection: "failed", problem: "No Python works." });
  vi.useRealTimers();
});
