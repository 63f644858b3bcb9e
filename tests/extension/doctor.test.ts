// The page about Treadle's set-up: what works, what does not, and nothing left out.
import { expect, test } from "vitest";
import { report, silent } from "@src/doctor";

const found = {
  version: "0.1.0",
  python: "/usr/bin/python3 3.12.3",
  codexHome: "/home/ada/.codex",
  treadleHome: "/home/ada/.local/share/treadle",
  provider: "acme",
  baseUrl: "https://api.acme.example/v1",
  model: "a-model",
  modelProblem: null,
  keyProblem: null,
  sandbox: "bubblewrap",
  sandboxAvailable: true,
  sandboxProblem: null,
  configProblems: [],
};
const wrong = (page: string) => page.split("\n").filter((line) => line.startsWith("✗"));

test("says that all is well, and with what", () => {
  const page = report(found);
  expect(wrong(page)).toEqual([]);
  expect(page).toContain("All is well.");
  expect(page).toContain("a-model from acme at https://api.acme.example/v1");
  expect(page).toContain("/home/ada/.codex");
});

test("says each thing that is wrong in the sidecar's words", () => {
  const bad = { modelProblem: "There are no weights.", keyProblem: "Set ACME_KEY.", sandboxAvailable: false, sandboxProblem: "bwrap is missing.", configProblems: ["line 3: no"] };
  const page = report({ ...found, ...bad });
  expect(wrong(page)).toEqual(["✗ Sandbox: bwrap is missing.", "✗ Model: There are no weights.", "✗ Key: Set ACME_KEY.", "✗ Configuration: line 3: no"]);
  expect(page).toContain("4 things need you.");
});

test("hides no fact that it does not know", () => {
  expect(report({ ...found, moon: { phase: "full" } })).toContain('moon: {"phase":"full"}');
});

test("says why the sidecar does not answer", () => {
  expect(wrong(silent("python3: not found"))).toEqual(["✗ Sidecar: python3: not found"]);
});
