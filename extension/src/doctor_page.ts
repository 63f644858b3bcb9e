/**
 * "Check Set-up": shows what the sidecar finds of itself, its sandbox, the provider and the configuration as a read-only document. It asks
 * anew each time the command is run, and says why when the sidecar does not answer; nothing is kept here.
 */
import * as vscode from "vscode";
import { type Requests, said } from "./chat";
import { report, silent } from "./doctor";
import { workspaceFolder } from "./settings";

const uri = vscode.Uri.from({ scheme: "treadle-doctor", path: "/Treadle's Set-up.md" });

export class DoctorPage implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(uri.scheme, this);

  constructor(private readonly sidecar: Requests) {}

  async provideTextDocumentContent(): Promise<string> {
    try {
      const cwd = workspaceFolder()?.uri.fsPath ?? null;
      return report((await this.sidecar.request("treadle/doctor", { cwd })).report);
    } catch (error) {
      return silent(said(error));
    }
  }

  async show(): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uri);
    this.changed.fire(uri);
    await vscode.window.showTextDocument(document, { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
