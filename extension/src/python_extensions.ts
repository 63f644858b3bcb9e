/**
 * What the Python extensions say is the chosen interpreter: the one of environments first, then Python's own. Both are optional; one that
 * does not run is left alone, for starting it can look through the whole disk. Only the little of their interfaces that is used is typed.
 */
import * as vscode from "vscode";
import type { Candidate } from "./python";

interface Environments {
  getEnvironment?(
    scope: vscode.Uri | undefined,
  ): Promise<{ execInfo?: { run?: { executable?: string; args?: string[] } } } | undefined>;
  onDidChangeEnvironment?: vscode.Event<unknown>;
}

interface Python {
  environments?: {
    getActiveEnvironmentPath?(resource?: vscode.Uri): { path?: string };
    resolveEnvironment?(environment: unknown): Promise<{ executable?: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

const environments = "ms-python.vscode-python-envs";
const python = "ms-python.python";

function running<T>(id: string): T | undefined {
  const extension = vscode.extensions.getExtension<T>(id);
  return extension?.isActive ? extension.exports : undefined;
}

export async function chosenInterpreters(folder: vscode.Uri | undefined): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const [from, look] of [
    [environments, ofEnvironments],
    [python, ofPython],
  ] as const) {
    // whatever another extension throws is not a reason not to start
    const candidate = await look(folder).catch(() => undefined);
    if (candidate && !found.some((other) => other.command === candidate.command)) found.push({ ...candidate, from });
  }
  return found;
}

async function ofEnvironments(folder: vscode.Uri | undefined): Promise<Omit<Candidate, "from"> | undefined> {
  const run = (await running<Environments>(environments)?.getEnvironment?.(folder))?.execInfo?.run;
  return run?.executable ? { command: run.executable, args: run.args } : undefined;
}

async function ofPython(folder: vscode.Uri | undefined): Promise<Omit<Candidate, "from"> | undefined> {
  const api = running<Python>(python)?.environments;
  const active = api?.getActiveEnvironmentPath?.(folder);
  if (!active) return undefined;
  const command = (await api?.resolveEnvironment?.(active))?.executable?.uri?.fsPath;
  return command ? { command } : undefined;
}

/** Told when another interpreter was chosen in one of them. */
export function onInterpreterChange(react: () => void): vscode.Disposable {
  const events = [
    running<Environments>(environments)?.onDidChangeEnvironment,
    running<Python>(python)?.environments?.onDidChangeActiveEnvironmentPath,
  ];
  return vscode.Disposable.from(...events.flatMap((event) => (event ? [event(react)] : [])));
}
