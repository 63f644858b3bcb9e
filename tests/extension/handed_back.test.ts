// Problems are of the thread whose turn made them: they are told to its model, and to nobody else once another thread is shown.
import { beforeEach, expect, test, vi } from "vitest";
import type { Parts } from "@src/parts";

const editor = vi.hoisted(() => ({ found: [] as unknown[], settings: {} as Record<string, string>, changed: () => undefined as void }));
vi.mock("vscode", () => ({
  Uri: { file: (path: string) => ({ scheme: "file", fsPath: path }) },
  DiagnosticSeverity: { Error: 0 },
  commands: { executeCommand: async () => undefined },
  languages: {
    getDiagnostics: () => editor.found,
    onDidChangeDiagnostics: (react: (change: { uris: { fsPath: string }[] }) => void) => {
      editor.changed = () => react({ uris: [{ fsPath: "/w/a.json" }] });
      return { dispose: () => undefined };
    },
  },
  workspace: {
    textDocuments: [{ uri: { scheme: "file", fsPath: "/w/a.json" } }],
    getConfiguration: () => ({ get: (name: string, otherwise?: string) => editor.settings[name] ?? otherwise }),
  },
}));

import { HandedBack } from "@src/handed_back";

const at = { line: 2, character: 0 };
const wrong = { range: { start: at, end: at }, severity: 0, message: "Expected comma", source: "json" };

function window() {
  const sidecar = { request: vi.fn(async (method: string) => (method === "treadle/action/words" ? { text: "Mend it" } : { taken: 1 })) };
  const view = { id: "one" as string | null, turns: [] };
  const chat = { view, send: vi.fn(async () => undefined) };
  const handed = new HandedBack({ sidecar, chat, panel: { refresh: vi.fn(), show: async () => undefined }, log: { warn: vi.fn() } } as unknown as Parts);
  const told = (method: string, params: object) => handed.notified({ method, params: { threadId: "one", ...params } } as never);
  const edited = () => {
    told("turn/started", { turn: { id: "u" } });
    told("item/started", { item: { type: "fileChange", changes: [{ path: "/w/a.json", diff: "" }] } });
    editor.found = [wrong];
  };
  const ended = () => told("turn/completed", { turn: { id: "u", status: "completed" } });
  const show = (id: string | null) => {
    view.id = id;
    handed.followed({ method: id ? "panel/opened" : "panel/closed", params: {} } as never);
  };
  return { sidecar, chat, handed, edited, ended, show };
}

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(editor, { found: [], settings: {} });
});

test("what appears while the turn runs is told to its model", async () => {
  const { sidecar, edited } = window();
  edited();
  editor.changed();
  await vi.runAllTimersAsync();
  expect(sidecar.request).toHaveBeenCalledExactlyOnceWith("treadle/diagnostics/report", expect.objectContaining({ threadId: "one", turnId: "u" }));
});

test("what is left at its end is told to the user, also when the same thread is read anew", async () => {
  const { handed, edited, ended, show } = window();
  edited();
  ended();
  await vi.runAllTimersAsync();
  show("one");
  expect(handed.panelState()).toEqual({ newProblems: "1 new problem in a.json" });
});

test.each(["two", null])("a thread that is shown instead (%s) is neither told nor made to mend them", async (other) => {
  editor.settings.fixNewProblems = "automatic";
  const { sidecar, chat, handed, edited, ended, show } = window();
  edited();
  ended();
  show(other);
  editor.changed();
  await vi.runAllTimersAsync();
  expect(handed.panelState()).toEqual({ newProblems: null });
  expect([sidecar.request.mock.calls, chat.send.mock.calls]).toEqual([[], []]);
});

test("words that come when another thread is shown are not sent to it", async () => {
  editor.settings.fixNewProblems = "automatic";
  const { sidecar, chat, edited, ended, show } = window();
  let words: (answer: { text: string }) => void = () => undefined;
  sidecar.request.mockImplementation((async () => new Promise((answer) => {
    words = answer as typeof words;
  })) as never);
  edited();
  ended();
  await vi.runAllTimersAsync();
  expect(sidecar.request).toHaveBeenCalledExactlyOnceWith("treadle/action/words", expect.anything());
  show("two");
  words({ text: "Mend it" });
  await vi.runAllTimersAsync();
  expect(chat.send).not.toHaveBeenCalled();
});

test.each(["automatic", "ask"])("what is being sent already is not told again before its turn begins (%s)", async (how) => {
  editor.settings.fixNewProblems = how;
  const { chat, edited, ended, handed } = window();
  edited();
  ended();
  await vi.advanceTimersByTimeAsync(500);
  if (how === "ask") await handed.commands["treadle.fixNewProblems"]();
  expect(chat.send).toHaveBeenCalledOnce();
  editor.changed();
  await vi.advanceTimersByTimeAsync(500);
  expect(chat.send).toHaveBeenCalledOnce();
  expect(handed.panelState()).toEqual({ newProblems: null });
});

test("what cannot be put into words is left to the user", async () => {
  editor.settings.fixNewProblems = "automatic";
  const { sidecar, chat, edited, ended, handed } = window();
  sidecar.request.mockImplementation(async () => {
    throw new Error("It is gone.");
  });
  edited();
  ended();
  await vi.runAllTimersAsync();
  expect(chat.send).not.toHaveBeenCalled();
  expect(handed.panelState()).toEqual({ newProblems: "1 new problem in a.json" });
});
