/**
 * Going back: to before any message, in files, conversation or both, seen before it is done and taken back again; and going on from an
 * earlier message in a fork. The sidecar knows what would happen; here it is asked, shown, and done when the user says so.
 */
import * as vscode from "vscode";
import { mayLeave } from "./leaving";
import type { MessageAct, RestoreSubject } from "./messages";
import type { Feature, Parts } from "./parts";
import { RestoreDiffs } from "./restore_diffs";
import { conflicts, conflictWords, isWritten, type RestorePlan, standing } from "./restoring";
import { alongside, count, firstLine, saidIn, words } from "./said";
import type { Editing, TurnView, ViewEvent } from "./thread";
import type { FilePlan, Notification } from "./wire";

const busy = "A turn is running here: stop it or wait for its end, then go back.";
/** The words that the last restore gave back; a window's next life may redo it, too. */
const givenKey = "treadle.givenBack";
/** Events after which what was restored last is another thing, or does not count any more. */
const moved = new Set(["panel/opened", "turn/started", "treadle/checkpoint/changed"]);

export class Checkpoints implements Feature {
  private readonly diffs = new RestoreDiffs();
  /** The plan that the panel shows, with its diffs. */
  private plan: { files: FilePlan[]; name: string } = { files: [], name: "" };
  private planned = 0;
  private reading = 0;

  constructor(private readonly parts: Parts) {
    parts.chat.beforeFork = (threadId, editing) => this.filesBeforeFork(threadId, editing);
  }

  readonly commands: Feature["commands"] = {
    "treadle.message.edit": (place) => this.onMessage("edit", itemOf(place)),
    "treadle.message.fork": (place) => this.onMessage("fork", itemOf(place)),
    "treadle.message.copy": (place) => this.onMessage("copy", itemOf(place)),
    "treadle.message.restore": (place) => this.parts.panel.reply({ type: "openRestore", itemId: itemOf(place) }),
    "treadle.redoRestore": () => this.showRedo(),
  };

  readonly messages: Feature["messages"] = {
    onMessage: ({ act, itemId }) => this.told(() => this.onMessage(act, itemId)),
    openRestoreDiff: ({ path }) => this.told(() => this.openDiff(path)),
    editing: ({ files }) => this.setFiles(files),
    stopEditing: () => this.stopEditing(),
  };

  readonly answers: Feature["answers"] = {
    restorePlan: (subject) => this.preview(subject),
    restore: ({ skip, ...subject }) => this.restore(subject, skip),
  };

  followed(event: ViewEvent): void {
    if (moved.has(event.method)) void this.refresh();
  }

  notified({ method, params }: Notification): void {
    const { chat, log } = this.parts;
    if (method === "thread/reverted" && params.threadId === chat.view.id) {
      void chat.reopen().catch((error) => log.warn(`thread/resume: ${error}`));
    }
  }

  dispose(): void {
    this.diffs.dispose();
  }

  /** What can be taken back, as the sidecar knows it: also after a reload of the window. */
  private async refresh(): Promise<void> {
    const { chat, sidecar } = this.parts;
    const threadId = chat.view.id;
    this.reading += 1;
    const mine = this.reading;
    if (!threadId || sidecar.state.connection !== "ready") return;
    const list = await sidecar.request("treadle/checkpoint/list", { threadId }).catch(() => null);
    if (!list || mine !== this.reading || chat.view.id !== threadId) return;
    const before = chat.view.restored;
    const known = (turnId: string) => (before?.turnId === turnId ? before.words : words(saidIn(this.turn(turnId))));
    const restored = standing(list.restores, list.checkpoints, known);
    if (JSON.stringify(restored) !== JSON.stringify(before)) {
      chat.receive({ method: "panel/restored", params: { restored } });
    }
  }

  private async preview(subject: RestoreSubject): Promise<RestorePlan> {
    const { chat, sidecar } = this.parts;
    if (chat.running) throw new Error(busy);
    const where = "restoreId" in subject ? { restoreId: subject.restoreId } : { turnId: this.turnOf(subject.itemId).id };
    this.planned += 1;
    const mine = this.planned;
    const found = await sidecar.request("treadle/checkpoint/preview", { threadId: this.threadId, ...where, what: subject.what });
    const name = "restoreId" in subject ? "the redo" : `before “${firstLine(this.wordsOf(subject.itemId), 30)}”`;
    if (mine === this.planned) this.plan = { files: found.files, name };
    return shown(found);
  }

  private async restore(subject: RestoreSubject, skip: boolean): Promise<RestorePlan | null> {
    const { chat, sidecar } = this.parts;
    if (chat.running) throw new Error(busy);
    const threadId = this.threadId;
    const onConflict = skip ? "skip" : "abort";
    if ("restoreId" in subject) {
      const done = await sidecar.request("treadle/checkpoint/redo", { threadId, restoreId: subject.restoreId, onConflict });
      if (done.restoreId) this.takeWordsAway(subject.restoreId);
      return this.afterwards(done);
    }
    const said = this.wordsOf(subject.itemId);
    const { id: turnId } = this.turnOf(subject.itemId);
    const done = await sidecar.request("treadle/checkpoint/restore", { threadId, turnId, what: subject.what, onConflict });
    // The words are the user's: they come back to where they were written, to be changed or sent again.
    if (done.restoreId && subject.what !== "files" && said) {
      this.parts.panel.compose(said, false);
      void this.parts.context.workspaceState.update(givenKey, { restoreId: done.restoreId, words: said });
    }
    return this.afterwards(done);
  }

  /** They stand in the thread again. */
  private takeWordsAway(restoreId: string): void {
    const { context, panel } = this.parts;
    const given = context.workspaceState.get<{ restoreId: string; words: string }>(givenKey);
    if (given?.restoreId !== restoreId) return;
    panel.takeAway(given.words);
    void context.workspaceState.update(givenKey, undefined);
  }

  private afterwards(done: { restoreId: string | null; files: FilePlan[]; turns: number }): RestorePlan | null {
    if (!done.restoreId) {
      this.plan = { ...this.plan, files: done.files };
      return shown(done);
    }
    void this.refresh();
    return null;
  }

  private async showRedo(): Promise<void> {
    const { chat, panel } = this.parts;
    if (!chat.view.restored) throw new Error("Nothing was restored that could be taken back.");
    await panel.show();
    await panel.bring({ type: "openRestore", itemId: null });
  }

  private async openDiff(path: string | null): Promise<void> {
    if (path === null) return this.diffs.all(this.plan.files, `Files as they would be: ${this.plan.name}`);
    const plan = this.plan.files.find((one) => one.path === path);
    if (plan) await this.diffs.one(plan);
  }

  private async onMessage(act: MessageAct, itemId: string): Promise<void> {
    const { chat, panel } = this.parts;
    if (act === "copy") return vscode.env.clipboard.writeText(this.ownWords(itemId));
    if (act === "edit") return this.edit(itemId);
    const turn = this.turnOf(itemId);
    if (!(await mayLeave(this.parts))) return;
    await chat.fork(this.threadId, turn.status === "inProgress" ? { beforeTurnId: turn.id } : { lastTurnId: turn.id });
    await panel.show();
    const name = firstLine(this.ownWords(itemId) || words(saidIn(turn)), 40);
    chat.notice("info", `fork:${chat.view.id}`, `This is a copy that goes on after “${name}”. The original thread is as it was.`);
  }

  private edit(itemId: string): void {
    const { chat, panel } = this.parts;
    if (chat.running) throw new Error("A turn is running here: stop it or wait for its end, then edit an earlier message.");
    const turn = this.turnOf(itemId);
    const before = chat.view.editing?.before ?? panel.draft;
    const attachments = alongside(saidIn(turn));
    const editing = { turnId: turn.id, before, files: false, attachments };
    chat.receive({ method: "panel/editing", params: { editing } });
    panel.compose(words(saidIn(turn)), true);
  }

  private setFiles(files: boolean): void {
    const { editing } = this.parts.chat.view;
    if (editing) this.parts.chat.receive({ method: "panel/editing", params: { editing: { ...editing, files } } });
  }

  private stopEditing(): void {
    const { chat, panel } = this.parts;
    const { editing } = chat.view;
    if (!editing) return;
    chat.receive({ method: "panel/editing", params: { editing: null } });
    panel.compose(editing.before, true);
  }

  /** The original thread keeps what is needed to take this back. */
  private async filesBeforeFork(threadId: string, { turnId, files }: Editing): Promise<void> {
    if (!files) return;
    const { chat, sidecar } = this.parts;
    const subject = { threadId, turnId, what: "files" } as const;
    let done = await sidecar.request("treadle/checkpoint/restore", { ...subject, onConflict: "abort" });
    if (!done.restoreId) {
      const number = conflicts(shown(done));
      const answer = await vscode.window.showWarningMessage(
        `${conflictWords(number)} The others can be restored.`,
        {
          modal: true,
          detail: done.files
            .filter((one) => one.kind === "conflict")
            .map((one) => one.path)
            .join("\n"),
        },
        "Restore the Others and Send",
      );
      if (!answer) throw new Error("You chose not to restore the files.");
      done = await sidecar.request("treadle/checkpoint/restore", { ...subject, onConflict: "skip" });
    }
    const written = done.files.filter(isWritten).length;
    if (written) {
      const words = `${count(written, "file")} restored to before the message that you edited. The original thread can take that back.`;
      chat.notice("info", `restored:${done.restoreId}`, words);
    }
  }

  private get threadId(): string {
    const { id } = this.parts.chat.view;
    if (!id) throw new Error("Open a thread first.");
    return id;
  }

  private turn(turnId: string): TurnView | undefined {
    return this.parts.chat.view.turns.find((turn) => turn.id === turnId);
  }

  private turnOf(itemId: string): TurnView {
    const turn = this.parts.chat.view.turns.find((one) => one.items.some(({ item }) => item.id === itemId));
    if (!turn) throw new Error("This message is not in the thread any more.");
    return turn;
  }

  /** All that the user said in the turn of this message: it goes as a whole. */
  private wordsOf(itemId: string): string {
    return words(saidIn(this.turnOf(itemId)));
  }

  private ownWords(itemId: string): string {
    const item = this.turnOf(itemId).items.find((entry) => entry.item.id === itemId)?.item;
    return item?.type === "userMessage" ? words(item.content) : "";
  }

  /** What a click in the panel cannot do is said where it was clicked. */
  private async told(act: () => unknown): Promise<void> {
    try {
      await act();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.parts.chat.notice("warning", `act:${Date.now()}`, message);
    }
  }
}

/** What the webview is told; the diffs, which may be long, stay here. */
function shown({ files, turns }: { files: FilePlan[]; turns: number }): RestorePlan {
  return { turns, files: files.map(({ diff, ...file }) => ({ ...file, shown: isWritten(file) && diff !== "" })) };
}

/** The message that a menu of the webview was opened on. */
function itemOf(place: unknown): string {
  const itemId = (place as { itemId?: unknown } | undefined)?.itemId;
  if (typeof itemId !== "string") throw new Error("Use this from the menu of a message.");
  return itemId;
}
