// What is asked about code is about the place where the user was when they asked, however long a language server thinks.
import { expect, test, vi } from "vitest";

const editor = vi.hoisted(() => ({ active: {} as { selection: unknown; document: unknown }, place: Promise.resolve({} as unknown), told: [] as unknown[] }));

vi.mock("vscode", () => {
  const kind: object = { append: () => kind };
  return {
    CodeActionKind: { QuickFix: kind, Refactor: kind, RefactorRewrite: kind },
    Range: class {},
    languages: {
      registerCodeActionsProvider: () => ({ dispose: () => undefined }),
      getDiagnostics: () => [1, 9].map((line) => ({ message: `line ${line}`, severity: 0, range: { intersection: (at: { line: number }) => at.line === line } })),
    },
    window: {
      get activeTextEditor() {
        return editor.active;
      },
    },
  };
});
vi.mock("@src/mentions", () => ({ linesMention: (_uri: unknown, lines: unknown) => lines }));
vi.mock("@src/editor_place", () => ({ placeOf: () => editor.place }));
vi.mock("@src/editor_words", () => ({
  lspDiagnostic: ({ message }: { message: string }) => message,
  act: async (_parts: unknown, _action: unknown, _place: unknown, more: unknown) => void editor.told.push(more),
}));

import { EditorActions } from "@src/editor_actions";

const at = (line: number) => ({ line, isEmpty: false, active: { line } });

test("problems are those of what was selected when it was asked", async () => {
  let found = (_place: unknown) => {};
  editor.place = new Promise((done) => {
    found = done;
  });
  editor.active = { selection: at(1), document: {} };
  const fixing = new EditorActions({} as never).commands["treadle.fixSelection"]();
  editor.active.selection = at(9);
  found({ uri: {}, lines: [1, 1] });
  await fixing;
  expect(editor.told).toEqual([{ diagnostics: ["line 1"] }]);
});
