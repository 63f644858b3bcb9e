// A sidecar that answers late, or not at all, is told of; one that answers in time is not.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Requests } from "@src/chat";
import { patience, patient } from "@src/patience";
import { emptyView, fold, type ThreadView, type ViewEvent } from "@src/thread";

let view: ThreadView;
const tell = (event: ViewEvent) => { view = fold(view, event); };
const listener = {
  late: (notice: ThreadView["notices"][number]) => tell({ method: "panel/notice", params: notice }),
  came: (key: string) => tell({ method: "panel/notice/dismissed", params: { key } }),
};
const after = (ms: number, fails = false) => ({ request: () => new Promise((answer, refuse) => setTimeout(() => (fails ? refuse(new Error("no")) : answer({})), ms)) }) as unknown as Requests;

beforeEach(() => {
  view = emptyView;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("an answer in time says nothing", async () => {
  const answer = patient(after(patience - 1), listener).request("thread/list", {});
  await vi.advanceTimersByTimeAsync(patience * 2);
  await answer;
  expect(view.notices).toEqual([]);
});

test("a late answer is told of, with a way out, until it comes", async () => {
  const answer = patient(after(patience * 2), listener).request("thread/list", {});
  await vi.advanceTimersByTimeAsync(patience);
  expect(view.notices).toMatchObject([{ level: "warning", restart: true, message: expect.stringContaining("has not answered for 15 s") }]);
  await vi.advanceTimersByTimeAsync(patience);
  await answer;
  expect(view.notices).toEqual([]);
});

test("a refusal that comes late is a refusal all the same, and the notice goes", async () => {
  const answer = expect(patient(after(patience * 2, true), listener).request("thread/list", {})).rejects.toThrow("no");
  await vi.advanceTimersByTimeAsync(patience * 2);
  await answer;
  expect(view.notices).toEqual([]);
});

test("no answer at all is told of once for each request, and a second time is heard again", async () => {
  const silent = { request: () => new Promise(() => undefined) } as unknown as Requests;
  const sidecar = patient(silent, listener);
  void sidecar.request("thread/list", {});
  void sidecar.request("thread/list", {});
  await vi.advanceTimersByTimeAsync(patience * 10);
  expect(view.notices.map(({ key }) => key)).toEqual(["late:1", "late:2"]);
});
