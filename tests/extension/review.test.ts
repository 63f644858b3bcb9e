// Where the agent's changes are while the user types, which is next, what the file was before; and that an answer about an older text is
// never taken.
import { describe, expect, test } from "vitest";
import { fold, emptyView } from "@src/thread";
import { ReviewFiles, type Source } from "@src/review_files";
import { earlierText, type LineChange, markAt, marksOf, moved, removedBlock, step } from "@src/review_marks";
import { ofTurn, reviewFile, reviewWords } from "@src/review_view";
import type { Hunk, HunkFile, HunkListResponse } from "@src/wire";

const hunk = (id: string, start: number, lines: number, removed: string[], more: Partial<Hunk> = {}): Hunk => ({
  id,
  baseStart: start,
  baseLines: removed.length,
  start,
  lines,
  removed,
  added: Array.from({ length: lines }, (_, at) => `new ${at}`),
  turnIds: ["u1"],
  whole: false,
  ...more,
});

const file = (path: string, hunks: Hunk[], more: Partial<HunkFile> = {}): HunkFile => ({
  path,
  kind: "update",
  unsaved: false,
  version: null,
  hunks,
  added: hunks.reduce((sum, one) => sum + one.lines, 0),
  removed: hunks.reduce((sum, one) => sum + one.baseLines, 0),
  omitted: null,
  moved: null,
  ...more,
});

const three = file("/w/a.py", [hunk("add", 2, 2, []), hunk("change", 6, 1, ["old"]), hunk("cut", 9, 0, ["gone", "too"])]);
const edit = (startLine: number, startCharacter: number, endLine: number, text: string): LineChange => ({ startLine, startCharacter, endLine, text });
const places = (changes: LineChange[]) => moved(marksOf(three), changes).map(({ start, end }) => [start, end]);

describe("marks", () => {
  test("tell added, changed and removed lines apart", () => {
    expect(marksOf(three).map(({ kind, start, end }) => [kind, start, end])).toEqual([
      ["added", 2, 4],
      ["changed", 6, 7],
      ["removed", 9, 9],
    ]);
  });

  test.each([
    ["a line typed above moves all down", [edit(0, 0, 0, "x\n")], [[3, 5], [7, 8], [10, 10]]],
    ["words within a line move nothing", [edit(0, 3, 0, "words")], [[2, 4], [6, 7], [9, 9]]],
    ["a line deleted above moves all up", [edit(0, 0, 1, "")], [[1, 3], [5, 6], [8, 8]]],
    ["a line typed within grows the mark", [edit(2, 5, 2, "\n")], [[2, 5], [7, 8], [10, 10]]],
    ["a line typed right below does not belong to it", [edit(4, 0, 4, "x\n")], [[2, 4], [7, 8], [10, 10]]],
    ["a line end typed at the end of the line above moves it", [edit(1, 9, 1, "\n")], [[3, 5], [7, 8], [10, 10]]],
    ["two cursors at once", [edit(0, 0, 0, "x\n"), edit(5, 0, 5, "y\n")], [[3, 5], [8, 9], [11, 11]]],
    ["what is deleted over a whole mark leaves a place", [edit(1, 0, 5, "")], [[1, 1], [2, 3], [5, 5]]],
    ["CRLF counts once", [edit(0, 0, 0, "a\r\nb\r\n")], [[4, 6], [8, 9], [11, 11]]],
  ])("%s", (_, changes, expected) => {
    expect(places(changes)).toEqual(expected);
  });

  test("the one at a line is found, and where lines are gone it is the line below, at the end the last", () => {
    const marks = marksOf(three);
    expect(markAt(marks, 3, 20)?.id).toBe("add");
    expect(markAt(marks, 4, 20)).toBeUndefined();
    expect(markAt(marks, 9, 20)?.id).toBe("cut");
    expect(markAt(marks, 8, 9)?.id).toBe("cut");
  });
});

describe("next and previous", () => {
  const files = [three, file("/w/b.py", [hunk("b", 0, 1, [])]), file("/w/c.py", [])].map((one) => ({ path: one.path, marks: marksOf(one) }));
  const walk = (path: string | null, line: number, forward: boolean) => {
    const found = step(files, path ? { path, line } : null, forward);
    return found && [found.path, found.mark.id];
  };

  test("go through a file, then the next one, and round", () => {
    expect(walk("/w/a.py", 0, true)).toEqual(["/w/a.py", "add"]);
    expect(walk("/w/a.py", 2, true)).toEqual(["/w/a.py", "change"]);
    expect(walk("/w/a.py", 9, true)).toEqual(["/w/b.py", "b"]);
    expect(walk("/w/b.py", 0, true)).toEqual(["/w/a.py", "add"]);
    expect(walk("/w/b.py", 0, false)).toEqual(["/w/a.py", "cut"]);
    expect(walk("/w/a.py", 9, false)).toEqual(["/w/a.py", "change"]);
    expect(walk("/w/a.py", 2, false)).toEqual(["/w/b.py", "b"]);
  });

  test("begin at the first, or the last, from a file that has none; and find nothing where nothing is", () => {
    expect(walk(null, 0, true)).toEqual(["/w/a.py", "add"]);
    expect(walk("/w/other.py", 5, false)).toEqual(["/w/b.py", "b"]);
    expect(step([], null, true)).toBeUndefined();
  });
});

describe("the earlier text", () => {
  test("has what was taken out and not what was put in", () => {
    const hunks = [hunk("1", 0, 1, []), hunk("2", 2, 1, ["two", "more"]), hunk("3", 4, 0, ["end"])];
    expect(earlierText("new\na\nTWO\nb\n", hunks)).toBe("a\ntwo\nmore\nb\nend\n");
  });

  test("of a file that is gone is all of it, of a new one nothing", () => {
    expect(earlierText("", [hunk("1", 0, 0, ["a", "b"], { whole: true })])).toBe("a\nb\n");
    expect(earlierText("a\nb\n", [hunk("1", 0, 2, [], { whole: true })])).toBe("");
  });

  test("keeps the line ends, and a last line without one", () => {
    expect(earlierText("a\r\nB\r\n", [hunk("1", 1, 1, ["b", "c"])])).toBe("a\r\nb\r\nc\r\n");
    expect(earlierText("a\nB", [hunk("1", 1, 1, ["b"])])).toBe("a\nb");
  });

  test("names lines that the answer had no room for", () => {
    expect(earlierText("a\n", [hunk("1", 1, 0, ["b"], { baseLines: 9 })])).toBe("a\nb\n… 8 more lines\n");
  });
});

describe("removed lines on hover", () => {
  test("cannot end their block, whatever they hold", () => {
    const block = removedBlock(hunk("1", 0, 0, ["```", "[x](command:evil)", "`````"]), "python").split("\n");
    expect(block[0]).toBe("``````python");
    expect(block.at(-1)).toBe("``````");
  });

  test("are bounded, and take no language that is none", () => {
    const many = Array.from({ length: 100 }, () => "x".repeat(1000));
    const block = removedBlock(hunk("1", 0, 0, many), "a b\n");
    expect(block.startsWith("```\n")).toBe(true);
    expect(block.endsWith("60 more lines")).toBe(true);
    expect(block.length).toBeLessThan(10_000);
  });
});

test("the panel's line counts files and changes, and knows a turn's", () => {
  const two = [reviewFile(three), reviewFile(file("/w/b.py", [hunk("b", 0, 1, [], { turnIds: ["u1", "u2"] })]))];
  expect(reviewWords(two)).toBe("2 files, 4 changes");
  expect(reviewWords(two.slice(1))).toBe("1 file, 1 change");
  expect(ofTurn(two, "u2").map((one) => one.path)).toEqual(["/w/b.py"]);
  const view = { ...emptyView, id: "t" };
  expect(fold(view, { method: "panel/review", params: { threadId: "t", files: two } }).review).toBe(two);
  expect(fold(view, { method: "panel/review", params: { threadId: "other", files: two } })).toBe(view);
});

/** A sidecar that answers when it is told to. */
function sidecar() {
  const waiting: { path?: string; answer: (files: HunkFile[]) => Promise<void> }[] = [];
  const versions = new Map<string, number>();
  const drawn: string[][] = [];
  const settled = () => new Promise<void>((done) => setImmediate(done));
  const source: Source = {
    list: ({ path }) =>
      new Promise((resolve) => {
        const answer = (files: HunkFile[]) => {
          resolve({ files, notFollowed: 0, problems: [] } as HunkListResponse);
          return settled();
        };
        waiting.push({ path, answer });
      }),
    key: (path) => path,
    version: (key) => versions.get(key),
    changed: (keys) => void drawn.push(keys),
    failed: (error) => {
      throw error;
    },
  };
  return { files: new ReviewFiles(source), waiting, versions, drawn };
}

describe("the files of a thread", () => {
  const a = (version: number | null, start = 2) => file("/w/a.py", [hunk("1", start, 1, ["old"])], { version });

  test("are listed once when it opens, then only those that changed, one request at a time", async () => {
    const { files, waiting } = sidecar();
    files.open("t");
    await waiting[0]?.answer([a(null), file("/w/b.py", [hunk("2", 0, 1, [])])]);
    expect(files.keys()).toEqual(["/w/a.py", "/w/b.py"]);
    files.want(["/w/a.py"]);
    files.want(["/w/a.py"]);
    files.want(["/w/b.py"]);
    expect(waiting.map((one) => one.path)).toEqual([undefined, "/w/a.py"]);
    await waiting[1]?.answer([]);
    expect(waiting.map((one) => one.path)).toEqual([undefined, "/w/a.py", "/w/a.py"]);
    await waiting[2]?.answer([]);
    await waiting[3]?.answer([file("/w/b.py", [hunk("2", 0, 1, [])])]);
    expect(waiting).toHaveLength(4);
    expect(files.keys()).toEqual(["/w/b.py"]);
  });

  test("move with what is typed, and an answer about the text before is asked again", async () => {
    const { files, waiting, versions } = sidecar();
    versions.set("/w/a.py", 4);
    files.open("t");
    await waiting[0]?.answer([a(4)]);
    files.want(["/w/a.py"]);
    versions.set("/w/a.py", 5);
    files.typed("/w/a.py", [edit(0, 0, 0, "x\n")]);
    await waiting[1]?.answer([a(4)]);
    expect(files.get("/w/a.py")?.marks[0]?.start).toBe(3);
    await waiting[2]?.answer([a(5, 3)]);
    expect(files.get("/w/a.py")?.marks[0]?.start).toBe(3);
    expect(files.get("/w/a.py")?.file.version).toBe(5);
    expect(waiting).toHaveLength(3);
  });

  test("of a text that the editor has yet to load wait for it, and do not move when it is loaded", async () => {
    const { files, waiting, versions } = sidecar();
    versions.set("/w/a.py", 4);
    files.open("t");
    await waiting[0]?.answer([a(null)]);
    expect(files.get("/w/a.py")?.ahead).toBe(true);
    files.typed("/w/a.py", [edit(0, 0, 0, "all\nis\nnew\n")]);
    expect(files.get("/w/a.py")?.marks[0]?.start).toBe(2);
    versions.set("/w/a.py", 5);
    files.want(["/w/a.py"]);
    await waiting[1]?.answer([a(5)]);
    expect(files.get("/w/a.py")?.ahead).toBe(false);
  });

  test("of a file that was opened after it was asked for are asked for once more, for nobody tells that it is there", async () => {
    const { files, waiting, versions } = sidecar();
    files.open("t");
    versions.set("/w/a.py", 1);
    await waiting[0]?.answer([a(null)]);
    await waiting[1]?.answer([a(1)]);
    expect(files.get("/w/a.py")?.ahead).toBe(false);
    expect(waiting).toHaveLength(2);
  });

  test("that the editor has not loaded after that, either, are not asked for for ever", async () => {
    const { files, waiting, versions } = sidecar();
    versions.set("/w/a.py", 1);
    files.open("t");
    await waiting[0]?.answer([a(null)]);
    await waiting[1]?.answer([a(null)]);
    expect(waiting).toHaveLength(2);
  });

  test("of another thread are not taken for this one's", async () => {
    const { files, waiting, drawn } = sidecar();
    files.open("t");
    files.open("other");
    await waiting[0]?.answer([a(null)]);
    expect(files.size).toBe(0);
    await waiting[1]?.answer([a(null)]);
    expect(files.size).toBe(1);
    files.open(null);
    expect(files.size).toBe(0);
    expect(drawn.at(-1)).toEqual(["/w/a.py"]);
  });
});
