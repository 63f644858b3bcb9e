/** "Add to Chat": what is selected in the editor, the terminal or the explorer becomes a mention, or words, in the composer. Sends nothing. */
import * as vscode from "vscode";
import { bounded, fenced } from "./draft";
import { placeOf } from "./editor_place";
import { linesMention, uriMention } from "./mentions";
import type { Feature, Parts } from "./parts";

const mostFiles = 50;
const mostTerminal = 24_000;

export class AddToChat implements Feature {
  constructor(private readonly parts: Parts) {}

  readonly commands = {
    "treadle.addToChat": (from?: unknown, all?: unknown) => this.add(from, all),
  };

  dispose(): void {}

  private async add(from: unknown, all: unknown): Promise<void> {
    const { panel } = this.parts;
    const editor = vscode.window.activeTextEditor;
    // The explorer says all that is selected there; the editor's menu says only which file it is.
    const clicked = (Array.isArray(all) ? all : []).filter((one): one is vscode.Uri => one instanceof vscode.Uri);
    if (clicked.length) for (const uri of clicked.slice(0, mostFiles)) panel.mention(await uriMention(uri));
    else if (from && !(from instanceof vscode.Uri)) await this.addTerminal();
    else if (editor) await this.addPlace(editor);
    await panel.show();
  }

  /** The selection, or the symbol, or else the file. A text without a file is taken along in words. */
  private async addPlace(editor: vscode.TextEditor): Promise<void> {
    const { panel } = this.parts;
    const place = await placeOf(editor);
    if (!place) return;
    if (place.uri.scheme === "untitled") panel.compose(fenced(place.code, place.language), false);
    else if (place.name || !editor.selection.isEmpty) panel.mention(linesMention(place.uri, place.lines));
    else panel.mention(await uriMention(place.uri));
  }

  /** VS Code tells nobody what is selected in a terminal: it is copied, and what was on the clipboard is put back. */
  private async addTerminal(): Promise<void> {
    const before = await vscode.env.clipboard.readText();
    await vscode.commands.executeCommand("workbench.action.terminal.copySelection");
    const text = await vscode.env.clipboard.readText();
    await vscode.env.clipboard.writeText(before);
    if (text.trim() && text !== before) this.parts.panel.compose(fenced(bounded(text, mostTerminal)), false);
  }
}
