/** What a user may do with threads that need not be open: rename, archive, delete, copy, export. Each asks only where something is lost. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";
import { mayLeave } from "./leaving";
import type { Parts } from "./parts";
import { count } from "./said";
import { workspaceFolder } from "./settings";
import { fileName, title } from "./titles";
import type { Thread } from "./wire";

/** A thread as these acts need it. */
export type Named = Pick<Thread, "id" | "name" | "preview">;

export async function rename({ sidecar }: Parts, thread: Named): Promise<void> {
  const name = await vscode.window.showInputBox({
    title: "Rename Thread",
    value: thread.name ?? title(thread),
    prompt: "A name that you will find again",
    validateInput: (text) => (text.trim() ? undefined : "A name has at least one letter."),
  });
  if (name !== undefined) await sidecar.request("thread/name/set", { threadId: thread.id, name: name.trim() });
}

export async function archive({ sidecar, chat }: Parts, threads: readonly Named[]): Promise<void> {
  const runs = threads.some(({ id }) => id === chat.view.id) && chat.running;
  if (runs && !(await mayLeave({ chat }))) return;
  for (const { id } of threads) await sidecar.request("thread/archive", { threadId: id });
}

export async function unarchive({ sidecar }: Parts, threads: readonly Named[]): Promise<void> {
  for (const { id } of threads) await sidecar.request("thread/unarchive", { threadId: id });
}

/** Deleting is for good: what is lost is said, and what is not. */
export async function remove(parts: Parts, threads: readonly Named[], archived: boolean): Promise<void> {
  const [first] = threads;
  if (!first) return;
  const which = threads.length === 1 ? `“${title(first)}”` : `${threads.length} threads`;
  const names = threads.slice(0, 8).map((thread) => `• ${title(thread)}`);
  const more = threads.length > 8 ? [`• and ${threads.length - 8} more`] : [];
  const detail = [
    ...(threads.length > 1 ? [...names, ...more, ""] : []),
    "What was said, what commands put out, and the checkpoints to restore files from are lost. Files in your folders stay as they are.",
  ].join("\n");
  const ways = archived ? ["Delete"] : ["Delete", "Archive Instead"];
  const answer = await vscode.window.showWarningMessage(`Delete ${which} for good?`, { modal: true, detail }, ...ways);
  if (answer === "Archive Instead") return archive(parts, threads);
  if (answer !== "Delete") return;
  const kept: string[] = [];
  for (const thread of threads) {
    await parts.sidecar.request("thread/delete", { threadId: thread.id }).catch((error) => {
      parts.log.warn(`thread/delete: ${error}`);
      kept.push(title(thread));
    });
  }
  if (kept.length)
    throw new Error(`${count(kept.length, "thread")} could not be deleted, for another window has them open: ${kept.join(", ")}`);
}

export async function fork(parts: Parts, thread: Named): Promise<void> {
  if (!(await mayLeave(parts))) return;
  await parts.chat.fork(thread.id, {});
  await parts.panel.show();
}

export async function exportThread({ sidecar }: Parts, thread: Named): Promise<void> {
  const kinds = [
    { label: "Markdown", description: "to read, or to share", format: "markdown" as const, extension: "md" },
    {
      label: "JSON Lines",
      description: "every item as it is kept: nothing is lost",
      format: "jsonl" as const,
      extension: "jsonl",
    },
  ];
  const kind = await vscode.window.showQuickPick(kinds, { title: `Export “${title(thread)}”`, placeHolder: "As what?" });
  if (!kind) return;
  const { text } = await sidecar.request("treadle/thread/export", { threadId: thread.id, format: kind.format });
  const folder = workspaceFolder()?.uri.fsPath;
  const at = await vscode.window.showSaveDialog({
    title: "Export Thread",
    defaultUri: folder ? vscode.Uri.file(join(folder, `${fileName(title(thread))}.${kind.extension}`)) : undefined,
    filters: { [kind.label]: [kind.extension] },
  });
  if (!at) return;
  await writeFile(at.fsPath, text);
  const answer = await vscode.window.showInformationMessage(`The thread is in ${at.fsPath}.`, "Open");
  if (answer) await vscode.commands.executeCommand("vscode.open", at);
}

export async function copyId(thread: Named): Promise<void> {
  await vscode.env.clipboard.writeText(thread.id);
  vscode.window.setStatusBarMessage("The thread's id is in the clipboard", 3_000);
}
