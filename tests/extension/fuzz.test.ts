// @vitest-environment jsdom
// Notifications that nobody means: dropped, doubled, out of order, of other types, of kinds of tomorrow, enormous. The fold never
// throws, the view stays bounded, and what comes of it is drawn. A failure names its seed: SEED=n runs that one alone.
import { beforeAll, describe, expect, test } from "vitest";
import "./webview";
import { chance, names, recorded } from "./transcripts";
import { joined } from "@src/batch";
import { emptyDraft } from "@src/draft";
import { emptyView, fold, type ThreadView, type ViewEvent } from "@src/thread";

const runs = Number(process.env.FUZZ_EXAMPLES ?? 0);
const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: runs || 60 }, (_, at) => (runs ? Date.now() + at : at + 1));
const odd: readonly unknown[] = [null, undefined, 0, -1, 1e308, "", "x", "of_tomorrow", true, [], {}, [null], { type: "x" }, [[]], "\ud800", "💥", "__proto__"];
const giant = "x\n".repeat(20_000);

type Random = () => number;
const pick = <Value>(random: Random, list: readonly Value[]): Value => list[Math.floor(random() * list.length)] as Value;

/** The value with one place in it, chosen by chance, replaced, lost or made enormous. */
function harmed(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random() < 0.15) {
    if (typeof value === "string" && random() < 0.2) return giant;
    return structuredClone(pick(random, odd));
  }
  if (Array.isArray(value)) {
    if (!value.length) return [structuredClone(pick(random, odd))];
    const at = Math.floor(random() * value.length);
    if (random() < 0.2) return [...value, ...value];
    return value.map((one, index) => (index === at ? harmed(one, random) : one));
  }
  const key = pick(random, Object.keys(value));
  if (key === undefined || random() < 0.1) return { ...value, of_tomorrow: 1 };
  const { [key]: inner, ...rest } = value as Record<string, unknown>;
  return random() < 0.15 ? rest : { ...rest, [key]: harmed(inner, random) };
}

function mutated(events: readonly ViewEvent[], random: Random): ViewEvent[] {
  const result = [...events];
  const steps = 1 + Math.floor(random() * 12);
  for (let step = 0; step < steps; step += 1) {
    const at = Math.floor(random() * result.length);
    const event = result[at];
    if (!event) continue;
    const own = event.method === "panel/asked" || event.method === "panel/answered";
    // what this window says to itself is of the right form; it may come at any time
    const way = Math.floor(random() * (own ? 3 : 7));
    if (way === 0) result.splice(at, 1 + Math.floor(random() * 3));
    else if (way === 1) result.splice(Math.floor(random() * result.length), 0, event);
    else if (way === 2) result.splice(Math.floor(random() * result.length), 0, ...result.splice(at, 1));
    else if (way === 3) result[at] = { ...event, method: pick(random, result.filter((one) => !one.method.startsWith("panel/")))?.method ?? event.method } as ViewEvent;
    else if (way === 4) result.splice(at, 0, ...Array.from({ length: 30 }, () => event));
    else result[at] = { ...event, params: harmed(event.params, random) } as ViewEvent;
  }
  return result;
}

const made = (seed: number) => {
  const random = chance(seed);
  // the first numbers of near seeds are alike
  for (let at = 0; at < 5; at += 1) random();
  return mutated(recorded(pick(random, names)), random);
};
const after = (events: readonly ViewEvent[], view: ThreadView = emptyView) => events.reduce(fold, view);
const size = (value: unknown) => JSON.stringify(value ?? null).length;

describe("the fold of what nobody means", () => {
  test.each(seeds)("throws at nothing, stays bounded, and goes through a snapshot (seed %i)", (seed) => {
    const events = made(seed);
    const view = after(events);
    expect(size(view)).toBeLessThan(4 * events.reduce((sum, event) => sum + size(event), 10_000));
    expect(() => after(joined(events))).not.toThrow();
    expect(() => after(events, JSON.parse(JSON.stringify(view)))).not.toThrow();
  });
});

describe("what is drawn of it", () => {
  beforeAll(async () => {
    Object.assign(globalThis, { ResizeObserver: class { observe() {} disconnect() {} unobserve() {} } });
    Element.prototype.scrollIntoView ??= () => undefined;
    await import("@webview/panel");
    document.body.innerHTML = "<treadle-panel></treadle-panel>";
  });
  const panel = { connection: "ready", folder: "/w", home: null, trusted: true, model: "m", sandboxMode: "workspace-write", recent: [] };
  const say = (data: unknown) => window.dispatchEvent(new MessageEvent("message", { data }));
  const stack = (reason: unknown) => (reason instanceof Error ? reason.stack : reason);
  const settle = async () => {
    for (let round = 0; round < 12; round += 1) await Promise.resolve();
    await new Promise((done) => setTimeout(done));
  };

  test.each(seeds.slice(0, runs || 30))("is a page, and the next thread is drawn whole (seed %i)", async (seed) => {
    const wrong: unknown[] = [];
    const hear = (event: ErrorEvent | PromiseRejectionEvent) => wrong.push(stack("reason" in event ? event.reason : event.error));
    const told = (reason: unknown) => wrong.push(stack(reason));
    window.addEventListener("error", hear);
    process.on("unhandledRejection", told);
    try {
      say({ type: "snapshot", seq: 0, view: after(made(seed)), panel, draft: emptyDraft });
      await settle();
      say({ type: "snapshot", seq: 0, view: after(recorded("plain-turn")), panel, draft: emptyDraft });
      await settle();
      expect(wrong).toEqual([]);
      expect((document.querySelector(".turns")?.textContent ?? "").length).toBeGreaterThan(40);
    } finally {
      window.removeEventListener("error", hear);
      process.off("unhandledRejection", told);
    }
  });
});
