// What is new among problems, what becomes of the words in the commit box, and what a review's findings are kept as.
import { expect, test } from "vitest";
import { problemsAside } from "@src/asides";
import { addedFile, merged, subjects } from "@src/commit_words";
import { body, type ChangesReview, found, marked, restored, summaryOf } from "@src/findings";
import { changedLines, fresh, known, touches, wanted, words } from "@src/problems";

const problem = { path: "/w/a.json", line: 3, column: 1, severity: "error" as const, source: "json", code: "", message: "Expected comma" };

test("a problem that moved is not new, one more of the same kind is", () => {
  const before = known([problem]);
  expect(fresh(before, [{ ...problem, line: 9 }])).toEqual([]);
  expect(fresh(before, [problem, { ...problem, line: 9 }])).toEqual([{ ...problem, line: 9 }]);
  expect(fresh(known([]), [problem])).toEqual([problem]);
});

test("the setting says what is handed back", () => {
  const warning = { ...problem, severity: "warning" as const };
  expect([wanted(problem, "errors"), wanted(warning, "errors"), wanted(warning, "warnings")]).toEqual([true, false, true]);
  expect(wanted(problem, "off")).toBe(false);
});

test("where nothing is known of before, only changed lines count", () => {
  const lines = changedLines("@@ -1,2 +1,3 @@\n x\n@@ -9 +10 @@\n y\n");
  expect(lines).toEqual([
    [1, 3],
    [10, 10],
  ]);
  expect([touches(lines, 3), touches(lines, 4), touches(null, 4)]).toEqual([true, false, true]);
});

test("problems are counted in words", () => {
  expect(words([problem])).toBe("1 new problem in a.json");
  expect(words([problem, { ...problem, path: "/w/b.json" }])).toBe("2 new problems in 2 files");
  expect(problemsAside({ problems: [problem] })?.words).toBe("Told the agent of 1 new problem in a.json");
  expect(problemsAside({ problems: "nonsense" })).toBeNull();
});

test("words of the user stay in the commit box unless the message took them up", () => {
  expect(merged("Mend the parser", "")).toBe("Mend the parser");
  expect(merged("Mend the parser", "mend  the ")).toBe("Mend the parser");
  expect(merged("Mend the parser", "Closes #3")).toBe("Mend the parser\n\nCloses #3");
  expect(subjects(["a\n\nbody", "Merge branch 'x'", ""])).toEqual(["a"]);
  expect(addedFile("a.py", "x\ny\n")).toContain("@@ -0,0 +1,2 @@\n+x\n+y\n");
});

test("findings are kept over a reload, and what ran then has stopped", () => {
  const empty = { threadId: "t", turnId: "u", label: "staged changes", folder: "/w", verdict: null, summary: "", findings: [] };
  const running: ChangesReview = { ...empty, state: "running" };
  const one = { path: "/w/a.py", firstLine: 1, lastLine: 2, priority: 0, title: "x", body: "![p](https://e.org/x) y", confidence: 0.9 };
  const item = { type: "exitedReviewMode" as const, id: "i", review: "", verdict: "incorrect" as const, summary: "s", findings: [one] };
  const done = found(running, item);
  const fixing = marked(done, "u:0", "fixing");
  expect(restored(JSON.parse(JSON.stringify(fixing)))).toEqual(done);
  expect(restored(running)?.state).toBe("stopped");
  expect([restored(undefined), restored({ threadId: 3 })]).toEqual([null, null]);
  expect(summaryOf(marked(done, "u:0", "dismissed"))).toMatchObject({ open: [], settled: 1 });
  expect(body(one)).toBe("[p](https://e.org/x) y\n\n*90 % sure*");
  expect(body({ ...one, body: "!![p](https://e.org/x) !!![q][r]" })).toBe("[p](https://e.org/x) [q][r]\n\n*90 % sure*");
});
