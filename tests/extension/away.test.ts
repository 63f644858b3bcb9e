// Who is elsewhere hears once that a turn is done; who looks at the window, or does not want it, hears nothing.
import { beforeEach, expect, test, vi } from "vitest";

const window = vi.hoisted(() => ({ focused: false, wanted: true, told: [] as string[], chosen: undefined as string | undefined }));

vi.mock("vscode", () => {
  const show = (kind: string) => async (message: string) => {
    window.told.push(`${kind}: ${message}`);
    return window.chosen;
  };
  return {
    window: {
      state: {
        get focused() {
          return window.focused;
        },
      },
      showInformationMessage: show("information"),
      showWarningMessage: show("warning"),
    },
    workspace: { getConfiguration: () => ({ get: () => window.wanted }) },
  };
});

import { Away } from "@src/away";
import type { Parts } from "@src/parts";
import { emptyView } from "@src/thread";

const shown = vi.fn(async () => undefined);
const message = (text: string) => ({ item: { type: "agentMessage", id: "m", text }, done: true });

function ended(status: string, { threadId = "t1", text = "It was\nthe comma.", error = null as unknown } = {}): void {
  const view = { ...emptyView, id: "t1", turns: [{ id: "u1", status, items: [message(text)] }] };
  const away = new Away({ chat: { view }, panel: { show: shown } } as unknown as Parts);
  away.followed({ method: "turn/completed", params: { threadId, turn: { id: "u1", status, error } } });
}

beforeEach(() => {
  Object.assign(window, { focused: false, wanted: true, told: [], chosen: undefined });
  shown.mockClear();
});

test("the end of a turn is told with its last words, on one line", () => {
  ended("completed");
  expect(window.told).toEqual(["information: Treadle is done: It was the comma."]);
});

test("a failure is told as one, and long words are cut", () => {
  ended("failed", { error: { message: "x".repeat(200) } });
  expect(window.told).toEqual([`warning: Treadle could not go on: ${"x".repeat(120)}…`]);
});

test("words of the model make no link that would run a command", () => {
  ended("completed", { text: 'See [this](command:workbench.action.terminal.sendSequence?%7B%7D "x") and [that](file:///x).' });
  expect(window.told[0]).not.toMatch(/\]\(/);
  expect(window.told[0]).toContain("[this] (command:");
});

test("the notification leads to the panel when it is chosen", async () => {
  window.chosen = "Show";
  ended("completed");
  await vi.waitFor(() => expect(shown).toHaveBeenCalledOnce());
});

test.each([
  ["the window is in front", { focused: true }, {}],
  ["the user does not want it", { wanted: false }, {}],
  ["the user stopped it", {}, { status: "interrupted" }],
  ["it is another thread's", {}, { threadId: "t2" }],
])("nothing is told when %s", (_why, state, { status = "completed", threadId = "t1" }: { status?: string; threadId?: string }) => {
  Object.assign(window, state);
  ended(status, { threadId });
  expect(window.told).toEqual([]);
});
