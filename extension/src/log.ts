/**
 * The one log channel of the extension; the sidecar's stderr goes there too. Never opened by itself: the user asks to see it. The last
 * lines are remembered, for who asks for help.
 */
import * as vscode from "vscode";

export type Log = vscode.LogOutputChannel;

const most = 200;
const longest = 500;
const kept: string[] = [];

/** The newest last. */
export function lastLines(): readonly string[] {
  return kept;
}

function keep(level: string, text: string): void {
  for (const line of text.split("\n")) {
    if (line.trim()) kept.push(`${level} ${line.length > longest ? `${line.slice(0, longest)}…` : line}`);
  }
  if (kept.length > most) kept.splice(0, kept.length - most);
}

export function createLog(): Log {
  const channel = vscode.window.createOutputChannel("Treadle", { log: true });
  return {
    name: channel.name,
    get logLevel() {
      return channel.logLevel;
    },
    onDidChangeLogLevel: channel.onDidChangeLogLevel,
    append: (text) => channel.append(text),
    appendLine: (text) => channel.appendLine(text),
    replace: (text) => channel.replace(text),
    clear: () => channel.clear(),
    show: () => channel.show(),
    hide: () => channel.hide(),
    dispose: () => channel.dispose(),
    // what was said to the letter may hold whole messages: it is not remembered
    trace: (message, ...more) => channel.trace(message, ...more),
    debug: (message, ...more) => channel.debug(message, ...more),
    info: (message, ...more) => {
      keep("info", message);
      channel.info(message, ...more);
    },
    warn: (message, ...more) => {
      keep("warning", message);
      channel.warn(message, ...more);
    },
    error: (error, ...more) => {
      keep("error", sentence(error));
      channel.error(error, ...more);
    },
  };
}

/**
 * Words of others as a notification may show them: VS Code makes links of `[words](command:...)` in one, and a click on such a link runs
 * any command with any arguments.
 */
export function unlinked(text: string): string {
  return text.replace(/\](?=\()/g, "] ");
}

/** One line for the log from whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
