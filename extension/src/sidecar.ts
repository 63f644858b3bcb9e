/**
 * The sidecar's life: found, started when first needed, restarted with back-off when it dies, stopped with the window. Whoever talks
 * to it says `request` and listens; nobody else knows the process. It never shows a stack trace: details go to the log.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { homedir } from "node:os";
import * as vscode from "vscode";
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, State } from "vscode-languageclient/node";
import { Backoff } from "./backoff";
import { findLaunch } from "./launch";
import { lensesOf } from "./lenses";
import { type Log, sentence } from "./log";
import { type Launch, NoPython, NoSidecar } from "./python";
import { workspaceFolder } from "./settings";
import { type ClientRequests, drawn, type Notification } from "./wire";

export type Connection = "idle" | "starting" | "ready" | "restarting" | "failed";

export interface SidecarState {
  connection: Connection;
  problem?: string;
  /** No Python was found that could run it. */
  noPython?: boolean;
}

function identity({ command, args, env }: Launch): string {
  return JSON.stringify([command, args, env]);
}

/** Logs what goes wrong with the connection; the user is told by us, in words that help. */
class Client extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  /** A client that is on its way out must not hold the names of commands that the next one needs: ours are entered once. */
  override registerFeature(feature: Parameters<LanguageClient["registerFeature"]>[0]): void {
    const name = "registrationType" in feature ? feature.registrationType.method : "";
    if (name !== "workspace/executeCommand") super.registerFeature(feature);
  }
}

/** What the sidecar's code lenses run. */
const lensCommands = ["treadle.hunk.keep", "treadle.hunk.undo"];

type Answer = (params: unknown, cancelled: vscode.CancellationToken) => Promise<unknown>;

export class Sidecar implements vscode.Disposable {
  private readonly states = new vscode.EventEmitter<SidecarState>();
  private readonly notifications = new vscode.EventEmitter<Notification>();
  private readonly answers = new Map<string, Answer>();
  private readonly backoff = new Backoff();
  private client: LanguageClient | undefined;
  private child: ChildProcess | undefined;
  private starting: Promise<LanguageClient> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private generation = 0;
  /** What the one that runs was started with. */
  private launched: string | undefined;
  private disposed = false;
  private lensThread: string | null = null;
  private readonly commands = lensCommands.map((command) =>
    vscode.commands.registerCommand(command, async (...args: unknown[]) => {
      const client = await this.ready();
      await client.sendRequest("workspace/executeCommand", { command, arguments: args });
    }),
  );
  state: SidecarState = { connection: "idle" };

  readonly onState = this.states.event;
  readonly onNotification = this.notifications.event;

  constructor(
    private readonly log: Log,
    private readonly context: vscode.ExtensionContext,
  ) {}

  /** Who answers a request that the sidecar makes of us. To be called before the first start. */
  answer(method: string, answer: Answer): void {
    this.answers.set(method, answer);
  }

  async request<M extends keyof ClientRequests>(
    method: M,
    params: ClientRequests[M]["params"],
    stop?: vscode.CancellationToken,
  ): Promise<ClientRequests[M]["result"]> {
    const client = await this.ready();
    // an argument that is there and undefined would be taken for a second parameter
    return stop ? client.sendRequest(method, params, stop) : client.sendRequest(method, params);
  }

  /** Starts the sidecar unless it runs; fails with one sentence for the user. */
  ready(): Promise<LanguageClient> {
    if (this.disposed) return Promise.reject(new Error("Treadle is shutting down."));
    if (this.starting) return this.starting;
    const starting = this.start(this.generation).catch((error) => {
      // Another start may be under way by now: forgetting that one would leave its process to nobody.
      if (this.starting === starting) this.starting = undefined;
      throw error;
    });
    this.starting = starting;
    return starting;
  }

  /** From now on lenses of this thread are drawn, and of no other one. */
  showLenses(threadId: string): void {
    if (threadId === this.lensThread) return;
    this.lensThread = threadId;
    const lenses = this.client?.getFeature("textDocument/codeLens");
    const providers = vscode.workspace.textDocuments.flatMap((document) => lenses?.getProvider(document) ?? []);
    for (const provider of new Set(providers)) provider.onDidChangeCodeLensEmitter.fire();
  }

  async restart(): Promise<void> {
    this.backoff.reset();
    await this.stop();
    await this.ready();
  }

  dispose(): void {
    this.disposed = true;
    void this.stop();
    for (const command of this.commands) command.dispose();
    this.states.dispose();
    this.notifications.dispose();
  }

  private async start(generation: number): Promise<LanguageClient> {
    clearTimeout(this.timer);
    if (this.state.connection !== "restarting") this.tell({ connection: "starting" });
    try {
      const launch = await this.find();
      if (generation !== this.generation) throw new Error("The sidecar was restarted.");
      const client = this.createClient(launch, generation);
      await client.start();
      if (generation !== this.generation) {
        await client.stop(2_000).catch(() => undefined);
        throw new Error("The sidecar was restarted.");
      }
      this.client = client;
      this.backoff.started(Date.now());
      this.tell({ connection: "ready" });
      return client;
    } catch (error) {
      if (generation === this.generation) this.startFailed(error);
      throw new Error(this.state.connection === "failed" ? this.state.problem : "Treadle's sidecar stopped while it started.");
    }
  }

  private startFailed(error: unknown): void {
    this.log.error(`The sidecar did not start: ${sentence(error)}`);
    const problem = error instanceof NoSidecar ? error.message : "Treadle's sidecar did not start. The log has the details.";
    // A process that died while it started has its own road: the exit is noticed and counted there.
    if (this.state.connection !== "restarting" || !this.child?.pid) this.giveUp(problem, error instanceof NoPython);
  }

  private async find(): Promise<Launch> {
    const launch = await findLaunch(this.context);
    this.launched = identity(launch);
    this.log.info(`Sidecar ${launch.version}, started by ${launch.command}`);
    return launch;
  }

  /** Whether it would be started otherwise now than it was; not when it does not run. */
  async outdated(): Promise<boolean> {
    // One that is being started may have looked at the settings before they changed: what it was started with is known when it is up.
    await this.starting?.catch(() => undefined);
    if (this.state.connection === "failed") return true;
    if (!this.starting) return false;
    const before = this.launched;
    const now = await findLaunch(this.context).then(identity, () => "nothing works");
    return before !== undefined && this.launched === before && now !== before;
  }

  private createClient(launch: Launch, generation: number): LanguageClient {
    const client = new Client("treadle", "Treadle", async () => this.spawn(launch, generation), {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      // The panel draws threads and asks; our commands on a selection are in the editor's menu, so the sidecar offers none.
      initializationOptions: { cards: true, codeActions: false, hunkAsk: true },
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      middleware: {
        provideCodeLenses: async (document, cancelled, next) => {
          const found = await next(document, cancelled);
          return found && lensesOf(this.lensThread, found);
        },
      },
      initializationFailedHandler: () => false,
      // We restart by ourselves: the client must neither try nor tell the user.
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
      },
    });
    for (const method of drawn) {
      client.onNotification(method, (params: Record<string, unknown>) =>
        this.notifications.fire({ method, params: params ?? {} }),
      );
    }
    for (const [method, answer] of this.answers) {
      client.onRequest(method, (params: unknown, cancelled: vscode.CancellationToken) => answer(params, cancelled));
    }
    return client;
  }

  private async spawn(
    launch: Launch,
    generation: number,
  ): Promise<{ reader: NodeJS.ReadableStream; writer: NodeJS.WritableStream }> {
    const cwd = workspaceFolder()?.uri.fsPath ?? homedir();
    const child = spawn(launch.command, launch.args, { cwd, env: { ...process.env, ...launch.env }, windowsHide: true });
    if (generation === this.generation) this.child = child;
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      for (const line of text.split("\n")) if (line.trim()) this.log.info(`[sidecar] ${line}`);
    });
    child.on("error", (error) => this.log.error(`sidecar: ${error.message}`));
    child.stdin.on("error", () => undefined);
    child.on("exit", (code, signal) => this.exited(generation, code, signal));
    return { reader: child.stdout, writer: child.stdin };
  }

  private exited(generation: number, code: number | null, signal: string | null): void {
    if (generation !== this.generation || this.disposed) return;
    this.generation += 1;
    this.client = undefined;
    this.child = undefined;
    this.starting = undefined;
    this.log.error(`The sidecar ended by itself (${signal ?? `exit code ${code}`}).`);
    const delay = this.backoff.crashed(Date.now());
    if (delay === null) {
      this.giveUp("Treadle's sidecar keeps stopping. The log has the details.");
      return;
    }
    this.tell({ connection: "restarting", problem: "The sidecar stopped; starting it again…" });
    this.timer = setTimeout(() => void this.ready().catch(() => undefined), delay);
  }

  private giveUp(problem: string, noPython = false): void {
    this.tell({ connection: "failed", problem, ...(noPython ? { noPython } : {}) });
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.generation += 1;
    const { client, child } = this;
    this.client = undefined;
    this.child = undefined;
    this.starting = undefined;
    // now, not when it has ended: another one may have been started by then
    this.tell({ connection: "idle" });
    if (client?.state === State.Running) await client.stop(2_000).catch(() => undefined);
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 2_000);
      // Its threads are its own until it has ended.
      await ended;
      clearTimeout(hard);
    }
  }

  private tell(state: SidecarState): void {
    if (this.disposed) return;
    this.state = state;
    this.states.fire(state);
  }
}
