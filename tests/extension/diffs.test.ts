// The tabs of proposed edits: one that is still being opened when its question is answered goes, too.
import { expect, test, vi } from "vitest";

const editor = vi.hoisted(() => ({
  tabs: [] as { input: unknown }[],
  drawn: Promise.resolve(),
}));

vi.mock("vscode", () => {
  class TabInputTextDiff {
    constructor(
      readonly original: unknown,
      readonly modified: unknown,
    ) {}
  }
  class EventEmitter {
    event = () => ({ dispose: () => undefined });
    fire() {}
    dispose() {}
  }
  const uri = (scheme: string, fsPath: string, query: string) => ({
    scheme,
    fsPath,
    query,
    with: (more: { scheme: string; query: string }) => uri(more.scheme, fsPath, more.query),
    toString: () => `${scheme}:${fsPath}?${query}`,
  });
  const never = () => ({ dispose: () => undefined });
  return {
    EventEmitter,
    TabInputTextDiff,
    TextEditorSelectionChangeKind: { Command: 3 },
    Uri: { file: (path: string) => uri("file", path, "") },
    commands: {
      executeCommand: async (_name: string, before: unknown, after: unknown) => {
        await editor.drawn;
        editor.tabs.push({ input: new TabInputTextDiff(before, after) });
      },
    },
    window: {
      onDidChangeTextEditorSelection: never,
      tabGroups: {
        get all() {
          return [{ tabs: editor.tabs }];
        },
        close: async (gone: unknown[]) => {
          editor.tabs = editor.tabs.filter((tab) => !gone.includes(tab));
        },
      },
    },
    workspace: { registerTextDocumentContentProvider: never, onDidCloseTextDocument: never, textDocuments: [] },
  };
});

import { Diffs } from "@src/diffs";

/** From now on no diff is drawn before the answer is called. */
function slow(): () => void {
  let draw = () => {};
  editor.drawn = new Promise((done) => {
    draw = done;
  });
  return draw;
}

const change = { path: "/nowhere/notes.md", kind: { type: "add" as const }, diff: "# Notes\n" };

test("an answer that comes before the diff is drawn closes it as soon as it is there", async () => {
  const draw = slow();
  const diffs = new Diffs();
  const [offered, closed] = [diffs.offer("c1", [change]), diffs.close("c1")];
  draw();
  await Promise.all([offered, closed]);
  expect(editor.tabs).toEqual([]);
});

test("closing the diffs of one edit leaves and awaits no other", async () => {
  const diffs = new Diffs();
  editor.drawn = Promise.resolve();
  await diffs.offer("c1", [change]);
  const draw = slow();
  const other = diffs.offer("c2", [change]);
  await diffs.close("c1");
  expect(editor.tabs).toEqual([]);
  draw();
  await other;
  expect(editor.tabs).toHaveLength(1);
});
