/** How the sidecar is to be started here and now: which program, with which arguments and variables. It starts nothing but handshakes. */
import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { currentFolder, roots } from "./folders";
import { Keys } from "./keys";
import { findSidecar, type Launch } from "./python";
import { chosenInterpreters } from "./python_extensions";
import { readSettings, type Settings, serveArguments } from "./settings";

export async function findLaunch(context: vscode.ExtensionContext): Promise<Launch> {
  const folder = currentFolder()?.uri;
  const settings = readSettings(folder);
  const open = roots();
  const launch = await findSidecar({
    sidecarPath: settings.sidecarPath,
    interpreter: settings.interpreter,
    ...libraries(context),
    environment: settings.environment,
    // an interpreter of an untrusted workspace is a program of that workspace
    chosen: settings.trusted ? await chosenInterpreters(folder) : [],
    writable: open,
  });
  const args = [...debugged(context, launch.args), "serve", ...serveArguments(settings, open)];
  const env = { ...launch.env, ...logging(settings), ...(await new Keys(context).environment()) };
  return { ...launch, args, env };
}

function libraries(context: vscode.ExtensionContext): { libraries: string | null; isolated: boolean } {
  // from a checkout the libraries are those of the interpreter, and the sidecar is the one that is being written
  const source = vscode.Uri.joinPath(context.extensionUri, "..", "sidecar").fsPath;
  if (context.extensionMode === vscode.ExtensionMode.Development) return { libraries: source, isolated: false };
  const bundled = vscode.Uri.joinPath(context.extensionUri, "bundled", "libs").fsPath;
  return { libraries: existsSync(bundled) ? bundled : null, isolated: true };
}

function logging({ logLevel, environment }: Settings): Record<string, string> {
  return logLevel === "default" || "TREADLE_LOG" in environment ? {} : { TREADLE_LOG: logLevel };
}

/** In development, `TREADLE_DEBUGPY=port` lets a debugger attach to the sidecar. */
function debugged(context: vscode.ExtensionContext, args: string[]): string[] {
  const port = process.env.TREADLE_DEBUGPY;
  const module = args.indexOf("-m");
  if (!port || module < 0 || context.extensionMode !== vscode.ExtensionMode.Development) return args;
  const listen = ["-X", "frozen_modules=off", "-m", "debugpy", "--listen", `127.0.0.1:${port}`];
  return [...args.slice(0, module), ...listen, ...args.slice(module)];
}
