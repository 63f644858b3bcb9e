/** The commands of the palette, the editor's menu and the panel's buttons: each a line or two that calls who knows. */
import { isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import { type Log, sentence, unlinked } from "./log";
import type { Feature, Parts } from "./parts";

export { openThread } from "./leaving";
export { title } from "./titles";

export function registerCommands(parts: Parts, features: readonly Feature[]): vscode.Disposable[] {
  const { chat, panel, sidecar, doctor, permissions, log } = parts;
  const commands: Record<string, (...args: unknown[]) => unknown> = {
    "treadle.newThread": () => newThread(parts),
    "treadle.stop": () => chat.interrupt(),
    "treadle.restart": () => sidecar.restart().catch(() => undefined),
    "treadle.showLog": () => log.show(),
    "treadle.inspectPrompt": () => inspectPrompt(parts),
    "treadle.doctor": () => doctor.show(),
    "treadle.managePermissions": () => permissions.show(),
    "treadle.goToQuestion": () => panel.show("question"),
    "treadle.refreshTools": () => refreshTools(parts),
    "treadle.openSettings": () => vscode.commands.executeCommand("workbench.action.openSettings", "@ext:treadle.treadle"),
    "treadle.setInterpreter": () => vscode.commands.executeCommand("workbench.action.openSettings", "treadle.python.interpreter"),
    "treadle.openWalkthrough": () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", "treadle.treadle#start", false),
    "treadle.installPython": () => vscode.env.openExternal(vscode.Uri.parse("https://www.python.org/downloads/")),
    "treadle.focus": () => panel.show(),
  };
  const all = Object.assign(commands, ...features.map((feature) => feature.commands ?? {}));
  return Object.keys(all).map((name) =>
    vscode.commands.registerCommand(name, (...args) => run(name, () => all[name]?.(...args), log)),
  );
}

/** What a command cannot do is said in one sentence; the log has more. */
async function run(name: string, act: () => unknown, log: Log): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    log.error(`${name}: ${error}`);
    void vscode.window.showErrorMessage(unlinked(`Treadle: ${sentence(error)}`));
    return undefined;
  }
}

async function inspectPrompt({ chat, inspector, log }: Parts): Promise<void> {
  await inspector.inspect(chat.view.id).catch((error) => {
    log.error(`treadle/prompt/read: ${error}`);
    void vscode.window.showErrorMessage(unlinked(`Treadle cannot show the prompt: ${sentence(error)}`));
  });
}

/** A refresh moves the whole prompt: the user hears what it costs before it is done. */
async function refreshTools({ chat, sidecar, log }: Parts): Promise<void> {
  const threadId = chat.view.id;
  if (!threadId) return void vscode.window.showInformationMessage("There is no thread whose tools could be refreshed.");
  try {
    const would = await sidecar.request("treadle/tools/refresh", { threadId, dryRun: true });
    const count = would.added.length + would.removed.length + would.changed.length;
    if (!count) return void vscode.window.showInformationMessage("The model knows the tools of its MCP servers as they are.");
    const question = `${would.added.length} tools are new, ${would.removed.length} gone, ${would.changed.length} changed. Give the model the new list with its next request?`;
    const detail = `The provider then reads about ${would.cost} tokens of this thread again, instead of finding them in its cache.`;
    const answer = await vscode.window.showInformationMessage(question, { modal: true, detail }, "Refresh Tools");
    if (answer) await sidecar.request("treadle/tools/refresh", { threadId });
  } catch (error) {
    log.error(`treadle/tools/refresh: ${error}`);
    void vscode.window.showErrorMessage(unlinked(`Treadle cannot refresh the tools: ${sentence(error)}`));
  }
}

async function newThread({ chat, panel }: Parts): Promise<void> {
  const { id } = chat.view;
  await chat.interrupt().catch(() => undefined);
  // Meanwhile the user may have opened another one.
  if (id === null || chat.view.id === id) chat.close();
  await panel.show();
}

/** Opens a file that the transcript names: a path, perhaps with :line or :line:column or #Lline. Only on the user's click. */
export async function openFile(reference: string, base: string | null, log: Log): Promise<void> {
  const found = /^(.*?)(?:#L(\d+)(?:-L?\d+)?|:(\d+)(?:[-:]\d+)?)?$/.exec(reference);
  const path = found?.[1] ?? reference;
  const line = Math.max(0, Number(found?.[2] ?? found?.[3] ?? 1) - 1);
  const uri = vscode.Uri.file(isAbsolute(path) ? path : join(base ?? "", path));
  try {
    const document = await vscode.workspace.openTextDocument(uri);
    const at = new vscode.Range(line, 0, line, 0);
    await vscode.window.showTextDocument(document, { selection: at, preview: true });
  } catch (error) {
    log.warn(`openFile ${reference}: ${error}`);
    void vscode.window.showWarningMessage(unlinked(`Treadle cannot open ${path}.`));
  }
}
