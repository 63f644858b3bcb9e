/**
 * The extension's composition: makes the objects and connects them. `activate` returns at once, because a webview view is not shown
 * while it runs; the sidecar starts when the panel is first seen or a command needs it.
 */
import * as vscode from "vscode";
import { Basics } from "./basics";
import { Chat } from "./chat";
import { registerCommands, title } from "./commands";
import { Diffs } from "./diffs";
import { DoctorPage } from "./doctor_page";
import { features, found } from "./features";
import { roots } from "./folders";
import { Inspector } from "./inspector";
import { isElsewhere, notOpened } from "./leaving";
import { createLog, type Log, sentence, unlinked } from "./log";
import type { FromWebview, PanelState, RecentThread } from "./messages";
import { home, Panel, viewId } from "./panel";
import type { Feature, Message, Parts } from "./parts";
import { Permissions } from "./permissions";
import { Questions } from "./questions";
import { readSettings, threadParams, workspaceFolder } from "./settings";
import { Sidecar } from "./sidecar";
import { Status } from "./status";
import type { Notification } from "./wire";

const lastThreadKey = "treadle.lastThread";
const unsentKey = "treadle.unsent";
const waitingKey = "treadle.waiting";
/** Where the panel itself shows what went wrong: words that were not sent, a sidecar that did not start. */
const tellsItself = new Set<FromWebview["type"]>(["ready", "say", "send", "resend"]);

let window: Window | undefined;

export function activate(context: vscode.ExtensionContext): void {
  window = new Window(context, createLog());
  context.subscriptions.push(window);
  if (context.workspaceState.get(waitingKey)) void window.wake().catch(() => undefined); // to ask again what the user was asked
  // Not awaited: the view is not shown while activate runs.
  if (vscode.workspace.getConfiguration("treadle").get("openAtStart", false)) {
    void vscode.commands.executeCommand(`${viewId}.focus`);
  }
}

/** VS Code waits for this, so that the sidecar can end its turn and its commands in order. */
export async function deactivate(): Promise<void> {
  await window?.end();
}

class Window implements vscode.Disposable {
  private readonly sidecar: Sidecar;
  private readonly chat: Chat;
  private readonly questions: Questions;
  private readonly permissions: Permissions;
  private readonly diffs = new Diffs();
  private readonly status = new Status();
  private readonly inspector: Inspector;
  private readonly doctor: DoctorPage;
  private readonly panel: Panel;
  private readonly features: Feature[];
  private readonly disposables: vscode.Disposable[] = [];
  private recent: RecentThread[] = [];
  private configuredModel = "";
  private configuredSandbox = "";
  private wasLost = false;
  private restores = 0;
  private reading = 0;
  /** What was shown last is not there yet. */
  private opening: boolean;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: Log,
  ) {
    this.opening = context.workspaceState.get(lastThreadKey) !== undefined;
    this.sidecar = new Sidecar(log, context);
    this.inspector = new Inspector(this.sidecar);
    this.doctor = new DoctorPage(this.sidecar);
    this.chat = new Chat(
      this.sidecar,
      {
        threadParams: () => {
          const folder = workspaceFolder();
          return folder && threadParams(readSettings(folder.uri), folder.uri.fsPath, roots());
        },
        rememberThread: (id) => void context.workspaceState.update(lastThreadKey, id ?? undefined),
        rememberUnsent: (unsent) => void context.workspaceState.update(unsentKey, unsent.length ? unsent : undefined),
      },
      context.workspaceState.get(unsentKey, []),
    );
    this.panel = new Panel(
      context,
      this.chat,
      () => this.panelState(),
      (message) => this.received(message),
    );
    const { sidecar, chat, panel, diffs } = this;
    this.questions = new Questions({
      ...{ sidecar, chat, panel, diffs, log },
      rememberWaiting: (waiting) => void context.workspaceState.update(waitingKey, waiting || undefined),
    });
    this.permissions = new Permissions({ extension: context.extensionUri, sidecar, chat, log });
    const { questions, permissions, inspector, doctor } = this;
    const parts: Parts = { context, log, sidecar, chat, panel, diffs, questions, permissions, inspector, doctor };
    this.features = [new Basics(parts), ...features(parts)];
    this.connect(parts);
  }

  end(): Promise<void> {
    return this.sidecar.stop();
  }

  dispose(): void {
    this.questions.forget();
    const { panel, permissions, sidecar, diffs, status, inspector, doctor, log } = this;
    for (const part of [
      ...this.disposables,
      ...this.features,
      panel,
      permissions,
      sidecar,
      diffs,
      status,
      inspector,
      doctor,
      log,
    ])
      part.dispose();
  }

  private connect(parts: Parts): void {
    this.chat.onEvent((event) => {
      this.afterEvent(event.method);
      for (const feature of this.features) feature.followed?.(event);
    });
    this.disposables.push(
      this.sidecar.onNotification((notification) => this.notified(notification)),
      this.sidecar.onState(({ connection }) => this.sidecarChanged(connection)),
      vscode.window.registerWebviewViewProvider(viewId, this.panel),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.panel.refresh()),
      ...registerCommands(parts, this.features),
    );
  }

  private notified(notification: Notification): void {
    if (notification.method === "treadle/rules/changed") void this.permissions.refresh();
    else this.chat.receive(notification);
    for (const feature of this.features) feature.notified?.(notification);
  }

  private afterEvent(method: string): void {
    if (method === "item/completed" || method === "turn/completed" || method === "panel/closed" || method === "panel/opened") {
      this.questions.dropSettled();
    }
    if (method === "treadle/ledger/updated") this.inspector.refresh(this.chat.view.id);
    if (method === "panel/opened" || method === "panel/closed") void this.permissions.refresh();
    if (method === "panel/closed" && this.sidecar.state.connection === "ready") void this.readAround();
    if (!method.endsWith("elta")) this.drawStatus();
  }

  private sidecarChanged(connection: PanelState["connection"]): void {
    if (connection !== "ready" && connection !== "starting") {
      this.questions.forget();
      if (!this.wasLost) this.chat.lost("The sidecar stopped while this turn was running. What was done so far is kept.");
      this.wasLost = true;
    }
    if (connection === "ready") {
      void this.restore();
      for (const feature of this.features) feature.connected?.();
    }
    if (connection === "failed" && !this.panel.visible) this.tellProblem();
    this.drawStatus();
    this.panel.refresh();
  }

  /** The panel has a banner that goes when the problem goes; who does not see it is told in VS Code's way. */
  private tellProblem(): void {
    const problem = this.sidecar.state.problem ?? "Treadle's sidecar did not start.";
    const ways: Record<string, string> = this.sidecar.state.noPython
      ? { "Install Python": "treadle.installPython", "Set Interpreter": "treadle.setInterpreter", "Show Log": "treadle.showLog" }
      : { "Try Again": "treadle.restart", "Show Log": "treadle.showLog", "Open Settings": "treadle.openSettings" };
    void vscode.window.showErrorMessage(unlinked(problem), ...Object.keys(ways)).then((chosen) => {
      if (chosen) void vscode.commands.executeCommand(ways[chosen] ?? "");
    });
  }

  /** Shows what this workspace showed last, or reads the shown thread anew after the sidecar was lost. */
  private async restore(): Promise<void> {
    const remembered = this.context.workspaceState.get<string>(lastThreadKey);
    const wasLost = this.wasLost;
    this.wasLost = false;
    try {
      if (this.chat.view.id) {
        if (wasLost) await this.patiently(() => this.chat.reopen());
      } else if (remembered && !this.chat.running) {
        await this.patiently(async () => {
          // meanwhile the user may have begun anew, or be opening another one
          const wanted = this.context.workspaceState.get(lastThreadKey) === remembered && !this.chat.settled();
          if (wanted && !this.chat.view.id && !this.chat.running) await this.chat.resume(remembered);
        });
      }
    } catch (error) {
      this.log.warn(`The last thread cannot be opened: ${sentence(error)}`);
      const { chat, sidecar, log } = this;
      if (remembered && isElsewhere(error)) await notOpened({ chat, sidecar, log }, remembered, error);
    }
    this.opening = false;
    this.panel.refresh();
    await this.readAround();
  }

  /** After a reload or a restart the sidecar of before may hold the thread for a moment longer. The last who is patient goes on. */
  private async patiently(open: () => Promise<void>): Promise<void> {
    this.restores += 1;
    const mine = this.restores;
    for (const wait of [500, 1_500, 3_000, 0]) {
      try {
        return await open();
      } catch (error) {
        if (!wait) throw error;
        await new Promise((done) => setTimeout(done, wait));
        if (mine !== this.restores || this.sidecar.state.connection !== "ready") return;
      }
    }
  }

  /** What the empty panel shows: the model that a thread would have, and the last threads of this folder. */
  private async readAround(): Promise<void> {
    const cwd = workspaceFolder()?.uri.fsPath;
    if (!cwd) return;
    this.reading += 1;
    const mine = this.reading;
    const [read, threads] = await Promise.all([
      this.sidecar.request("config/read", { cwd }).catch(() => null),
      this.chat.list(cwd, 4).catch(() => []),
    ]);
    if (mine !== this.reading) return; // asked again since, perhaps of another folder
    this.configuredModel = read?.config.model ?? "";
    this.configuredSandbox = read?.config.sandbox_mode ?? "";
    this.recent = threads.map((thread) => ({ id: thread.id, title: title(thread), updatedAt: thread.updatedAt }));
    this.panel.refresh();
  }

  private panelState(): PanelState {
    const folder = workspaceFolder();
    const settings = readSettings(folder?.uri);
    return {
      ...this.sidecar.state,
      opening: this.opening && this.sidecar.state.connection !== "failed",
      folder: folder?.uri.fsPath ?? null,
      home: home(),
      trusted: settings.trusted,
      model: String(settings.said.model ?? this.configuredModel),
      sandboxMode: settings.trusted
        ? String(settings.said.sandbox_mode ?? (this.configuredSandbox || "workspace-write"))
        : "read-only",
      recent: this.recent.filter((thread) => thread.id !== this.chat.view.id).slice(0, 3),
      ...Object.assign({}, ...this.features.map((feature) => feature.panelState?.())),
    };
  }

  private drawStatus(): void {
    const { running } = this.chat;
    this.status.draw({ ...this.sidecar.state, running, waiting: this.questions.waiting });
    this.panel.setBadge(this.questions.waiting);
    void vscode.commands.executeCommand("setContext", "treadle.running", running);
    void vscode.commands.executeCommand("setContext", "treadle.asking", this.questions.waiting > 0);
  }

  private received(message: FromWebview): void {
    void this.act(message).catch((error) => {
      this.log.error(`${message.type}: ${sentence(error)}`);
      if (!tellsItself.has(message.type)) void vscode.window.showErrorMessage(unlinked(`Treadle: ${sentence(error)}`));
    });
  }

  private async act(message: FromWebview): Promise<void> {
    if (message.type === "ready") return this.wake();
    if (message.type === "ask") return this.asked(message);
    const act = found(this.features, (feature) => feature.messages?.[message.type]);
    await (act as ((message: FromWebview) => unknown) | undefined)?.(message);
  }

  /** A question of the webview's always gets an answer, if only the reason why there is none. */
  private async asked({ number, method, params }: Message<"ask">): Promise<void> {
    const answer = found(this.features, (feature) => feature.answers?.[method]) as ((params: unknown) => unknown) | undefined;
    const reply = this.panel.replier();
    try {
      if (!answer) throw new Error(`Nobody answers ${method}.`);
      reply({ type: "answered", number, result: await answer(params) });
    } catch (error) {
      reply({ type: "answered", number, failure: sentence(error) });
    }
  }

  async wake(): Promise<void> {
    if (this.sidecar.state.connection !== "failed") await this.sidecar.ready();
  }
}
