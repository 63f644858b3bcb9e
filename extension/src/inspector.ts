/**
 * "Inspect Prompt": opens a request of a thread as a read-only document, with a way to the request before and after it. The text is asked
 * of the sidecar when the document is opened, and again when another request was made meanwhile; only which request is beside which is
 * kept here.
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
  private readonly beside = new Map<string, { previous: number | null; next: number | null }>();

  constructor(private readonly sidecar: Requests) {}

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const number = Number(uri.query);
    const request = number > 0 ? number : null;
    const prompt = await this.sidecar.request("treadle/prompt/read", { threadId: uri.authority, request });
    if (this.beside.size > 200) this.beside.clear();
    this.beside.set(uri.toString(), { previous: prompt.previous, next: prompt.next });
    return page(prompt);
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
    if (chosen) await this.open(threadId, chosen.number || null);
  }

  /** Shows a request; null: the one that would come next. */
  async open(threadId: string, number: number | null): Promise<void> {
    const path = `/${number === null ? coming : `Request ${number}`}.md`;
    const uri = vscode.Uri.from({ scheme, authority: threadId, path, query: String(number ?? 0) });
    if (number === null) this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  /** Shows the request before or after the one that this page, or the page in front, is of. */
  async step(by: -1 | 1, from: unknown): Promise<void> {
    const uri = from instanceof vscode.Uri ? from : vscode.window.activeTextEditor?.document.uri;
    if (uri?.scheme !== scheme) return;
    const known = this.beside.get(uri.toString());
    if (!known) await this.provideTextDocumentContent(uri);
    const { previous = null, next = null } = known ?? this.beside.get(uri.toString()) ?? {};
    const isNext = uri.query === "0";
    if (by > 0 ? isNext : previous === null) {
      void vscode.window.showInformationMessage(by > 0 ? "There is no request after this one." : "This is the first request.");
      return;
    }
    await this.open(uri.authority, by > 0 ? next : previous);
  }

  /** Another request was made in this thread: pages of its next one, and of what was its last, are no longer up to date. */
  refresh(threadId: unknown): void {
    for (const uri of [...this.beside.keys()].map((key) => vscode.Uri.parse(key))) {
      if (uri.authority === threadId && this.beside.get(uri.toString())?.next === null) this.beside.delete(uri.toString());
    }
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme === scheme && uri.authority === threadId && uri.query === "0") this.changed.fire(uri);
    }
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
