// The repository of a window: one that VS Code has yet to find is waited for, and where there is none, that is said.
import { beforeEach, expect, test, vi } from "vitest";

const git = vi.hoisted(() => ({ state: "uninitialized", repositories: [] as unknown[], listeners: new Set<() => void>() }));

vi.mock("vscode", () => ({
  extensions: { getExtension: () => ({ activate: async () => ({ getAPI: () => api }) }) },
  window: { activeTextEditor: undefined },
}));

const api = {
  get state() {
    return git.state;
  },
  get repositories() {
    return git.repositories;
  },
  getRepository: () => null,
  onDidChangeState: (listener: () => void) => {
    git.listeners.add(listener);
    return { dispose: () => git.listeners.delete(listener) };
  },
};

import { repository } from "@src/git";

const one = { rootUri: { toString: () => "file:///w" } };

/** VS Code has looked through the folders of the window. */
function looked(...repositories: unknown[]): void {
  Object.assign(git, { state: "initialized", repositories });
  for (const listener of [...git.listeners]) listener();
}

beforeEach(() => {
  Object.assign(git, { state: "uninitialized", repositories: [] });
});

test("a repository that VS Code is still looking for is waited for", async () => {
  const found = repository();
  await vi.waitFor(() => expect(git.listeners.size).toBe(1));
  looked(one);
  expect(await found).toBe(one);
  expect(git.listeners.size).toBe(0);
});

test("a repository that is there is not waited for", async () => {
  git.repositories = [one];
  expect(await repository()).toBe(one);
});

test("a window without one says so when VS Code has looked", async () => {
  looked();
  await expect(repository()).rejects.toThrow("There is no Git repository in this window.");
});

test("where VS Code does not come to an end, it is said as well", async () => {
  vi.useFakeTimers();
  try {
    const found = repository();
    const said = expect(found).rejects.toThrow("There is no Git repository in this window.");
    await vi.runAllTimersAsync();
    await said;
    expect(git.listeners.size).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
