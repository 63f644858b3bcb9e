/**
 * What is too long for the panel, as read-only documents: the whole output of a call, a long message. What is asked for is read when
 * the document is opened; no more than the last few are kept.
 */
import * as vscode from "vscode";
import { sentence, unlinked } from "./log";
import type { Asks } from "./messages";
import type { Feature, Parts } from "./parts";

const scheme = "treadle-text";
const pageBytes = 1024 * 1024;
const mostPages = 32;
const kept = 12;

export class WholeText implements Feature, vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  private number = 0;

  constructor(private readonly parts: Pick<Parts, "chat" | "sidecar">) {}

  readonly messages: Feature["messages"] = {
    openOutput: ({ itemId }) => this.openOutput(itemId),
    openText: ({ title, text, language }) => this.show(title, text, language),
  };

  readonly answers: Feature["answers"] = { summary: () => this.summary() };

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "This text is no longer kept. Open it again from the chat.";
  }

  dispose(): void {
    this.registration.dispose();
    this.texts.clear();
  }

  private async openOutput(itemId: string): Promise<void> {
    const threadId = this.parts.chat.view.id;
    if (!threadId) return;
    try {
      await this.show("Output", await this.output(threadId, itemId), "log");
    } catch (error) {
      void vscode.window.showErrorMessage(unlinked(`Treadle cannot show this output: ${sentence(error)}`));
    }
  }

  private async output(threadId: string, itemId: string): Promise<string> {
    const parts: string[] = [];
    let offset = 0;
    for (let page = 0; page < mostPages; page += 1) {
      const part = await this.parts.sidecar.request("treadle/output/read", { threadId, itemId, offset, limit: pageBytes });
      parts.push(part.text);
      if (part.end >= part.size || part.end <= offset) return parts.join("");
      offset = part.end;
    }
    return `${parts.join("")}\n⋯ The rest is left out here. ⋯\n`;
  }

  private async show(title: string, text: string, language: string): Promise<void> {
    this.number += 1;
    const suffix = language === "markdown" ? "md" : language === "log" ? "log" : "txt";
    const uri = vscode.Uri.from({ scheme, path: `/${title.replace(/[/\\]/g, "_")} ${this.number}.${suffix}` });
    this.texts.set(uri.toString(), text);
    for (const old of [...this.texts.keys()].slice(0, -kept)) this.texts.delete(old);
    // Asked for by a click; the keyboard stays in the panel all the same.
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: true });
  }

  private async summary(): Promise<Asks["summary"]["result"]> {
    const threadId = this.parts.chat.view.id;
    if (!threadId) return { text: null, reason: "There is no thread." };
    const { text, kind } = await this.parts.sidecar.request("treadle/summary/read", { threadId });
    const hidden = kind === "remote" ? "The provider keeps this summary encrypted." : "There is no summary.";
    return { text, reason: text === null ? hidden : "" };
  }
}
