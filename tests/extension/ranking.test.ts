// Files by a few letters: the likeliest first, quick among very many, and marked where the letters are.
import { describe, expect, test } from "vitest";
import { splitMarks } from "@src/choices";
import { Ranking } from "@src/ranking";

const few = new Ranking(["src/chat.ts", "src/changes/chatter.ts", "docs/a/chapter.md", "README.md", "tests/chat.test.ts"]);
const names = (query: string, first = new Set<string>()) => few.best(query, 10, first).map((one) => one.path);

describe("the ranking of files", () => {
  test("puts the name before the path, and the shorter before the longer", () => {
    expect(names("chat").slice(0, 3)).toEqual(["src/chat.ts", "tests/chat.test.ts", "src/changes/chatter.ts"]);
    expect(names("readme")[0]).toBe("README.md");
    expect(names("src/ch")[0]).toBe("src/chat.ts");
  });

  test("finds letters that lie apart, folders too, and nothing where nothing matches", () => {
    expect(names("dcm")).toEqual(["docs/a/chapter.md"]);
    expect(few.best("changes", 1)[0]).toMatchObject({ path: "src/changes", folder: true });
    expect(names("zzz")).toEqual([]);
  });

  test("prefers files that are open, and shows them when nothing is typed yet", () => {
    expect(names("chat", new Set(["src/changes/chatter.ts"])).indexOf("src/changes/chatter.ts")).toBeLessThan(3);
    expect(names("", new Set(["docs/a/chapter.md"]))[0]).toBe("docs/a/chapter.md");
  });

  test("finds the same whether letters come one by one or at once, and after one is taken back", () => {
    const files = ["ab/cd.ts", "abc.ts", "axbxc.ts", "b.ts"];
    const typed = new Ranking(files);
    for (const query of ["a", "ab", "abc", "ab", "b", "bc"]) {
      expect(typed.best(query, 10)).toEqual(new Ranking(files).best(query, 10));
    }
  });

  test("answers within 50 ms a key among fifty thousand files", () => {
    const words = ["src", "lib", "components", "server", "client", "utils", "tests", "models"];
    const word = (number: number) => words[number % words.length] as string;
    const files = Array.from({ length: 50_000 }, (_, number) => `${word(number)}/${word(number >> 3)}/${word(number >> 6)}/${word(number * 5)}${number}.ts`);
    const many = new Ranking(files);
    many.best("warm", 40);
    const times = ["s", "se", "ser", "serv", "server4", "u", "ut", "srvcl", "x"].map((query) => {
      const began = process.cpuUsage();
      many.best(query, 40);
      return process.cpuUsage(began).user / 1_000;
    });
    // time of our own, and the median: others may use the machine, too
    expect(times.sort((one, other) => one - other)[4]).toBeLessThan(50);
  });
});

test("marks fall on the name and on the folders before it", () => {
  expect(splitMarks("src/chat.ts", [9, 0, 4])).toEqual({ label: "chat.ts", detail: "src", marks: [0, 5], detailMarks: [0] });
  expect(splitMarks("README.md", [0])).toEqual({ label: "README.md", detail: "", marks: [0], detailMarks: [] });
});
