/**
 * What the last command of each terminal printed, as far as VS Code tells: it does where its shell integration is on. Kept in memory
 * only, bounded, and read by nobody until the user mentions it.
 */
import * as vscode from "vscode";

const mostKept = 24_000;
const mostCommands = 8;

export interface TerminalCommand {
  id: string;
  terminal: string;
  command: string;
  output: string;
  exitCode: number | undefined;
  running: boolean;
}

export class Terminals implements vscode.Disposable {
  private readonly commands = new Map<vscode.TerminalShellExecution, TerminalCommand>();
  private readonly watching: vscode.Disposable;
  private number = 0;

  constructor() {
    this.watching = vscode.Disposable.from(
      vscode.window.onDidStartTerminalShellExecution((event) => void this.follow(event).catch(() => undefined)),
      vscode.window.onDidEndTerminalShellExecution(({ execution, exitCode }) => this.ended(execution, exitCode)),
    );
  }

  /** The newest first. */
  get recent(): TerminalCommand[] {
    return [...this.commands.values()].reverse();
  }

  find(id: string): TerminalCommand | undefined {
    return this.recent.find((command) => command.id === id);
  }

  dispose(): void {
    this.watching.dispose();
  }

  private async follow({ terminal, execution }: vscode.TerminalShellExecutionStartEvent): Promise<void> {
    this.number += 1;
    const command: TerminalCommand = {
      id: String(this.number),
      terminal: terminal.name,
      command: execution.commandLine.value.slice(0, 2_000),
      output: "",
      exitCode: undefined,
      running: true,
    };
    this.commands.set(execution, command);
    for (const old of [...this.commands.keys()].slice(0, -mostCommands)) this.commands.delete(old);
    for await (const data of execution.read()) command.output = kept(command.output + plain(data));
  }

  private ended(execution: vscode.TerminalShellExecution, exitCode: number | undefined): void {
    const command = this.commands.get(execution);
    if (command) Object.assign(command, { exitCode, running: false });
  }
}

/** The end is what tells how a command went. */
function kept(output: string): string {
  return output.length > 2 * mostKept ? output.slice(-mostKept) : output;
}

/** Words without the terminal's colours and movements. */
export function plain(data: string): string {
  return data
    .replace(/\x1b(?:\[[0-9;?<>=!]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()][\w]|.)/g, "")
    .replace(/[^\n]*\r(?!\n)|\r/g, "");
}
