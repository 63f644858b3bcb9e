// @vitest-environment jsdom
// What was recorded of a client and the sidecar ends in the same view, and is drawn as the same words, however it comes.
import { beforeAll, describe, expect, test } from "vitest";
import { said } from "./webview";
import { chance, doubled, inPieces, names, recorded } from "./transcripts";
import { joined } from "@src/batch";
import { emptyDraft } from "@src/draft";
import { emptyView, fold, type ThreadView, type ViewEvent } from "@src/thread";

const seeds = [1, 2, 3, 4, 5];
const panel = { connection: "ready", folder: "/w", home: null, trusted: true, model: "m", sandboxMode: "workspace-write", recent: [] };

const after = (events: readonly ViewEvent[], view: ThreadView = emptyView) => events.reduce(fold, view);
/** When something began is told with the event that may be late. */
const same = (view: ThreadView) => JSON.parse(JSON.stringify(view, (key, value) => (key === "startedAt" ? undefined : value)));

function* batches(events: readonly ViewEvent[], random: () => number): Generator<ViewEvent[]> {
  for (let at = 0; at < events.length; ) {
    const size = 1 + Math.floor(random() * 12);
    yield events.slice(at, at + size);
    at += size;
  }
}

describe.each(names)("the view of %s", (name) => {
  const events = recorded(name);
  const whole = after(events);

  test("says how each turn ended, and nothing goes on for ever", () => {
    expect(whole.turns.length).toBeGreaterThan(0);
    expect(whole.turns.flatMap((turn) => turn.items).filter((entry) => !entry.done)).toEqual([]);
    expect(whole.asked).toEqual([]);
    expect(whole.turns.every((turn) => turn.status !== "inProgress")).toBe(true);
  });

  test.each([1, 3, 8])("is the same in pieces of %i letters", (size) => {
    expect(same(after(inPieces(events, size)))).toEqual(same(whole));
  });

  test.each(seeds)("is the same in batches that are joined, whatever their size (%i)", (seed) => {
    const random = chance(seed);
    const view = [...batches(inPieces(events, 2), random)].reduce((view, batch) => after(joined(batch), view), emptyView);
    expect(same(view)).toEqual(same(whole));
  });

  test.each(seeds)("is the same when events come twice, or again when they are long past (%i)", (seed) => {
    expect(same(after(doubled(events, chance(seed))))).toEqual(same(whole));
  });

  test("goes through a snapshot unharmed, wherever it is taken", () => {
    for (let at = 0; at <= events.length; at += 1) {
      const snapshot = JSON.parse(JSON.stringify(after(events.slice(0, at)))) as ThreadView;
      expect(same(after(events.slice(at), snapshot))).toEqual(same(whole));
    }
  });
});

describe("what is drawn", () => {
  beforeAll(async () => {
    Object.assign(globalThis, { ResizeObserver: class { observe() {} disconnect() {} unobserve() {} } });
    Element.prototype.scrollIntoView ??= () => undefined;
    await import("@webview/panel");
    document.body.innerHTML = "<treadle-panel></treadle-panel>";
  });

  const say = (data: unknown) => window.dispatchEvent(new MessageEvent("message", { data }));
  const settle = async () => {
    for (let round = 0; round < 12; round += 1) await Promise.resolve();
    await new Promise((done) => setTimeout(done));
  };
  const snapshot = (view: ThreadView, seq = 0) => say({ type: "snapshot", seq, view, panel, draft: emptyDraft });
  /** The words of the conversation, cards that are closed included, and what each card is. */
  const drawn = async () => {
    await settle();
    const turns = document.querySelector(".turns");
    const cards = [...document.querySelectorAll(".card")].map((card) => card.className).join("\n");
    return `${cards}\n${(turns?.textContent ?? "").replace(/\s+/g, " ")}`;
  };

  test.each(names)("%s is the same one by one, in batches, twice, and with a snapshot in the middle", async (name) => {
    const events = recorded(name);
    snapshot(after(events));
    const expected = await drawn();
    expect(expected.length).toBeGreaterThan(40);

    snapshot(emptyView);
    inPieces(events, 5).forEach((event, index) => say({ type: "events", seq: index + 1, events: [event] }));
    expect(await drawn()).toBe(expected);

    for (const seed of seeds) {
      const random = chance(seed);
      snapshot(emptyView);
      let seq = 0;
      for (const batch of batches(doubled(inPieces(events, 4), random), random)) {
        seq += 1;
        say({ type: "events", seq, events: joined(batch) });
        if (random() < 0.3) await settle();
      }
      expect(await drawn()).toBe(expected);

      const middle = Math.floor(random() * events.length);
      snapshot(JSON.parse(JSON.stringify(after(events.slice(0, middle)))), 7);
      say({ type: "events", seq: 8, events: events.slice(middle) });
      expect(await drawn()).toBe(expected);
    }
  });

  test("events that were drawn already are passed over, and a gap asks for a snapshot", async () => {
    const events = recorded("plain-turn");
    snapshot(emptyView);
    say({ type: "events", seq: 1, events: events.slice(0, 12) });
    say({ type: "events", seq: 1, events: events.slice(0, 12) });
    const before = await drawn();
    said.length = 0;
    say({ type: "events", seq: 3, events: events.slice(14) });
    expect(await drawn()).toBe(before);
    expect(said).toContainEqual({ type: "ready" });
  });
});
