/**
 * The thread that this window shows, and what a user may do with it. It asks the sidecar, folds what it is told, and publishes each
 * event to whoever draws. It decides nothing about the agent's work and holds no truth: after a restart the thread is read again.
 */
import { randomUUID } from "node:crypto";
import type { Draft } from "./draft";
import { pageOfTurns } from "./folds/paging";
import { withTakenBack } from "./overrides";
import { patient } from "./patience";
import {
  type Editing,
  emptyView,
  fold,
  isRunning,
  type Notice,
  runningTurn,
  type Sent,
  type ThreadView,
  type Unsent,
  type ViewEvent,
} from "./thread";
import type { ClientRequests, Notification, Thread, ThreadOpened, ThreadStartParams, TurnStartParams, UserInput } from "./wire";

/** What the chat needs of the sidecar. */
export interface Requests {
  request<M extends keyof ClientRequests>(method: M, params: ClientRequests[M]["params"]): Promise<ClientRequests[M]["result"]>;
}

/** A message that is more than words, and when it is meant. */
export interface Said {
  input?: UserInput[];
  /** As it stood in the composer, to stand there again when it cannot be sent. */
  draft?: Draft;
  /** While a turn runs: after it, as a turn of its own, instead of into it. */
  later?: boolean;
}

/** What the chat needs of the editor. */
export interface Surroundings {
  /** Parameters of a new thread; null when no folder is open. */
  threadParams(): ThreadStartParams | null;
  rememberThread(id: string | null): void;
  /** Keeps the words that nobody has read, for the window's next life. */
  rememberUnsent(unsent: Unsent[]): void;
}

/** Where a fork parts from its original: before a turn, after one, or at the end. */
export type ForkPlace = { beforeTurnId?: string } | { lastTurnId?: string };

export class Chat {
  view: ThreadView;
  /** What is to be done before a fork is made of an edited message; fails when the user thinks better of it. */
  beforeFork?: (threadId: string, editing: Editing) => Promise<void>;
  private readonly listeners = new Set<(event: ViewEvent) => void>();
  private opening: Promise<string> | undefined;
  /** When the sidecar was told the last message: the next one is told after it, though both waited for a thread to open. */
  private told: Promise<void> = Promise.resolve();
  /** Messages that the sidecar was not told yet. */
  private readonly untold = new Set<string>();
  /** A turn was asked for: its id, when the sidecar has answered. Nothing when it did not begin. */
  private starting: Promise<string | undefined> | undefined;
  /** The turn that was begun last; it may not be shown yet. */
  private begun: string | undefined;
  /** Notifications of a thread that is being opened can overtake the answer that names it. */
  private early: Notification[] = [];
  private applied = "";
  /** The sidecar of now does not know the shown thread: it was opened in one that is gone. */
  private unknown = false;
  private readonly sidecar: Requests;

  constructor(
    sidecar: Requests,
    private readonly around: Surroundings,
    unsent: Unsent[] = [],
  ) {
    this.sidecar = patient(sidecar, {
      late: (notice) => this.publish({ method: "panel/notice", params: notice }),
      came: (key) => this.publish({ method: "panel/notice/dismissed", params: { key } }),
    });
    this.view = { ...emptyView, unsent };
  }

  onEvent(listener: (event: ViewEvent) => void): void {
    this.listeners.add(listener);
  }

  get running(): boolean {
    return isRunning(this.view);
  }

  receive(event: ViewEvent): void {
    const threadId = (event as Notification).params?.threadId;
    if (this.opening && typeof threadId === "string" && threadId !== this.view.id) {
      if (this.early.length < 1_000) this.early.push(event as Notification);
      return;
    }
    this.publish(event);
  }

  /** Sends what the user wrote: a new turn, or more words for the running one. The first message opens a thread. */
  async send(text: string, { input: given, draft, later = false }: Said = {}): Promise<void> {
    const clientId = randomUUID();
    const carried = this.view.editing?.attachments ?? [];
    const sent: Sent = { clientId, text, ...(given ? { input: given } : {}), ...(draft ? { draft } : {}) };
    const waits = later && this.running;
    let next = () => {};
    const told = () => {
      this.untold.delete(clientId);
      next();
    };
    this.untold.add(clientId);
    this.publish({ method: "panel/sent", params: waits ? { ...sent, waits } : sent });
    try {
      const opening = this.thread();
      const before = this.told;
      this.told = new Promise((done) => {
        next = done;
      });
      const threadId = await opening;
      await before;
      const input: UserInput[] = [...(given ?? [{ type: "text", text, text_elements: [] }]), ...carried];
      const common = { threadId, input, clientUserMessageId: clientId };
      if (!waits) await this.say(common, told);
      else if (this.isMeant(clientId)) {
        const answer = this.sidecar.request("treadle/queue/add", common);
        told();
        await answer;
        this.publish({ method: "panel/waits", params: { clientId } });
      }
    } catch (error) {
      this.publish({ method: "panel/unsent", params: { ...sent, reason: said(error) } });
      throw error;
    } finally {
      told();
    }
  }

  /** Tries again what could not be sent. */
  async resend(clientId: string): Promise<void> {
    const unsent = this.view.unsent.find((sent) => sent.clientId === clientId);
    if (!unsent) return;
    this.takeBack(clientId);
    await this.send(unsent.text, { input: unsent.input, draft: unsent.draft });
  }

  /** The user has the words in the composer again. */
  takeBack(clientId: string): void {
    this.publish({ method: "panel/takenBack", params: { clientId } });
  }

  /** Into the turn that runs or is about to. The turn may end before the sidecar reads it: then the words start one of their own. */
  private async say(common: TurnStartParams & { clientUserMessageId: string }, told: () => void): Promise<void> {
    while (this.starting) await this.starting;
    if (!this.turnId && this.isMeant(common.clientUserMessageId)) await this.applySettings(common.threadId);
    while (this.starting) await this.starting;
    if (!this.isMeant(common.clientUserMessageId)) return;
    // No await from here until it is asked: two messages must not both find that no turn runs.
    const expectedTurnId = this.turnId;
    const answer = expectedTurnId
      ? this.sidecar.request("turn/steer", { ...common, expectedTurnId })
      : this.begin(this.sidecar.request("turn/start", common));
    told();
    try {
      await answer;
    } catch (error) {
      if (!expectedTurnId || runningTurn(this.view)?.id === expectedTurnId) throw error;
      if (this.begun === expectedTurnId) this.begun = undefined;
      await this.say(common, told);
    }
  }

  /** Meanwhile the user may have gone to another thread, or stopped it: these words are not to be told. */
  private isMeant(clientId: string): boolean {
    return this.view.unconfirmed.some((sent) => sent.clientId === clientId);
  }

  /** The turn that runs; it is told of only after the answer that names it. */
  private get turnId(): string | undefined {
    const { begun } = this;
    const shown = runningTurn(this.view)?.id;
    return shown ?? (this.view.turns.some((turn) => turn.id === begun) ? undefined : begun);
  }

  /** Remembers that a turn is about to run, until it is known which. */
  private begin<T extends { turn?: { id: string } }>(asked: Promise<T>): Promise<T> {
    const starting = asked.then(
      (answer) => answer.turn?.id,
      () => undefined,
    );
    this.starting = starting.then((id) => {
      if (this.starting !== mine) return id;
      this.starting = undefined;
      this.begun = id;
      return id;
    });
    const mine = this.starting;
    return asked;
  }

  /** Of another thread, or of a sidecar that is gone, no turn is waited for. */
  private forgetTurn(): void {
    this.starting = undefined;
    this.begun = undefined;
  }

  /** Also the turn that is about to begin. What the sidecar was not told yet is not told: the words are the user's again. */
  async interrupt(): Promise<void> {
    const threadId = this.view.id;
    for (const sent of this.view.unconfirmed.filter(({ clientId }) => this.untold.has(clientId))) {
      this.publish({ method: "panel/unsent", params: { ...sent, reason: "You stopped it before it was sent." } });
    }
    const turnId = this.turnId ?? (await this.starting);
    if (!turnId || !threadId) return;
    await this.sidecar.request("turn/interrupt", { threadId, turnId }).catch((error) => {
      if (this.turnId === turnId) throw error; // else it ended by itself
    });
  }

  /** Asks again what the last turn was asked: from what is there, or anew when the words never came into the thread. */
  async retry(): Promise<void> {
    if (this.view.turns.at(-1)?.items.some((entry) => entry.item.type === "userMessage")) return this.goOn();
    const messages = this.view.turns.flatMap((turn) => turn.items.map((entry) => entry.item));
    const last = messages.findLast((item) => item.type === "userMessage");
    if (last?.type !== "userMessage" || this.running) return;
    const text = last.content.map((part) => ("text" in part ? part.text : "")).join("");
    await this.send(text, { input: last.content });
  }

  /** Goes on where the last turn was cut off, without new words. */
  async goOn(): Promise<void> {
    if (this.running || !this.view.id) return;
    const threadId = await this.thread();
    if (this.running) return; // it waited for the user, and goes on already
    await this.applySettings(threadId);
    while (this.starting) await this.starting;
    if (this.running || this.turnId) return; // asked twice
    await this.begin(this.sidecar.request("treadle/turn/continue", { threadId }));
  }

  /** While a thread is being opened: until it is, or cannot be. What is asked about it waits for it to be shown. */
  settled(): Promise<unknown> | undefined {
    return this.opening?.catch(() => undefined);
  }

  close(): void {
    this.opening = undefined;
    this.told = Promise.resolve();
    this.forgetTurn();
    this.around.rememberThread(null);
    this.publish({ method: "panel/closed", params: {} });
  }

  async resume(threadId: string): Promise<void> {
    await this.open(() => this.reread(threadId));
  }

  /** The sidecar is up again after it was lost: read the shown thread anew. */
  async reopen(): Promise<void> {
    if (this.opening) await this.opening;
    else if (this.view.id) await this.resume(this.view.id);
  }

  lost(message: string): void {
    this.unknown = true;
    // whom it was asked of may never answer
    this.opening = undefined;
    this.early = [];
    this.told = Promise.resolve();
    this.forgetTurn();
    this.publish({ method: "panel/lost", params: { message } });
  }

  /** A thread that begins as this one, before or through one of its turns; it is the shown one from now on. */
  async fork(threadId: string, where: ForkPlace): Promise<void> {
    await this.open(() => this.forked(threadId, where));
  }

  async list(cwd: string | null, limit = 50): Promise<Thread[]> {
    const answer = await this.sidecar.request("thread/list", { limit, sortKey: "updated_at", ...(cwd ? { cwd } : {}) });
    return answer.data ?? [];
  }

  notice(level: Notice["level"], key: string, message: string): void {
    this.publish({ method: "panel/notice", params: { key, level, message } });
  }

  private thread(): Promise<string> {
    const { id, editing } = this.view;
    if (this.opening) return this.opening;
    if (!id) return this.openNew();
    if (editing) return this.open(() => this.goOnFrom(id, editing));
    return this.unknown ? this.open(() => this.reread(id)) : Promise.resolve(id);
  }

  /** An earlier message was edited: what is sent goes on from before it. */
  private async goOnFrom(threadId: string, editing: Editing): Promise<ThreadOpened> {
    await this.beforeFork?.(threadId, editing);
    return this.forked(threadId, { beforeTurnId: editing.turnId });
  }

  private forked(threadId: string, where: ForkPlace): Promise<ThreadOpened> {
    const { ephemeral: _ephemeral, ...settings } = this.settings();
    return this.sidecar.request("thread/fork", { ...settings, threadId, ...where });
  }

  /** A thread as it is now, with its last turns; earlier ones come when they are asked for. */
  private reread(threadId: string): Promise<ThreadOpened> {
    const page = { excludeTurns: true, initialTurnsPage: { limit: pageOfTurns, itemsView: "full" as const } };
    const settings = this.settings();
    const before = (JSON.parse(this.applied || "{}") as typeof settings).config ?? {};
    const config = withTakenBack(settings.config ?? {}, before) as typeof settings.config;
    return this.sidecar.request("thread/resume", { ...settings, config, threadId, goesOn: true, ...page });
  }

  private openNew(): Promise<string> {
    const params = this.around.threadParams();
    if (!params) return Promise.reject(new Error("Open a folder first: Treadle works on the files of a folder."));
    return this.open(() => this.sidecar.request("thread/start", params));
  }

  private open(ask: () => Promise<ThreadOpened>): Promise<string> {
    const settings = this.settingsNow(); // as it is asked for: they may change before the answer
    const opening = ask()
      .then((answer) => {
        if (this.opening !== opening) return answer.thread.id;
        this.opening = undefined;
        this.unknown = false;
        this.publish({ method: "panel/opened", params: answer });
        this.applied = settings;
        this.around.rememberThread(answer.thread.id);
        return answer.thread.id;
      })
      .finally(() => {
        if (this.opening === opening) this.opening = undefined;
        // those of a thread that is still being opened are for later
        if (!this.opening) for (const event of this.early.splice(0)) this.publish(event);
      });
    this.opening = opening;
    this.told = Promise.resolve();
    this.forgetTurn();
    return opening;
  }

  /** Opening a thread anew puts the settings in force that were changed since it was opened. */
  private async applySettings(threadId: string): Promise<void> {
    if (this.settingsNow() === this.applied) return;
    const { told } = this;
    const resumed = this.resume(threadId);
    this.told = told; // it is the same thread: what is written meanwhile is told after what waits for this
    await resumed;
  }

  private settingsNow(): string {
    return JSON.stringify(this.settings());
  }

  /** What a thread may be changed to; it keeps the folder that it was started in. */
  private settings(): Omit<ThreadStartParams, "cwd"> {
    const { cwd: _cwd, ...settings } = this.around.threadParams() ?? {};
    return settings;
  }

  private publish(event: ViewEvent): void {
    const { unsent } = this.view;
    this.view = fold(this.view, event);
    if (this.view.unsent !== unsent) this.around.rememberUnsent(this.view.unsent);
    for (const listener of this.listeners) listener(event);
  }
}

export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
