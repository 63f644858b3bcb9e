// A block of code that is applied while another one is still being written has its difference shown all the same.
import { expect, test, vi } from "vitest";

const editor = vi.hoisted(() => ({
  shown: [] as { query: string }[],
  saved: Promise.resolve(),
  provide: (_uri: unknown) => "" as string,
  answers: [] as ((answer: string | undefined) => void)[],
}));

vi.mock("vscode", () => {
  const uri = (path: string, scheme = "file", query = ""): object => ({
    ...{ path, scheme, query },
    with: (more: { scheme: string; query: string }) => uri(path, more.scheme, more.query),
    toString: () => `${scheme}:${path}?${query}`,
  });
  return {
    Uri: { file: uri },
    FileType: { File: 1 },
    TabInputTextDiff: class {},
    WorkspaceEdit: class {
      createFile() {}
      replace() {}
    },
    Range: class {},
    commands: { executeCommand: async (_command: string, _left: unknown, after: { query: string }) => void editor.shown.push(after) },
    window: {
      tabGroups: { all: [] },
      visibleTextEditors: [],
      showQuickPick: async (choices: unknown[]) => choices[0],
      showInformationMessage: () => new Promise((answer) => editor.answers.push(answer)),
      showTextDocument: async () => undefined,
    },
    workspace: {
      workspaceFolders: [{ uri: { fsPath: "/w" } }],
      asRelativePath: ({ path }: { path: string }) => path,
      registerTextDocumentContentProvider: () => ({ dispose: () => undefined }),
      fs: {
        stat: async () => {
          throw new Error("It is not there.");
        },
      },
      applyEdit: async () => {
        await editor.saved;
        return true;
      },
    },
  };
});

import { ApplyCode } from "@src/apply_code";

const rest = () => new Promise((done) => setImmediate(done));

test("its text is there as long as it is asked about", async () => {
  let save = () => {};
  editor.saved = new Promise((done) => {
    save = done;
  });
  const apply = new ApplyCode({ chat: { view: { cwd: "/w" } } } as never);
  const propose = (path: string, text: string) => apply.messages?.apply?.({ type: "apply", text, path, language: "" });
  void propose("a.py", "a = 1\n");
  await rest();
  editor.answers[0]?.("Apply");
  await rest();
  void propose("b.py", "b = 2\n");
  await rest();
  save();
  await rest();
  expect(editor.shown.map(({ query }) => query)).toEqual(["after1", "after3"]);
  expect(apply.provideTextDocumentContent(editor.shown[1] as never)).toBe("b = 2\n");
});
