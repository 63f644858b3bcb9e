// What the sidecar and a thread are told of VS Code's settings: a config.toml of Codex counts until a user says otherwise here.
import { beforeEach, describe, expect, test, vi } from "vitest";

const set = vi.hoisted(() => ({ values: {} as Record<string, object>, trusted: true }));
vi.mock("vscode", () => ({
  workspace: {
    get isTrusted() {
      return set.trusted;
    },
    workspaceFolders: [{ name: "w", uri: { scheme: "file", fsPath: "/w", toString: () => "file:///w" } }],
    getConfiguration: () => ({
      get: (name: string, otherwise: unknown) => (set.values[name] as { globalValue?: unknown } | undefined)?.globalValue ?? otherwise,
      inspect: (name: string) => set.values[name] ?? { defaultValue: "whatever package.json says" },
    }),
  },
}));

import { readSettings, serveArguments, threadParams } from "@src/settings";

beforeEach(() => {
  set.values = {};
  set.trusted = true;
});

const served = () => serveArguments(readSettings(), ["/w", "/v"]);

describe("without a setting that a user has changed", () => {
  test("nothing outranks config.toml", () => {
    expect(served()).toEqual(["--trusted", "/w", "--trusted", "/v", "--default", "ask_before_edits=true"]);
    expect(threadParams(readSettings(), "/w", ["/w", "/v"])).toEqual({ cwd: "/w", config: {}, runtimeWorkspaceRoots: ["/w", "/v"] });
  });
});

test("what a user has changed outranks config.toml, for the process and for each thread", () => {
  set.values = {
    model: { globalValue: 'a "b" c' },
    sandboxMode: { workspaceValue: "read-only" },
    approvalPolicy: { globalValue: "default" },
    "sandbox.writableRoots": { globalValue: ["/data"] },
    "history.maxAgeDays": { globalValue: 30 },
  };
  expect(served().slice(6)).toEqual([
    ...["-c", 'model="a \\"b\\" c"'],
    ...["-c", 'sandbox_mode="read-only"'],
    ...["-c", 'sandbox_workspace_write.writable_roots=["/data"]'],
    ...["-c", "treadle.history.max_age_days=30"],
  ]);
  expect(threadParams(readSettings(), "/w").config).toEqual({
    model: 'a "b" c',
    sandbox_mode: "read-only",
    "sandbox_workspace_write.writable_roots": ["/data"],
  });
});

test("in a workspace that is not trusted the sidecar is told so, and nothing that the workspace says", () => {
  set.trusted = false;
  set.values = { sandboxMode: { workspaceValue: "danger-full-access" }, model: { globalValue: "mine" } };
  expect(served()).toEqual(["--restricted", "--default", "ask_before_edits=true", "-c", 'model="mine"']);
});
