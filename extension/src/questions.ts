/**
 * What happens in the window around a question to the user: the diff beside it, a word to a user who is elsewhere, the address that it
 * opens. It decides nothing and takes no focus: a question waits in the panel, and a notification only leads there.
 */
import * as vscode from "vscode";
import { Approvals } from "./approvals";
import { type Answer, type Asked, isApproval, type Outcome, wish } from "./asked";
import type { Chat } from "./chat";
import type { Diffs } from "./diffs";
import { type Log, sentence, unlinked } from "./log";
import type { Panel } from "./panel";
import type { Sidecar } from "./sidecar";
import { runningTurn } from "./thread";
import {
  type CommandApprovalParams,
  commandApproval,
  type ElicitationParams,
  elicitation,
  type FileApprovalParams,
  type FileChangeItem,
  fileApproval,
  type QuestionParams,
  userInput,
} from "./wire";

export interface Around {
  /** Keeps for the window's next life that somebody waits for an answer. */
  rememberWaiting(waiting: boolean): void;
  chat: Chat;
  panel: Panel;
  sidecar: Sidecar;
  diffs: Diffs;
  log: Log;
}

const longestWish = 120;
/** Line breaks, and what is not seen or turns words round: such a command is to be looked at in its card. */
const hides = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

export class Questions {
  private readonly approvals: Approvals;
  /** The turn whose question the user was told of: one word a turn is enough. */
  private toldOf: string | null = null;

  constructor(private readonly around: Around) {
    const { chat, sidecar } = around;
    this.approvals = new Approvals(() => chat.settled() ?? chat.view.id, {
      requested: (asked) => this.requested(asked),
      settled: (asked, outcome) => this.settled(asked, outcome),
    });
    const { approvals } = this;
    sidecar.answer(commandApproval, (params, cancelled) => approvals.command(params as CommandApprovalParams, cancelled));
    sidecar.answer(fileApproval, (params, cancelled) => approvals.fileChange(params as FileApprovalParams, cancelled));
    sidecar.answer(elicitation, (params, cancelled) => approvals.elicitation(params as ElicitationParams, cancelled));
    sidecar.answer(userInput, (params, cancelled) => approvals.question(params as QuestionParams, cancelled));
  }

  get waiting(): number {
    return this.approvals.waiting;
  }

  answer(id: string, answer: Answer): void {
    const asked = this.approvals.open(id);
    if (asked?.kind === "link" && answer.verdict === "accept") {
      if (!/^https?:\/\//i.test(asked.url)) return;
      void vscode.env.openExternal(vscode.Uri.parse(asked.url, true));
    }
    this.approvals.decide(id, answer);
  }

  /** The sidecar is gone, or the window closes: what is open is asked again by the next sidecar. */
  forget(): void {
    this.approvals.forget();
  }

  /** Declines what the thread as it is now does not ask any more. */
  dropSettled(): void {
    const { view } = this.around.chat;
    const finished = new Set(view.turns.flatMap((turn) => turn.items).flatMap((entry) => (entry.done ? [entry.item.id] : [])));
    const turnId = runningTurn(view)?.id;
    this.approvals.drop((asked, threadId) => {
      if (threadId !== view.id || (asked.itemId !== null && finished.has(asked.itemId))) return true;
      // An MCP server may ask of its own accord, in no turn.
      return asked.turnId !== null && asked.turnId !== turnId;
    });
  }

  /** Shows the edit as it would be; false when it does not fit the file. */
  async openDiff(itemId: string, path: string): Promise<boolean> {
    const changes = this.fileChange(itemId)?.changes ?? [];
    const change = changes.find((one) => one.path === path);
    const waiting = this.around.chat.view.asked.some((asked) => asked.itemId === itemId);
    return waiting && change ? this.around.diffs.open(itemId, change, false, changes) : false;
  }

  private requested(asked: Asked): void {
    const { chat, diffs, log, panel } = this.around;
    this.around.rememberWaiting(true);
    chat.receive({ method: "panel/asked", params: asked });
    const changes = asked.kind === "fileChange" ? this.fileChange(asked.itemId)?.changes : undefined;
    if (changes && asked.itemId) void diffs.offer(asked.itemId, changes).catch((error) => log.warn(sentence(error)));
    if (!panel.visible || this.away()) this.tell(asked);
  }

  private settled(asked: Asked, outcome: Outcome): void {
    const { chat, diffs } = this.around;
    this.around.rememberWaiting(this.waiting > 0);
    chat.receive({ method: "panel/answered", params: { id: asked.id, outcome } });
    if (asked.itemId) void diffs.close(asked.itemId).catch(() => undefined);
  }

  private away(): boolean {
    return !vscode.window.state.focused && vscode.workspace.getConfiguration("treadle").get("notifyWhenAway", true);
  }

  private tell(asked: Asked): void {
    const turn = asked.turnId ?? asked.id;
    if (this.toldOf === turn) return;
    this.toldOf = turn;
    const once = isApproval(asked) ? ["Allow Once"] : [];
    const words = wish(asked);
    const said = words.length > longestWish ? `${words.slice(0, longestWish)}…` : words;
    // A command that is not shown whole is not to be allowed from here.
    const whole = said === words && unlinked(words) === words && !hides.test(words);
    const ways = whole ? ["Show", ...once] : ["Show"];
    void vscode.window.showInformationMessage(`Treadle asks to ${unlinked(said)}`, ...ways).then((chosen) => {
      if (chosen === "Show") void this.around.panel.show("question");
      if (chosen === "Allow Once") this.answer(asked.id, { verdict: "accept" });
    });
  }

  private fileChange(itemId: string): FileChangeItem | undefined {
    const items = this.around.chat.view.turns.flatMap((turn) => turn.items);
    const item = items.find((entry) => entry.item.id === itemId)?.item;
    return item?.type === "fileChange" ? item : undefined;
  }
}
