/**
 * "Copy Diagnostics": what somebody who helps would ask for, as Markdown in the clipboard. It never holds a secret: keys, words that look
 * like keys, and the name of the home folder are taken out, and settings that may hold one are named without their values.
 */
import { homedir, release } from "node:os";
import * as vscode from "vscode";
import { report, silent } from "./doctor";
import { Keys } from "./keys";
import { lastLines, sentence } from "./log";
import { inConfig, inConfigOfProcess, said } from "./overrides";
import type { Feature, Parts } from "./parts";
import { redacted } from "./redaction";
import { workspaceFolder } from "./settings";

const others = Object.fromEntries(["sidecar.path", "python.interpreter", "logLevel", "openAtStart"].map((name) => [name, name]));

export class Diagnostics implements Feature {
  constructor(private readonly parts: Parts) {}

  readonly commands: Feature["commands"] = { "treadle.copyDiagnostics": () => this.copy() };

  dispose(): void {}

  private async copy(): Promise<void> {
    const text = await this.text();
    await vscode.env.clipboard.writeText(text);
    void vscode.window.showInformationMessage(
      `Treadle's diagnostics are in the clipboard (${text.split("\n").length} lines, without keys).`,
    );
  }

  private async text(): Promise<string> {
    const { context, sidecar } = this.parts;
    const found = await sidecar.request("treadle/doctor", { cwd: workspaceFolder()?.uri.fsPath ?? null }).then(
      ({ report: facts }) => report(facts),
      (error) => silent(sentence(error)),
    );
    const { TREADLE_KEYS: _names, ...keys } = await new Keys(context).environment();
    const page = [
      found.trimEnd(),
      "",
      "## Versions",
      "",
      `- Treadle ${context.extension.packageJSON.version}, sidecar ${sidecar.state.connection}`,
      `- ${vscode.env.appName} ${vscode.version}, ${vscode.env.uiKind === vscode.UIKind.Web ? "web" : "desktop"}, remote: ${vscode.env.remoteName ?? "no"}`,
      `- ${process.platform} ${process.arch} ${release()}, Node ${process.versions.node}`,
      `- workspace: ${vscode.workspace.workspaceFolders?.length ?? 0} folders, ${vscode.workspace.isTrusted ? "trusted" : "restricted"}`,
      "",
      "## Settings that are set",
      "",
      ...settings(),
      `- keys in the secret store: ${Object.keys(keys).join(", ") || "none"}`,
      "",
      "## Last lines of the log",
      "",
      "```text",
      ...lastLines().map((line) => line.replaceAll("```", "'''")),
      "```",
      "",
    ].join("\n");
    return redacted(page, Object.values(keys), homedir());
  }
}

function settings(): string[] {
  const from = vscode.workspace.getConfiguration("treadle", workspaceFolder()?.uri);
  const set = Object.entries(said(from, { ...inConfig, ...inConfigOfProcess, ...others }, vscode.workspace.isTrusted));
  const names = Object.keys(from.get<Record<string, string>>("environment", {}));
  return [
    ...set.map(([key, value]) => `- ${key}: ${JSON.stringify(value)}`),
    `- environment: ${names.length ? `${names.join(", ")} (values left out)` : "nothing"}`,
  ];
}
