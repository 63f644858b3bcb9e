/**
 * "Inspect Prompt": opens a request of the shown thread as a read-only document. The text is asked of the sidecar when the document is
 * opened, and again when another request was made meanwhile; nothing is kept here.
 */
import * as vscode from "vscode";
import type { Requests } from "./chat";
import { choice, page } from "./inspection";

const scheme = "treadle-prompt";
const coming = "The next request";

export class Inspector implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);

  constructor(private readonly sidecar: Requests) {}

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const number = Number(uri.query);
    const request = number > 0 ? number : null;
    return page(await this.sidecar.request("treadle/prompt/read", { threadId: uri.authority, request }));
  }

  /** Asks which request, and shows it. */
  async inspect(threadId: string | null): Promise<void> {
    if (!threadId) {
      void vscode.window.showInformationMessage("There is no prompt yet: open a thread first.");
      return;
    }
    const { rows } = await this.sidecar.request("treadle/ledger/read", { threadId, limit: 100 });
    const next = { label: coming, description: "as it would be sent now", detail: "", number: 0 };
    const sent = rows.map((row) => ({ ...choice(row), number: row.number }));
    const options = { title: "Inspect Prompt", placeHolder: "Which request?", matchOnDetail: true };
    const chosen = rows.length ? await vscode.window.showQuickPick([next, ...sent], options) : next;
    if (!chosen) return;
    const path = `/${chosen.label}.md`;
    const uri = vscode.Uri.from({ scheme, authority: threadId, path, query: String(chosen.number) });
    if (!chosen.number) this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  /** Another request was made in this thread: a page of its next one is no longer up to date. */
  refresh(threadId: unknown): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme === scheme && uri.authority === threadId && uri.query === "0") this.changed.fire(uri);
    }
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
