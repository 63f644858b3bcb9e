// The host's end of the panel: what it says comes in the order in which it was said, to the page that it is for, and is not lost on a page
// that is still to come.
import { beforeEach, expect, test, vi } from "vitest";
import { opened, turnStarted } from "./events";

vi.mock("vscode", () => ({
  Uri: { joinPath: () => ({}) },
  commands: { executeCommand: async () => undefined },
}));
vi.mock("@src/page", () => ({ dist: () => ({}), page: () => "" }));

import type { FromWebview, ToWebview } from "@src/messages";
import { Panel } from "@src/panel";
import { emptyView, fold, type ViewEvent } from "@src/thread";

function open() {
  const posted: ToWebview[] = [];
  const listeners: ((event: ViewEvent) => void)[] = [];
  const chat = {
    view: emptyView,
    onEvent: (listener: (event: ViewEvent) => void) => listeners.push(listener),
    receive: (event: ViewEvent) => {
      chat.view = fold(chat.view, event);
      for (const listener of listeners) listener(event);
    },
  };
  const context = { extensionUri: {}, workspaceState: { get: () => undefined, update: async () => undefined } };
  const panel = new Panel(context as never, chat as never, () => ({}) as never, () => undefined);
  let say: (message: FromWebview) => void = () => undefined;
  let hidden: () => void = () => undefined;
  const nothing = { dispose: () => undefined };
  const view = {
    visible: true,
    webview: {
      postMessage: (message: ToWebview) => posted.push(message),
      onDidReceiveMessage: (listener: typeof say) => {
        say = listener;
        return nothing;
      },
    },
    onDidChangeVisibility: (listener: typeof hidden) => {
      hidden = listener;
      return nothing;
    },
    onDidDispose: () => nothing,
  };
  panel.resolveWebviewView(view as never);
  const show = (visible: boolean) => {
    view.visible = visible;
    hidden();
  };
  return { panel, chat, posted, show, say: (message: FromWebview) => say(message), kinds: () => posted.map(({ type }) => type) };
}

beforeEach(() => {
  vi.useFakeTimers();
});

test("an answer does not overtake the events that it is about", () => {
  const { panel, chat, say, kinds } = open();
  say({ type: "ready" });
  chat.receive(opened());
  chat.receive(turnStarted());
  panel.reply({ type: "answered", number: 1, result: true });
  vi.runAllTimers();
  expect(kinds()).toEqual(["snapshot", "events", "answered"]);
});

test("the events of a frame cross once, whatever is said in between, and are numbered without a gap", () => {
  const { panel, chat, say, posted } = open();
  say({ type: "ready" });
  chat.receive(opened());
  panel.refresh();
  chat.receive(turnStarted());
  vi.runAllTimers();
  const events = posted.filter((message) => message.type === "events");
  expect(events.map(({ seq, events }) => [seq, events.map(({ method }) => method)])).toEqual([
    [1, ["panel/opened"]],
    [2, ["turn/started"]],
  ]);
});

test("an answer to a page that is gone is not taken for one by the page after it", () => {
  const { panel, say, show, kinds } = open();
  say({ type: "ready" });
  const reply = panel.replier();
  show(false);
  show(true);
  say({ type: "ready" });
  reply({ type: "answered", number: 1, result: "of the page before" });
  panel.replier()({ type: "answered", number: 1, result: "of this page" });
  expect(kinds()).toEqual(["snapshot", "snapshot", "answered"]);
});

test("a page that asks for everything again is still the same", () => {
  const { panel, say, kinds } = open();
  say({ type: "ready" });
  const reply = panel.replier();
  say({ type: "ready" });
  reply({ type: "answered", number: 1 });
  expect(kinds()).toEqual(["snapshot", "snapshot", "answered"]);
});

test("what the user asked for while the panel is hidden is done when it is there", async () => {
  const { panel, say, kinds } = open();
  await panel.bring({ type: "go", to: "find" });
  expect(kinds()).toEqual([]);
  say({ type: "ready" });
  expect(kinds()).toEqual(["snapshot", "go"]);
  say({ type: "ready" });
  expect(kinds(), "once").toEqual(["snapshot", "go", "snapshot"]);
});
