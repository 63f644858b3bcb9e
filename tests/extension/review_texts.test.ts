// A file as it was before: made of its text of now, and of nothing where there is no file any more.
import { expect, test, vi } from "vitest";

const open = vi.hoisted(() => ({ documents: [] as { uri: object; getText(): string }[] }));

vi.mock("vscode", () => ({
  EventEmitter: class {
    event = () => ({ dispose: () => undefined });
    fire() {}
    dispose() {}
  },
  Uri: { file: (fsPath: string) => ({ scheme: "file", fsPath }) },
  workspace: {
    registerTextDocumentContentProvider: () => ({ dispose: () => undefined }),
    get textDocuments() {
      return open.documents;
    },
  },
}));

import { ReviewTexts } from "@src/review_texts";

const words = "# Basket\n\nA very small program.\n";
const removed = ["# Basket", "", "A very small program."];
const hunk = { id: "1", baseStart: 0, baseLines: 3, start: 0, lines: 0, removed, added: [], turnIds: ["u1"], whole: true };

async function before(kind: "update" | "delete", now: string): Promise<string> {
  open.documents = [{ uri: { scheme: "file", fsPath: "/w/README.md" }, getText: () => now }];
  const file = { path: "/w/README.md", kind, unsaved: false, version: null, hunks: [hunk], added: 0, removed: 3, omitted: null, moved: null };
  const texts = new ReviewTexts((async () => ({ files: [file] })) as never);
  return texts.provideTextDocumentContent({ fsPath: "/w/README.md", query: '{"threadId":"t"}' } as never);
}

test("of a file that is gone, VS Code may hold the text a while longer: it is not there twice", async () => {
  expect(await before("delete", words)).toBe(words);
});

test("of a file that lost its first lines, the others follow them", async () => {
  expect(await before("update", "The end.\n")).toBe(`${words}The end.\n`);
});
