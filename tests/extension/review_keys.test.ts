// The keys of a review come faster than editors open: keep and undo mean the change that the step before them goes to. And lenses are
// of the thread whose changes the keys walk.
import { expect, test, vi } from "vitest";

interface Editor {
  document: { uri: { scheme: string; fsPath: string; toString(): string }; lineCount: number; version: number };
  selection: { active: { line: number } };
  revealRange(): void;
}
const window = vi.hoisted(() => ({ active: undefined as Editor | undefined, opened: Promise.resolve() }));

vi.mock("@src/review_editors", () => ({ ReviewEditors: class { draw() {} dispose() {} } }));
vi.mock("@src/review_texts", () => ({ ReviewTexts: class { renew() {} dispose() {} } }));
vi.mock("@src/mentions", () => ({ linesMention: () => undefined }));
vi.mock("vscode", () => {
  const never = () => ({ dispose: () => undefined });
  const uri = (fsPath: string) => ({ scheme: "file", fsPath, toString: () => `file://${fsPath}` });
  const document = { uri: uri("/w/a.py"), lineCount: 40, version: 1 };
  window.active = { document, selection: { active: { line: 0 } }, revealRange: () => undefined };
  return {
    Uri: { file: uri },
    Position: class {
      constructor(readonly line: number) {}
    },
    Range: class {
      constructor(readonly start: { line: number }) {}
    },
    TextEditorRevealType: { InCenterIfOutsideViewport: 2 },
    commands: { executeCommand: async () => undefined },
    window: {
      get activeTextEditor() {
        return window.active;
      },
      setStatusBarMessage: () => undefined,
      showTextDocument: async (_document: unknown, { selection }: { selection: { start: { line: number } } }) => {
        await window.opened;
        if (window.active) window.active.selection.active = selection.start;
        return window.active;
      },
    },
    workspace: {
      textDocuments: [document],
      openTextDocument: async () => document,
      onDidChangeTextDocument: never,
      onDidOpenTextDocument: never,
    },
  };
});

import type { Parts } from "@src/parts";
import { Review } from "@src/review";

const hunk = (id: string, start: number) => ({ id, baseStart: start, baseLines: 1, start, lines: 1, removed: ["old"], added: ["new"], turnIds: ["u1"], whole: false });
const file = { path: "/w/a.py", kind: "update", unsaved: false, version: 1, hunks: [hunk("first", 4), hunk("second", 20)], added: 2, removed: 2, omitted: null, moved: null };

test.each(["keep", "undo"] as const)("next, next and at once %s: it is the second change that is meant", async (act) => {
  const settled: unknown[] = [];
  const request = async (method: string, params: { ids?: string[] }) => {
    if (method === "treadle/hunk/list") return { files: [file] };
    settled.push([method, params.ids]);
    return { problems: [] };
  };
  const parts = { sidecar: { request, showLenses: () => undefined }, log: { warn: () => undefined }, chat: { view: { id: "t" }, receive: () => undefined } };
  const review = new Review(parts as unknown as Parts);
  const commands = review.commands as Record<string, () => Promise<void>>;
  if (window.active) window.active.selection.active = { line: 0 };
  review.followed({ method: "panel/opened", params: {} } as never);
  await new Promise((listed) => setImmediate(listed));
  let open = () => {};
  window.opened = new Promise((done) => {
    open = done;
  });
  const pressed = ["next", "next", act].map((key) => commands[`treadle.review.${key}`]?.());
  open();
  await Promise.all(pressed);
  expect(settled).toEqual([[`treadle/hunk/${act}`, ["second"]]]);
});

test("the thread that is shown has the lenses; where none is, the last one keeps them", () => {
  const sidecar = { request: async () => ({ files: [] }), showLenses: vi.fn() };
  const view = { id: "t" as string | null };
  const review = new Review({ sidecar, log: { warn: () => undefined }, chat: { view, receive: () => undefined } } as unknown as Parts);
  review.followed({ method: "panel/opened", params: {} } as never);
  view.id = null;
  review.followed({ method: "panel/closed", params: {} });
  review.followed({ method: "turn/started", params: {} });
  expect(sidecar.showLenses.mock.calls).toEqual([["t"]]);
});

test("a thread that is shown again after none was has its changes in the panel again", async () => {
  const view = { id: "t" as string | null };
  const told: unknown[] = [];
  const receive = ({ method, params }: { method: string; params: { files: unknown[] } }) => told.push([method, params.files.length]);
  const sidecar = { request: async () => ({ files: [file] }), showLenses: () => undefined };
  const review = new Review({ sidecar, log: { warn: () => undefined }, chat: { view, receive } } as unknown as Parts);
  const show = async (id: string | null) => {
    view.id = id;
    review.followed({ method: id ? "panel/opened" : "panel/closed", params: {} } as never);
    await new Promise((listed) => setImmediate(listed));
  };
  await show("t");
  await show(null);
  await show("t");
  expect(told).toEqual([
    ["panel/review", 1],
    ["panel/review", 1],
  ]);
});
