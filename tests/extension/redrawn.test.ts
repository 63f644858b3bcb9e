// @vitest-environment jsdom
// The page is drawn anew while the user is in it: the keyboard stays where it is, and what is typed stays typed.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { drawn, find, kept, mount, press, said, words, write } from "./webview";
import type { ApprovalView, FormView } from "@src/asked";
import { emptyView, type ItemView, type QueuedView, type ThreadView } from "@src/thread";
import type { CommandItem, Subject } from "@src/wire";
import "@webview/item";
import "@webview/queue";
import "@webview/transcript";

// What this document does not know.
Object.assign(globalThis, { ResizeObserver: class { observe() {} disconnect() {} } });
Element.prototype.scrollIntoView ??= () => undefined;

const settle = async (element: HTMLElement) => {
  for (let round = 0; round < 5; round += 1) await drawn(element);
  await new Promise((done) => setTimeout(done));
};

beforeEach(() => {
  kept.state = undefined;
});

describe("a question", () => {
  const asked: ApprovalView = { id: "c1#1", kind: "network", turnId: "u1", itemId: "c1", host: "example.org", command: "npm test", cwd: null, reason: "", offers: [] } as never;
  const command = (aggregatedOutput: string | null) =>
    ({ item: { type: "commandExecution", id: "c1", command: "npm test", cwd: "/w", status: "inProgress", aggregatedOutput, exitCode: null, durationMs: null, commandActions: [] } as unknown as CommandItem, done: false }) as ItemView;

  test("keeps its words and the keyboard when the command that it is about says something", async () => {
    const item = await mount<HTMLElement & { entry: ItemView }>("treadle-item", { entry: command(null), asked: [asked], folder: "/w" });
    await settle(item);
    find(item, ".words").click();
    await settle(item);
    const field = find(item, ".instead");
    field.focus();
    item.entry = command("downloading\n");
    await settle(item);
    expect(words(item)).toContain("downloading");
    expect(field.isConnected).toBe(true);
    expect(document.activeElement).toBe(field);
  });

  test("of a server keeps its words and the keyboard when the one above it is answered", async () => {
    const form = (id: string): FormView => ({ id, kind: "form", server: "tracker", message: id, turnId: null, itemId: null, fields: [{ name: "title", title: "Title", kind: "text", required: false, initial: "", options: [] }] }) as never;
    const view = (...ids: string[]): ThreadView => ({ ...emptyView, id: "t", asked: ids.map(form) });
    const page = await mount<HTMLElement & { view: ThreadView }>("treadle-transcript", { view: view("one", "two") });
    await settle(page);
    const field = find(page, "[data-ask=two] input");
    field.focus();
    write(field, "a bug");
    page.view = view("two");
    await settle(page);
    expect(field.isConnected).toBe(true);
    expect(document.activeElement).toBe(field);
  });
});

describe("the messages that wait", () => {
  const queued = (...ids: string[]): QueuedView[] => ids.map((id) => ({ id, input: [{ type: "text", text: id, text_elements: [] }] }));

  test.each([["ArrowDown", "one", ["two", "one", "three"]], ["ArrowUp", "three", ["one", "three", "two"]]])("keep the keyboard when one is moved by Alt and %s", async (key, id, after) => {
    const queue = await mount<HTMLElement & { queue: QueuedView[] }>("treadle-queue", { queue: queued("one", "two", "three") });
    const line = find(queue, `[data-id=${id}] .words`);
    line.focus();
    press(line, key, { altKey: true });
    queue.queue = queued(...after);
    await settle(queue);
    expect(document.activeElement).toBe(line);
  });
});
