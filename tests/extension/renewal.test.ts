// When the sidecar is started anew: when it would be started otherwise, once for many changes, and never under a running turn.
import { beforeEach, expect, test, vi } from "vitest";
import type { Parts } from "@src/parts";

const changes = vi.hoisted(() => ({ settings: [] as (() => void)[] }));
const nothing = { dispose: () => undefined };
vi.mock("vscode", () => ({
  workspace: { onDidChangeWorkspaceFolders: () => nothing, onDidGrantWorkspaceTrust: () => nothing },
}));
vi.mock("@src/settings", () => ({
  onSettingsChange: (react: () => void) => {
    changes.settings.push(react);
    return nothing;
  },
}));
vi.mock("@src/python_extensions", () => ({ onInterpreterChange: () => nothing }));
vi.mock("@src/keys", () => ({
  Keys: class {
    onChange() {
      return nothing;
    }
  },
}));

import { Renewal } from "@src/renewal";

function window(outdated: () => Promise<boolean>) {
  const sidecar = { outdated: vi.fn(outdated), restart: vi.fn(async () => undefined) };
  const chat = { running: false };
  const parts = { sidecar, chat, panel: { refresh: vi.fn() }, log: { warn: vi.fn() }, context: {} };
  const renewal = new Renewal(parts as unknown as Parts);
  const change = changes.settings.at(-1) as () => void;
  return { sidecar, chat, renewal, change };
}

const settled = () => new Promise((done) => setImmediate(done));

beforeEach(() => {
  changes.settings = [];
});

test("a sidecar that would be started as it was is left alone", async () => {
  const { sidecar, change } = window(async () => false);
  change();
  await settled();
  expect(sidecar.outdated).toHaveBeenCalledOnce();
  expect(sidecar.restart).not.toHaveBeenCalled();
});

test("many changes while it is looked at are one restart", async () => {
  const answers: ((outdated: boolean) => void)[] = [];
  const { sidecar, change } = window(() => new Promise((answer) => answers.push(answer)));
  change();
  change();
  change();
  answers.shift()?.(true);
  await settled();
  expect(sidecar.restart).toHaveBeenCalledOnce();
  answers.shift()?.(false);
  await settled();
  expect([sidecar.outdated.mock.calls.length, sidecar.restart.mock.calls.length]).toEqual([2, 1]);
});

test("a running turn is waited for", async () => {
  const { sidecar, chat, renewal, change } = window(async () => true);
  chat.running = true;
  change();
  await settled();
  expect(sidecar.restart).not.toHaveBeenCalled();
  chat.running = false;
  renewal.followed({ method: "turn/completed", params: {} });
  await settled();
  expect(sidecar.restart).toHaveBeenCalledOnce();
  renewal.followed({ method: "turn/completed", params: {} });
  await settled();
  expect(sidecar.restart, "nothing is due any more").toHaveBeenCalledOnce();
});

test("a turn that begins while it is looked at is waited for as well", async () => {
  const { sidecar, chat, renewal, change } = window(async () => {
    chat.running = true;
    return true;
  });
  change();
  await settled();
  expect(sidecar.restart).not.toHaveBeenCalled();
  chat.running = false;
  sidecar.outdated.mockImplementation(async () => true);
  renewal.followed({ method: "turn/completed", params: {} });
  await settled();
  expect(sidecar.restart).toHaveBeenCalledOnce();
});

test.each(["panel/unsent", "panel/closed", "panel/opened"])("what was waited for may be over without a turn (%s)", async (method) => {
  const { sidecar, chat, renewal, change } = window(async () => true);
  chat.running = true;
  change();
  await settled();
  renewal.followed({ method: "item/started", params: {} });
  await settled();
  expect(sidecar.restart).not.toHaveBeenCalled();
  chat.running = false;
  renewal.followed({ method, params: {} } as never);
  await settled();
  expect(sidecar.restart).toHaveBeenCalledOnce();
});
