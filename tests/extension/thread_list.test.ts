// The list of threads: pages, reading anew, changes in one place; and how a thread looks in it.
import { describe, expect, test } from "vitest";
import { type Page, pageSize, ThreadList } from "@src/thread_list";
import { beside, facts, type Known, sign, spokenRow, withSeen } from "@src/thread_look";
import { ago, fileName, shownTitle, title } from "@src/titles";
import { emptyView } from "@src/thread";
import type { Thread } from "@src/wire";

const thread = (id: string, more: Partial<Thread> = {}): Thread =>
  ({ id, name: null, preview: `words of ${id}`, cwd: "/home/ada/w", model: "m", createdAt: 100, updatedAt: 100, status: { type: "idle" }, gitInfo: null, ...more }) as Thread;

/** A store of threads that is asked as the sidecar is. */
function store(count: number) {
  const asked: [string | null, number][] = [];
  const all = Array.from({ length: count }, (_, at) => thread(`t${at}`));
  const ask = async (cursor: string | null, limit: number): Promise<Page> => {
    asked.push([cursor, limit]);
    const from = Number(cursor ?? 0);
    const next = from + limit;
    return { threads: all.slice(from, next), cursor: next < all.length ? String(next) : null };
  };
  return { asked, all, ask };
}

describe("a list of threads", () => {
  test("of ten thousand reads one page, and another when it is asked for", async () => {
    const { ask, asked } = store(10_000);
    const list = new ThreadList(ask);
    await list.refresh();
    expect([list.threads.length, asked]).toEqual([pageSize, [[null, pageSize]]]);
    await list.more();
    expect(list.threads.map((one) => one.id).slice(48, 52)).toEqual(["t48", "t49", "t50", "t51"]);
  });

  test("is read anew as far as it was read", async () => {
    const { ask, all } = store(400);
    const list = new ThreadList(ask);
    await list.refresh();
    await list.more();
    await list.more();
    all.unshift(thread("new"));
    await list.refresh();
    expect(list.threads.length).toBe(150);
    expect(list.threads[0]?.id).toBe("new");
    await list.more();
    expect(new Set(list.threads.map((one) => one.id)).size).toBe(200);
  });

  test("that has become very long begins again from its first page", async () => {
    const { ask } = store(1_000);
    const list = new ThreadList(ask);
    await list.refresh();
    for (let page = 0; page < 6; page += 1) await list.more();
    expect(list.threads.length).toBe(350);
    await list.refresh();
    expect(list.threads.length).toBe(pageSize);
  });

  test("drops an answer that comes late, and a page that was asked for twice", async () => {
    const { ask } = store(200);
    const held: (() => void)[] = [];
    const list = new ThreadList(async (cursor, limit) => {
      const page = await ask(cursor, limit);
      await new Promise<void>((go) => held.push(go));
      return page;
    });
    const [first, second] = [list.refresh(), list.refresh()];
    await new Promise((done) => setImmediate(done));
    for (const go of held.splice(0)) go();
    expect(await Promise.all([first, second])).toEqual([false, true]);
    const twice = [list.more(), list.more()];
    await new Promise((done) => setImmediate(done));
    for (const go of held.splice(0)) go();
    expect(await Promise.all(twice)).toEqual([true, false]);
    expect(list.threads.length).toBe(100);
  });

  test("changes and loses a thread where it is", async () => {
    const list = new ThreadList(store(3).ask);
    await list.refresh();
    expect(list.change("t1", { name: "Named" })?.name).toBe("Named");
    expect(list.change("nobody", { name: "x" })).toBeUndefined();
    expect([list.remove("t0"), list.remove("t0")]).toEqual([true, false]);
    expect(list.threads.map((one) => title(one))).toEqual(["Named", "words of t2"]);
  });
});

describe("a thread in the list", () => {
  const known = (more: Partial<Known> = {}): Known => ({ shown: null, waiting: false, running: false, seen: {}, ...more });
  const active = (...activeFlags: "waitingOnApproval"[]): Partial<Thread> => ({ status: { type: "active", activeFlags } });

  test("has the sign of what matters most", () => {
    expect(sign(thread("a"), known())).toBe("idle");
    expect(sign(thread("a"), known({ shown: "a" }))).toBe("shown");
    expect(sign(thread("a", active()), known())).toBe("running");
    expect(sign(thread("a", active("waitingOnApproval")), known())).toBe("waiting");
    expect(sign(thread("a"), known({ shown: "a", running: true, waiting: true }))).toBe("waiting");
    expect(sign(thread("a", { updatedAt: 200 }), known({ seen: { a: 100 } }))).toBe("unread");
    expect(sign(thread("a", { updatedAt: 200 }), known({ seen: { a: 100 }, shown: "a" }))).toBe("shown");
    expect(sign(thread("a", { updatedAt: 200 }), known({ seen: { b: 100 } }))).toBe("idle");
  });

  test("is called by its name or its first words, and never by its id", () => {
    expect(title(thread("a", { name: "Named" }))).toBe("Named");
    expect(title(thread("a", { preview: "\n Fix it\nplease" }))).toBe("Fix it");
    expect(title(thread("0199-id", { preview: "" }))).toBe("Untitled thread");
    expect(shownTitle(emptyView)).toBeUndefined();
    expect(shownTitle({ ...emptyView, preview: "Fix it\nnow" })).toBe("Fix it");
  });

  test("gives an exported file a name that any file system takes", () => {
    expect(fileName("Fix `a/b`: why does C:\\x fail?")).toBe("fix-a-b-why-does-c-x-fail");
    expect(fileName("…")).toBe("thread");
  });

  test("says its age, and its folder where there are several", () => {
    const now = 100_000_000;
    expect(beside(thread("a", { updatedAt: now / 1_000 - 7_200 }), false, now)).toBe("2 h ago");
    expect(beside(thread("a", { updatedAt: now / 1_000 - 20 }), true, now)).toBe("w · just now");
    expect(ago(now / 1_000 - 86_400 * 3, now)).toBe("3 days ago");
    expect(spokenRow(thread("a", { updatedAt: now / 1_000 }), "running", now)).toBe("words of a, is running, just now");
    expect(Object.fromEntries(facts(thread("a"), "/home/ada", now))).toMatchObject({ Folder: "~/w", Model: "m" });
  });

  test("is remembered as seen, the last five hundred of them", () => {
    let seen: Record<string, number> = {};
    for (let at = 0; at < 510; at += 1) seen = withSeen(seen, `t${at}`, at);
    seen = withSeen(seen, "t10", 999);
    expect(Object.keys(seen).length).toBe(500);
    expect([seen.t9, seen.t10, seen.t509]).toEqual([undefined, 999, 509]);
  });
});
