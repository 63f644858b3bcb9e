/**
 * Reads the `treadle.*` settings. Only what a user has set is told to the sidecar: everything else is config.toml's to say, so that a
 * file that works with Codex works here. In an untrusted workspace what the workspace itself sets is not looked at.
 */
import * as vscode from "vscode";
import { currentFolder } from "./folders";
import { inConfig, inConfigOfProcess, said } from "./overrides";
import type { ThreadStartParams } from "./wire";

export interface Settings {
  sidecarPath: string;
  interpreter: string;
  environment: Record<string, string>;
  /** Keys of config.toml that a user has set here, and their values. */
  said: Record<string, unknown>;
  /** Those of them that count for the whole process. */
  ofProcess: Record<string, unknown>;
  logLevel: string;
  trusted: boolean;
}

/** What holds where neither VS Code nor config.toml says anything: in an editor an edit is asked about first. */
const defaults: Record<string, unknown> = { ask_before_edits: true };

export function readSettings(scope?: vscode.Uri): Settings {
  const from = vscode.workspace.getConfiguration("treadle", scope);
  const trusted = vscode.workspace.isTrusted;
  return {
    sidecarPath: from.get("sidecar.path", "").trim(),
    interpreter: from.get("python.interpreter", "").trim(),
    environment: from.get("environment", {}),
    said: said(from, inConfig, trusted),
    ofProcess: said(from, inConfigOfProcess, trusted),
    logLevel: from.get("logLevel", "default"),
    trusted,
  };
}

/** A thread's settings as thread/start and thread/resume take them. Every folder of the workspace is a root of it. */
export function threadParams(settings: Settings, cwd: string, roots: readonly string[] = []): ThreadStartParams {
  const params: ThreadStartParams = { cwd, config: settings.said as ThreadStartParams["config"] };
  if (roots.length) params.runtimeWorkspaceRoots = [...roots];
  return params;
}

/** What the sidecar is started with, so that what it says of itself agrees with the editor, and it knows what is trusted. */
export function serveArguments(settings: Settings, roots: readonly string[]): string[] {
  const pair = ([key, value]: [string, unknown]) => `${key}=${toml(value)}`;
  return [
    ...(settings.trusted ? roots.flatMap((root) => ["--trusted", root]) : ["--restricted"]),
    ...Object.entries(defaults).flatMap((entry) => ["--default", pair(entry)]),
    ...Object.entries({ ...settings.said, ...settings.ofProcess }).flatMap((entry) => ["-c", pair(entry)]),
  ];
}

/** A value as TOML: its strings, numbers, flags and lists are written as those of JSON, but for one character. */
function toml(value: unknown): string {
  return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
}

/** The folder that a new thread works in; null when no folder is open. */
export function workspaceFolder(): vscode.WorkspaceFolder | null {
  return currentFolder();
}

export function onSettingsChange(react: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((change) => {
    if (change.affectsConfiguration("treadle")) react();
  });
}
