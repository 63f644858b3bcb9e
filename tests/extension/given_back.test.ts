// The words that going back gives to the user: they go again when it is taken back, unless the user made something else of them.
import { describe, expect, test, vi } from "vitest";
import type { Parts } from "@src/parts";

vi.mock("vscode", () => ({
  Uri: { joinPath: () => ({}) },
  commands: { executeCommand: async () => undefined },
  workspace: {
    registerTextDocumentContentProvider: () => ({ dispose: () => undefined }),
    onDidCloseTextDocument: () => ({ dispose: () => undefined }),
  },
}));

import { Checkpoints } from "@src/checkpoints";
import { Panel } from "@src/panel";

const message = { type: "userMessage", id: "i1", clientId: null, content: [{ type: "text", text: "Add a test", text_elements: [] }] };

/** `kept`: as a window keeps it for its next life. */
function open(kept = new Map<string, unknown>()) {
  const done = { restoreId: "r1" as string | null, files: [], turns: 1 };
  const context = {
    workspaceState: { get: (key: string) => kept.get(key), update: async (key: string, value: unknown) => void kept.set(key, value) },
  };
  const turns = [{ id: "u1", status: "completed", items: [{ item: message, done: true }] }];
  const chat = { view: { id: "t1", turns, restored: null }, running: false, onEvent: () => undefined, receive: () => undefined };
  const sidecar = { state: { connection: "starting" }, request: async () => done };
  const panel = new Panel(context as never, chat as never, () => ({}) as never, () => undefined);
  const { answers } = new Checkpoints({ context, chat, sidecar, panel } as unknown as Parts);
  const restore = (what: string) => answers?.restore?.({ itemId: "i1", what, skip: false } as never);
  const redo = (restoreId = "r1") => answers?.restore?.({ restoreId, what: "both", skip: false } as never);
  const write = (text: string) => void kept.set("treadle.draft", { text, mentions: [], attachments: [] });
  return { kept, done, panel, restore, redo, write };
}

describe("a redo", () => {
  test.each(["", "What I was writing"])("takes the words from the box that the restore put there, after %j", async (before) => {
    const { panel, restore, redo, write } = open();
    write(before);
    await restore("both");
    expect(panel.draft).toBe(before ? `${before}\n\nAdd a test` : "Add a test");
    await redo();
    expect(panel.draft).toBe(before);
  });

  test("leaves what the user made of them", async () => {
    const { panel, restore, redo, write } = open();
    await restore("conversation");
    write("Add a test, and run it");
    await redo();
    expect(panel.draft).toBe("Add a test, and run it");
  });

  test("takes nothing that it was not the one to give", async () => {
    const { panel, restore, redo, write, done } = open();
    await restore("conversation");
    done.restoreId = null; // files are in the way
    await redo();
    expect(panel.draft).toBe("Add a test");
    done.restoreId = "r2";
    await redo("another");
    expect(panel.draft).toBe("Add a test");
    await redo();
    expect(panel.draft).toBe("");
    write("Add a test");
    await redo();
    expect(panel.draft).toBe("Add a test");
  });

  test("knows the words also after a reload of the window", async () => {
    const { kept, restore } = open();
    await restore("both");
    const { panel, redo } = open(kept);
    await redo();
    expect(panel.draft).toBe("");
  });
});
