// Lenses to keep and undo are of the thread that is shown, as decorations, keys and the panel are.
import { expect, test, vi } from "vitest";

const made = vi.hoisted(() => ({ options: undefined as unknown, fired: 0 }));
vi.mock("vscode", () => ({
  EventEmitter: class {
    event = () => ({ dispose: () => undefined });
    fire = () => undefined;
    dispose = () => undefined;
  },
  commands: { registerCommand: () => ({ dispose: () => undefined }) },
  workspace: { textDocuments: [{ uri: "file:///w/a.py" }, { uri: "output:log" }, { uri: "file:///w/b.py" }] },
}));
vi.mock("vscode-languageclient/node", () => {
  const provider = { onDidChangeCodeLensEmitter: { fire: () => { made.fired += 1; } } };
  class LanguageClient {
    constructor(_id: string, _name: string, _server: unknown, options: unknown) {
      made.options = options;
    }
    onNotification = () => undefined;
    onRequest = () => undefined;
    start = async () => undefined;
    getFeature = () => ({ getProvider: ({ uri }: { uri: string }) => (uri.startsWith("file:") ? provider : undefined) });
  }
  return { LanguageClient, CloseAction: {}, ErrorAction: {}, RevealOutputChannelOn: {}, State: {} };
});
vi.mock("@src/launch", () => ({ findLaunch: async () => ({ command: "python", args: [], env: {}, version: "1" }) }));

import { Sidecar } from "@src/sidecar";

type Lens = { command?: { title: string; arguments?: unknown[] } };
interface Middleware {
  provideCodeLenses(document: unknown, cancelled: unknown, next: () => Promise<Lens[] | null>): Promise<Lens[] | null>;
}

const lens = (title: string, threadId: string): Lens => ({ command: { title, arguments: [{ uri: "file:///w/a.py", threadId, ids: ["h"] }] } });
const all = [lens("Keep", "one"), lens("Keep in a copy", "two"), { command: { title: "Of nobody" } }, {}];

async function start() {
  const log = { info: () => undefined, error: () => undefined };
  const sidecar = new Sidecar(log as never, {} as never);
  await sidecar.ready();
  made.fired = 0;
  const { middleware } = made.options as { middleware: Middleware };
  const drawn = async (found: Lens[] | null = all) => {
    const left = await middleware.provideCodeLenses({}, {}, async () => found);
    return left?.map(({ command }) => command?.title);
  };
  return { sidecar, drawn };
}

test("before a thread was shown there are all of them", async () => {
  const { drawn } = await start();
  expect(await drawn()).toEqual(["Keep", "Keep in a copy", "Of nobody", undefined]);
  expect(await drawn(null)).toBeUndefined();
});

test("of the threads in memory only the shown one has lenses, and those of a fork are asked for at once", async () => {
  const { sidecar, drawn } = await start();
  sidecar.showLenses("one");
  expect(await drawn()).toEqual(["Keep", "Of nobody", undefined]);
  expect(made.fired).toBe(1);
  sidecar.showLenses("one");
  expect(made.fired).toBe(1);
  sidecar.showLenses("two");
  expect(await drawn()).toEqual(["Keep in a copy", "Of nobody", undefined]);
  expect(made.fired).toBe(2);
});
