/**
 * Reads the `treadle.*` settings. In an untrusted workspace VS Code hides the workspace's values of restricted settings; on top of
 * that the sandbox is read-only and instruction files of the folder are not read.
 */
import * as vscode from "vscode";
import type { ThreadStartParams } from "./wire";

export interface Settings {
  sidecarPath: string;
  interpreter: string;
  environment: Record<string, string>;
  model: string;
  approvalPolicy: "on-request" | "never";
  sandboxMode: "read-only" | "workspace-write" | "danger-full-access";
  askBeforeEdits: boolean;
  trusted: boolean;
}

export function readSettings(scope?: vscode.Uri): Settings {
  const from = vscode.workspace.getConfiguration("treadle", scope);
  const trusted = vscode.workspace.isTrusted;
  return {
    sidecarPath: from.get("sidecar.path", "").trim(),
    interpreter: from.get("python.interpreter", "").trim(),
    environment: from.get("environment", {}),
    model: from.get("model", "").trim(),
    approvalPolicy: from.get<Settings["approvalPolicy"]>("approvalPolicy", "on-request"),
    sandboxMode: trusted ? from.get<Settings["sandboxMode"]>("sandboxMode", "workspace-write") : "read-only",
    askBeforeEdits: from.get("askBeforeEdits", true),
    trusted,
  };
}

/** A thread's settings as thread/start and thread/resume take them. */
export function threadParams(settings: Settings, cwd: string): ThreadStartParams {
  const config: Record<string, unknown> = { ask_before_edits: settings.askBeforeEdits };
  if (!settings.trusted) config.project_doc_max_bytes = 0;
  const params: ThreadStartParams = { cwd, approvalPolicy: settings.approvalPolicy, sandbox: settings.sandboxMode, config };
  if (settings.model) params.model = settings.model;
  return params;
}

/** The same as `-c key=value` arguments, TOML values, so that the sidecar's defaults agree with the editor's settings. */
export function overrideArguments(settings: Settings): string[] {
  const pairs: [string, string][] = [
    ["approval_policy", JSON.stringify(settings.approvalPolicy)],
    ["sandbox_mode", JSON.stringify(settings.sandboxMode)],
    ["ask_before_edits", String(settings.askBeforeEdits)],
  ];
  if (settings.model) pairs.push(["model", JSON.stringify(settings.model)]);
  return pairs.flatMap(([key, value]) => ["-c", `${key}=${value}`]);
}

/** The folder a new thread works in: that of the active editor, else the first one; null when no folder is open. */
export function workspaceFolder(): vscode.WorkspaceFolder | null {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const active = uri && vscode.workspace.getWorkspaceFolder(uri);
  const folder = active ?? vscode.workspace.workspaceFolders?.[0];
  return folder?.uri.scheme === "file" ? folder : null;
}

export function onSettingsChange(react: (needsRestart: boolean) => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((change) => {
    if (!change.affectsConfiguration("treadle")) return;
    const process = ["sidecar", "python", "environment"].some((key) => change.affectsConfiguration(`treadle.${key}`));
    react(process);
  });
}
