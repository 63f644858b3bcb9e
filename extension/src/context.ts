/**
 * What the agent knows: gathers, when the panel asks for it, what fills the context, what it cost, and what it was made from. Nothing is
 * kept here but which instruction files of an untrusted folder are not read, and whether tools wait to be told to the model.
 */
import * as vscode from "vscode";
import { sentence, unlinked } from "./log";
import type { Knowledge } from "./messages";
import type { Feature, Parts } from "./parts";
import { workspaceFolder } from "./settings";
import type { ViewEvent } from "./thread";

const rowsAtOnce = 25;

export class Context implements Feature {
  private ignored: string[] = [];

  constructor(private readonly parts: Parts) {}

  readonly commands: Feature["commands"] = {
    "treadle.showContext": () => this.parts.panel.show("context"),
    "treadle.showLedger": () => this.parts.panel.show("ledger"),
    "treadle.compactThread": () => this.compact(),
    "treadle.previousRequest": (from) => this.parts.inspector.step(-1, from),
    "treadle.nextRequest": (from) => this.parts.inspector.step(1, from),
  };

  readonly messages: Feature["messages"] = {
    inspectRequest: ({ number }) => this.inspect(number),
  };

  readonly answers: Feature["answers"] = {
    knowledge: () => this.knowledge(),
    requests: ({ cursor }) => this.requests(cursor),
  };

  panelState() {
    return { ignoredInstructions: this.ignored };
  }

  connected(): void {
    void this.readIgnored();
  }

  followed(event: ViewEvent): void {
    if (event.method === "panel/opened") void this.askTools();
  }

  dispose(): void {}

  private async compact(): Promise<void> {
    const { chat, sidecar } = this.parts;
    const threadId = chat.view.id;
    if (!threadId) return void vscode.window.showInformationMessage("There is no thread that could be compacted.");
    await sidecar.request("thread/compact/start", { threadId });
  }

  private async inspect(number: number | null): Promise<void> {
    const { chat, inspector, log } = this.parts;
    if (!chat.view.id) return inspector.inspect(null);
    await inspector.open(chat.view.id, number).catch((error) => {
      log.error(`treadle/prompt/read: ${error}`);
      void vscode.window.showErrorMessage(unlinked(`Treadle cannot show the prompt: ${sentence(error)}`));
    });
  }

  private async knowledge(): Promise<Knowledge> {
    const { chat, sidecar } = this.parts;
    const threadId = chat.view.id;
    const cwd = chat.view.cwd ?? workspaceFolder()?.uri.fsPath ?? null;
    if (!threadId && !cwd) throw new Error("Open a folder first: there is nothing yet that the agent could know.");
    const [context, ledger, skills, servers] = await Promise.all([
      sidecar.request("treadle/context/read", threadId ? { threadId } : { cwd }),
      threadId ? sidecar.request("treadle/ledger/read", { threadId, limit: rowsAtOnce }).catch(() => null) : null,
      sidecar.request("skills/list", cwd ? { cwds: [cwd] } : {}).catch(() => null),
      sidecar.request("treadle/mcp/list", { threadId }).catch(() => null),
    ]);
    const found = skills?.data.flatMap((entry) => entry.skills).filter((skill) => skill.enabled) ?? [];
    return {
      context,
      ledger,
      skills: found.map(({ name, path, scope }) => ({ name, path, scope })),
      servers: servers?.servers ?? [],
    };
  }

  private async requests(cursor: string) {
    const { chat, sidecar } = this.parts;
    if (!chat.view.id) return { rows: [], nextCursor: null };
    const { rows, nextCursor } = await sidecar.request("treadle/ledger/read", {
      threadId: chat.view.id,
      cursor,
      limit: rowsAtOnce,
    });
    return { rows, nextCursor };
  }

  /** In a folder that is not trusted there may be files that would be read if it were. */
  private async readIgnored(): Promise<void> {
    const { sidecar, panel } = this.parts;
    const cwd = workspaceFolder()?.uri.fsPath;
    const before = this.ignored;
    this.ignored = [];
    if (cwd && !vscode.workspace.isTrusted) {
      const found = await sidecar.request("treadle/context/read", { cwd }).catch(() => null);
      this.ignored = found?.documents.filter((document) => !document.inForce).map((document) => document.path) ?? [];
    }
    if (before.length || this.ignored.length) panel.refresh();
  }

  /** A thread that was opened before this window looked at it may have been told that tools came late. */
  private async askTools(): Promise<void> {
    const { chat, sidecar } = this.parts;
    const threadId = chat.view.id;
    if (!threadId) return;
    const would = await sidecar.request("treadle/tools/refresh", { threadId, dryRun: true }).catch(() => null);
    if (would && chat.view.id === threadId) chat.receive({ method: "panel/tools", params: { ...would, message: "" } });
  }
}
