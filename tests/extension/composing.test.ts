// What the user wrote is sent in the order in which it was written, to the thread that it was written to, however long it takes to read what
// it mentions.
import { expect, test, vi } from "vitest";

vi.mock("vscode", () => ({
  EventEmitter: class {
    event = () => ({ dispose: () => undefined });
  },
  workspace: {
    getConfiguration: () => ({ get: (_name: string, otherwise: unknown) => otherwise }),
    registerTextDocumentContentProvider: () => ({ dispose: () => undefined }),
    onDidCloseTextDocument: () => ({ dispose: () => undefined }),
  },
}));
vi.mock("@src/mentions", () => ({ Mentions: class {} }));
vi.mock("@src/attachments", () => ({
  Attachments: class {
    sweep = async () => undefined;
    pasted = async () => new Map();
  },
}));
const reading = vi.hoisted(() => ({ of: new Map<string, Promise<Map<string, string>>>() }));
vi.mock("@src/mention_content", () => ({ contentsOf: async ({ text }: { text: string }) => reading.of.get(text) ?? new Map() }));

import { Composing } from "@src/composing";
import type { Parts } from "@src/parts";
import { emptyView, fold, type ThreadView, type ViewEvent } from "@src/thread";

const rest = () => new Promise((done) => setImmediate(done));

function window() {
  const sent: string[] = [];
  const chat = {
    view: { ...emptyView, id: "one" } as ThreadView,
    settled: () => undefined as Promise<unknown> | undefined,
    send: async (text: string) => void sent.push(text),
    receive: (event: ViewEvent) => {
      chat.view = fold(chat.view, event);
    },
  };
  const workspaceState = { get: (_key: string, otherwise: unknown) => otherwise, update: async () => undefined };
  const context = { workspaceState, storageUri: { fsPath: "/nowhere" } };
  const composing = new Composing({ context, chat } as unknown as Parts);
  const say = (text: string) => Promise.resolve(composing.messages?.say?.({ type: "say", draft: { text, mentions: [], attachments: [] }, other: false }));
  let read: (contents: Map<string, string>) => void = () => undefined;
  reading.of.set("slow", new Promise((done) => {
    read = done;
  }));
  return { chat, sent, say, read: () => read(new Map()) };
}

test("a message whose mentions take long to read is sent before the one that was written after it", async () => {
  const { sent, say, read } = window();
  const both = [say("slow"), say("quick")];
  await rest();
  expect(sent).toEqual([]);
  read();
  await Promise.all(both);
  expect(sent).toEqual(["slow", "quick"]);
});

test("a message that cannot be sent does not hold up the next one", async () => {
  const { chat, sent, say } = window();
  const { send } = chat;
  chat.send = async () => {
    throw new Error("No.");
  };
  await expect(say("one")).rejects.toThrow("No.");
  chat.send = send;
  await say("two");
  expect(sent).toEqual(["two"]);
});

test.each(["two", null])("a message that is still being read when another thread is shown (%s) is the user's again", async (other) => {
  const { chat, sent, say, read } = window();
  const saying = say("slow");
  await rest();
  chat.view = { ...emptyView, id: other };
  read();
  await saying;
  expect(sent).toEqual([]);
  expect(chat.view.unsent).toMatchObject([{ text: "slow", draft: { text: "slow" }, reason: "Another thread was opened before it was sent." }]);
});

test.each([null, "before"])("a message to a thread that is only being opened goes to it (after %s)", async (before) => {
  const { chat, sent, say, read } = window();
  chat.view = { ...emptyView, id: before };
  chat.settled = () => new Promise(() => undefined);
  const saying = say("slow");
  await rest();
  chat.view = { ...emptyView, id: "one" };
  read();
  await saying;
  expect(sent).toEqual(["slow"]);
});
