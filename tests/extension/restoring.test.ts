// Going back, in words and decisions: what can still be taken back, what a plan says, which words belong to a turn.
import { describe, expect, test } from "vitest";
import { conflictWords, doesSomething, drawnFiles, type PlannedFile, planSummary, restoredWords, standing } from "@src/restoring";
import { alongside, firstLine, saidIn, words } from "@src/said";
import { emptyView, fold } from "@src/thread";
import type { Checkpoint, Restore, UserInput } from "@src/wire";

const checkpoint = (turnId: string, createdAtMs: number, preview = turnId): Checkpoint => ({ turnId, createdAtMs, preview, files: 1, omitted: [] });
const restore = (restoreId: string, turnId: string, createdAtMs: number, redoOf: string | null = null): Restore => ({ restoreId, turnId, what: "both", createdAtMs, redoOf });
const file = (kind: PlannedFile["kind"], path = "/w/a.py"): PlannedFile => ({ path, kind, added: 1, removed: 2, reason: null, shown: true });
const nobody = () => "";

describe("what can be taken back", () => {
  const before = [checkpoint("t1", 1_000), checkpoint("t2", 2_000, "Fix the total")];

  test("is the last restore, by the words that it went back to", () => {
    const restores = [restore("r1", "t1", 2_500), restore("r2", "t2", 3_000)];
    expect(standing(restores, before, nobody)).toEqual({ restoreId: "r2", turnId: "t2", what: "both", words: "Fix the total" });
  });

  test("is nothing once it was taken back, or a turn has begun since", () => {
    expect(standing([restore("r1", "t2", 3_000), restore("r2", "t2", 4_000, "r1")], before, nobody)).toBeNull();
    expect(standing([restore("r1", "t1", 3_000)], [...before, checkpoint("t3", 4_000)], nobody)).toBeNull();
    expect(standing([], before, nobody)).toBeNull();
  });

  test("is told without words where the message went with the rest and nobody remembers it", () => {
    const gone = standing([restore("r1", "t9", 3_000)], before, nobody);
    expect(gone && restoredWords(gone)).toBe("Files and conversation are restored to an earlier point");
    const known = standing([restore("r1", "t9", 3_000)], before, () => "Rename it\nand more");
    expect(known && restoredWords(known)).toBe("Files and conversation are restored to before “Rename it”");
  });

  test("is kept when the shown thread is read anew, and not carried into another", () => {
    const restored = { restoreId: "r", turnId: "t", what: "files" as const, words: "w" };
    const open = (id: string) => ({ method: "panel/opened", params: { thread: { id, turns: [], name: null, preview: "p" } } }) as never;
    const view = fold(fold(emptyView, open("a")), { method: "panel/restored", params: { restored } });
    expect(fold(view, open("a")).restored).toEqual(restored);
    expect(fold(view, open("b")).restored).toBeNull();
    expect(fold(view, { method: "panel/closed", params: {} }).restored).toBeNull();
  });
});

describe("a plan", () => {
  test("is summed up in a sentence", () => {
    expect(planSummary({ files: [file("restore"), file("delete")], turns: 3 }, "both", false)).toBe("2 files change, 3 turns go.");
    expect(planSummary({ files: [file("create")], turns: 1 }, "both", true)).toBe("1 file changes, 1 turn comes back.");
    expect(planSummary({ files: [file("conflict")], turns: 0 }, "files", false)).toBe("No file changes.");
    expect(planSummary({ files: [], turns: 2 }, "conversation", false)).toBe("2 turns go.");
  });

  test("does nothing where only files are left that cannot be restored", () => {
    expect(doesSomething({ files: [file("conflict"), file("unchanged")], turns: 0 }, "files")).toBe(false);
    expect(doesSomething({ files: [file("conflict")], turns: 1 }, "both")).toBe(true);
    expect(doesSomething({ files: [file("merge")], turns: 0 }, "both")).toBe(true);
    expect(doesSomething({ files: [file("merge")], turns: 0 }, "conversation")).toBe(false);
  });

  test("draws what changes before what is left alone, and not what stays as it is", () => {
    const drawn = drawnFiles([file("conflict", "/c"), file("unchanged", "/u"), file("merge", "/m"), file("omitted", "/o")]);
    expect(drawn.map((one) => one.path)).toEqual(["/m", "/c", "/o"]);
    expect(conflictWords(1)).toBe("1 file holds changes of yours in the same places. It is left as it is.");
    expect(conflictWords(2)).toBe("2 files hold changes of yours in the same places. They are left as they are.");
  });
});

describe("what was said in a turn", () => {
  const text = (words: string, element?: { end: number; placeholder: string }): UserInput => ({
    type: "text",
    text: words,
    text_elements: element ? [{ byteRange: { start: 0, end: element.end }, placeholder: element.placeholder }] : [],
  });
  const picture: UserInput = { type: "localImage", path: "/tmp/a.png" };

  test("is all of its messages; what came along is apart from the words", () => {
    const selection = text("def f(): …", { end: 12, placeholder: "a.py:1-3" });
    const mention = text("@a", { end: 2, placeholder: "@a" });
    const user = (id: string, content: UserInput[]) => ({ done: true, item: { type: "userMessage" as const, id, clientId: null, content } });
    const turn = { id: "t", status: "completed", items: [user("1", [text("Fix this"), selection, picture]), user("2", [mention, text("and that")])] };
    expect(words(saidIn(turn))).toBe("Fix this\n\n@a\n\nand that");
    expect(alongside(saidIn(turn))).toEqual([selection, picture]);
    expect(words(saidIn(undefined))).toBe("");
  });

  test("is named by its first line, cut where it is long", () => {
    expect(firstLine("  \n first\nsecond")).toBe("first");
    expect(firstLine("x".repeat(70), 10)).toBe(`${"x".repeat(9)}…`);
  });
});
