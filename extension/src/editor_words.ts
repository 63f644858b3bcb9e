/** Has the sidecar say, in its words, what the user chose in the editor, and sends it: after the running turn, when one runs. */
import * as vscode from "vscode";
import type { Place } from "./editor_place";
import type { Parts } from "./parts";
import type { ActionWordsParams } from "./wire";

export type Action = ActionWordsParams["action"];

/** A problem as the language server protocol has it. */
export function lspDiagnostic({ range, severity, source, code, message }: vscode.Diagnostic): Record<string, unknown> {
  const { start, end } = range;
  return {
    range: { start: { line: start.line, character: start.character }, end: { line: end.line, character: end.character } },
    severity: severity + 1,
    source,
    code: codeOf(code),
    message,
  };
}

export function codeOf(code: vscode.Diagnostic["code"]): string | undefined {
  const value = typeof code === "object" ? code.value : code;
  return value === undefined ? undefined : String(value);
}

export async function act(
  parts: Parts,
  action: Action,
  { path, language, lines, code, name }: Omit<Place, "uri">,
  more: Pick<ActionWordsParams, "diagnostics" | "note"> = {},
): Promise<void> {
  const place = { path, language, firstLine: lines[0], lastLine: lines[1], code, name };
  const { text } = await parts.sidecar.request("treadle/action/words", { action, ...place, ...more });
  await say(parts, text);
}

export async function say({ chat, panel, log }: Parts, text: string): Promise<void> {
  await panel.show();
  const { running } = chat;
  // What cannot be sent stays in the panel, with the reason.
  await chat.send(text, { later: true }).catch((error) => log.error(`turn/start: ${error}`));
  if (running) void vscode.window.setStatusBarMessage("Treadle does this when its running turn is over.", 5_000);
}
