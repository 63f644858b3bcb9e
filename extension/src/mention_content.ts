/**
 * What the model reads of a mention that is more than a path: the selected lines as the editor has them now, problems, what a terminal
 * printed, what another thread said. Each is bounded and fenced; one that is gone says so instead of failing the message.
 */
import * as vscode from "vscode";
import { bounded, type Draft, fenced, type Mention, standing } from "./draft";
import { listedProblems, type Mentions, openFiles } from "./mentions";
import type { Parts } from "./parts";
import { plain } from "./terminals";

const mostLetters = 24_000;
const mostProblems = 60;

/** By the mentions' tokens. */
export async function contentsOf(draft: Draft, mentions: Mentions, parts: Parts): Promise<Map<string, string>> {
  const found = await Promise.all(
    standing(draft.text, draft.mentions).map(
      async (mention) => [mention.token, await content(mention, mentions, parts)] as const,
    ),
  );
  return new Map(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

async function content(mention: Mention, mentions: Mentions, { sidecar }: Parts): Promise<string | undefined> {
  switch (mention.kind) {
    case "selection":
    case "symbol":
      return lines(mention);
    case "tabs":
      return `Files that are open in the editor:\n${openFiles()
        .map((uri) => `- ${line(uri.fsPath)}`)
        .join("\n")}`;
    case "problems":
      return problems();
    case "terminal":
      return terminal(mention, mentions);
    case "thread": {
      const threadId = mention.id ?? "";
      const read = await sidecar
        .request("treadle/thread/export", { threadId })
        .catch((error: unknown) => ({ text: String(error) }));
      return `Another thread, "${line(mention.label)}":\n${fenced(bounded(read.text, mostLetters), "markdown")}`;
    }
    default:
      return undefined;
  }
}

async function lines({ path = "", lines: range = [1, 1], label }: Mention): Promise<string> {
  try {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
    const last = Math.min(range[1], document.lineCount) - 1;
    const text = document.getText(new vscode.Range(range[0] - 1, 0, last, document.lineAt(Math.max(0, last)).text.length));
    return `${line(path)}, lines ${range[0]}-${range[1]}:\n${fenced(bounded(text, mostLetters), document.languageId)}`;
  } catch {
    return `${line(label)}: the file cannot be read.`;
  }
}

/** A name in a line of ours, whatever it holds. */
function line(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");
}

function problems(): string {
  const all = listedProblems();
  const listed = all.slice(0, mostProblems).map(({ uri, diagnostic }) => {
    const { start } = diagnostic.range;
    const severity = diagnostic.severity === vscode.DiagnosticSeverity.Error ? "error" : "warning";
    const source = diagnostic.source ? ` (${diagnostic.source})` : "";
    const message = diagnostic.message.replace(/\s+/g, " ").slice(0, 500);
    return `${vscode.workspace.asRelativePath(uri)}:${start.line + 1}:${start.character + 1} ${severity}: ${message}${source}`;
  });
  if (!listed.length) return "The editor shows no errors or warnings.";
  const more = all.length > listed.length ? `\n… and ${all.length - listed.length} more` : "";
  return `What the editor says is wrong:\n${fenced(listed.join("\n") + more)}`;
}

function terminal({ id, label }: Mention, { terminals }: Mentions): string {
  const command = terminals.find(id ?? "") ?? terminals.recent[0];
  if (!command) return `${line(label)}: its output is not known any more.`;
  const end = command.running ? "still running" : command.exitCode === undefined ? "ended" : `exit code ${command.exitCode}`;
  const output = plain(command.output).trim();
  return `The user's terminal (${line(command.terminal)}), ${end}:\n${fenced(`$ ${command.command}\n${bounded(output, mostLetters)}`)}`;
}
