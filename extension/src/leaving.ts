/** Going from one thread to another: a turn that runs is not stopped without a word, and one that cannot be opened is not an empty panel. */
import * as vscode from "vscode";
import { said } from "./chat";
import { unlinked } from "./log";
import type { Parts } from "./parts";
import { shownTitle, title } from "./titles";

type Needs = Pick<Parts, "chat" | "panel" | "sidecar" | "log">;

/** False when the user would rather stay with the turn that runs. */
export async function mayLeave({ chat }: Pick<Parts, "chat">): Promise<boolean> {
  if (!chat.running) return true;
  const question = `A turn is running in “${shownTitle(chat.view) ?? "this thread"}”.`;
  const detail = "Going to another thread stops it. What it has done so far is kept.";
  const answer = await vscode.window.showWarningMessage(question, { modal: true, detail }, "Stop and Go");
  if (!answer) return false;
  await chat.interrupt().catch(() => undefined);
  return true;
}

/** `stay`: the keyboard stays where it is when the panel can be seen already. */
export async function openThread(needs: Needs, id: string, stay = false): Promise<void> {
  const { chat, panel } = needs;
  if (!stay || !panel.visible) await panel.show();
  const shown = id === chat.view.id;
  // Where another one is on its way into the panel, this one is wanted again.
  if (shown ? chat.running || !chat.settled() : !(await mayLeave(needs))) return;
  await chat.resume(id).catch((error) => notOpened(needs, id, error));
}

/** Says why, and what can be done about it. */
export async function notOpened(
  { chat, sidecar, log }: Pick<Needs, "chat" | "sidecar" | "log">,
  id: string,
  error: unknown,
): Promise<void> {
  log.warn(`thread/resume: ${said(error)}`);
  const name = await sidecar.request("thread/read", { threadId: id }).then(
    (answer) => title(answer.thread),
    () => "This thread",
  );
  if (!isElsewhere(error)) {
    chat.notice("error", `resume:${id}:${Date.now()}`, `“${name}” cannot be opened: ${said(error)}`);
    return;
  }
  if (!chat.view.id) {
    chat.receive({ method: "panel/elsewhere", params: { elsewhere: { id, title: name } } });
    return;
  }
  const words = `“${name}” is open in another window. It can be read and changed there, or go on here in a copy.`;
  const answer = await vscode.window.showInformationMessage(unlinked(words), "Open a Copy");
  if (answer && (await mayLeave({ chat }))) await chat.fork(id, {});
}

/** Another process has the thread; the sidecar says so in the data of its refusal. */
export function isElsewhere(error: unknown): boolean {
  return (error as { data?: { reason?: unknown } } | null)?.data?.reason === "openElsewhere";
}
