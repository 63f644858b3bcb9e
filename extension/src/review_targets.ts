/** Asks the user which changes are to be reviewed: uncommitted, staged, against a branch, or one commit. */
import * as vscode from "vscode";
import type { Repository } from "./git";
import type { ReviewTarget } from "./wire";

interface Pick<T> extends vscode.QuickPickItem {
  value: T;
}

type Kind = "uncommitted" | "staged" | "branch" | "commit";

/** Undefined: the user thought better of it. */
export async function reviewTarget(repository: Repository): Promise<ReviewTarget | undefined> {
  const { indexChanges, workingTreeChanges, untrackedChanges } = repository.state;
  const staged = indexChanges.length;
  const all = staged + workingTreeChanges.length + (untrackedChanges?.length ?? 0);
  const kinds: Pick<Kind>[] = [
    { label: "$(diff) Uncommitted changes", description: files(all), value: "uncommitted" },
    { label: "$(pass) Staged changes", description: files(staged), value: "staged" },
    { label: "$(git-branch) Against a branch…", description: repository.state.HEAD?.name ?? "", value: "branch" },
    { label: "$(git-commit) One commit…", value: "commit" },
  ];
  const kind = await vscode.window.showQuickPick(kinds, { title: "Review Changes", placeHolder: "What is to be reviewed?" });
  switch (kind?.value) {
    case "uncommitted":
      return { type: "uncommittedChanges" };
    case "staged":
      return { type: "stagedChanges" };
    case "branch":
      return branch(repository);
    case "commit":
      return commit(repository);
    default:
      return undefined;
  }
}

async function branch(repository: Repository): Promise<ReviewTarget | undefined> {
  const known = (await repository.getBranches?.({ remote: true })) ?? [];
  const here = repository.state.HEAD?.name;
  const names = known.map(({ name }) => name ?? "").filter((name) => name && name !== here && !name.endsWith("/HEAD"));
  const main = (name: string) => /^(?:.*\/)?(?:main|master|develop|trunk)$/.test(name);
  const sorted = [...names.filter(main), ...names.filter((name) => !main(name))];
  const chosen = await vscode.window.showQuickPick(sorted, { title: "Review Changes", placeHolder: "Against which branch?" });
  return chosen ? { type: "baseBranch", branch: chosen } : undefined;
}

async function commit(repository: Repository): Promise<ReviewTarget | undefined> {
  const last = await repository.log({ maxEntries: 50 });
  const items = last.map(({ hash, message, authorDate }) => ({
    label: message.split("\n", 1)[0] ?? hash,
    description: `${hash.slice(0, 8)}${authorDate ? ` · ${authorDate.toLocaleDateString()}` : ""}`,
    value: hash,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Review Changes", placeHolder: "Which commit?" });
  return chosen && { type: "commit", sha: chosen.value, title: chosen.label };
}

function files(count: number): string {
  return count ? `${count} ${count === 1 ? "file" : "files"}` : "none";
}
