/**
 * The composer's host side: it keeps the draft and the history, finds what can be mentioned, stores what is pasted, and makes of it all
 * what the sidecar is sent. The webview holds nothing that is not here, too.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import * as vscode from "vscode";
import { Attachments } from "./attachments";
import type { Choice } from "./choices";
import { type Draft, summary, toInput } from "./draft";
import { remembered } from "./history";
import { contentsOf } from "./mention_content";
import { Mentions } from "./mentions";
import type { PanelState } from "./messages";
import type { Feature, Parts } from "./parts";
import { workspaceFolder } from "./settings";
import type { Sent } from "./thread";
import type { Notification, UserInput } from "./wire";

const historyKey = "treadle.history";

export class Composing implements Feature {
  private readonly mentions: Mentions;
  private readonly attachments: Attachments;
  private skills: Promise<Choice[]> | undefined;
  /** When the chat was given the last message. */
  private said: Promise<void> = Promise.resolve();

  constructor(private readonly parts: Parts) {
    const { context } = parts;
    this.mentions = new Mentions(parts.chat);
    this.attachments = new Attachments(join((context.storageUri ?? context.globalStorageUri).fsPath, "attachments"));
    void this.attachments.sweep(Date.now()).catch(() => undefined);
  }

  readonly messages: Feature["messages"] = {
    say: ({ draft, other }) => this.say(draft, other),
  };

  readonly answers: Feature["answers"] = {
    choices: ({ kind, query }) => (kind === "skill" ? this.skillChoices(query) : this.mentions.choices(query)),
    dropped: ({ uris }) => this.mentions.dropped(uris),
    history: () => this.parts.context.workspaceState.get<string[]>(historyKey, []),
    attachImage: ({ name, bytes }) => this.attachments.addImage(name, new Uint8Array(bytes)),
    attachText: ({ name, text }) => this.attachments.addText(name, text),
    attachedText: ({ path }) => this.attachments.text(path),
  };

  panelState(): Partial<PanelState> {
    const whileRunning = vscode.workspace.getConfiguration("treadle").get<PanelState["whileRunning"]>("whileRunning", "queue");
    return { whileRunning };
  }

  notified({ method }: Notification): void {
    if (method === "skills/changed") this.skills = undefined;
  }

  connected(): void {
    this.skills = undefined;
  }

  dispose(): void {
    this.mentions.dispose();
  }

  /** In the order in which it was written, however long it takes to read what it mentions. */
  private async say(draft: Draft, other: boolean): Promise<void> {
    const { chat } = this.parts;
    const { id } = chat.view;
    const opens = id === null || chat.settled() !== undefined;
    const before = this.said;
    let said = () => {};
    this.said = new Promise((done) => {
      said = done;
    });
    try {
      const input = await this.read(draft);
      await before;
      const queues = this.panelState().whileRunning !== "steer";
      if (!opens && chat.view.id !== id) return this.giveBack({ clientId: randomUUID(), text: summary(draft), input, draft });
      const sending = chat.send(summary(draft), { input, draft, later: queues !== other });
      said();
      await sending;
    } finally {
      said();
    }
  }

  private async read(draft: Draft): Promise<UserInput[]> {
    const { workspaceState } = this.parts.context;
    void workspaceState.update(historyKey, remembered(workspaceState.get<string[]>(historyKey, []), draft.text));
    const [contents, pasted] = await Promise.all([contentsOf(draft, this.mentions, this.parts), this.attachments.pasted(draft)]);
    return toInput(draft, contents, pasted);
  }

  /** It was for the thread that is not shown any more: what becomes of it is the user's to say. */
  private giveBack(sent: Sent): void {
    const { chat } = this.parts;
    chat.receive({ method: "panel/sent", params: sent });
    chat.receive({ method: "panel/unsent", params: { ...sent, reason: "Another thread was opened before it was sent." } });
  }

  private async skillChoices(query: string): Promise<Choice[]> {
    this.skills ??= this.readSkills();
    const all = await this.skills.catch((error) => {
      this.skills = undefined;
      throw error;
    });
    const wanted = query.toLowerCase();
    const rank = ({ label }: Choice) => label.toLowerCase().indexOf(wanted);
    const found = all.filter((choice) => rank(choice) >= 0).sort((one, two) => rank(one) - rank(two));
    return found.map((choice) => ({ ...choice, marks: Array.from({ length: wanted.length }, (_, at) => rank(choice) + at) }));
  }

  private async readSkills(): Promise<Choice[]> {
    const cwd = this.parts.chat.view.cwd ?? workspaceFolder()?.uri.fsPath;
    const { data } = await this.parts.sidecar.request("skills/list", cwd ? { cwds: [cwd] } : {});
    const skills = data.flatMap((entry) => entry.skills).filter((skill) => skill.enabled);
    return skills.map(({ name, description, shortDescription, path }) => ({
      id: path,
      icon: "book",
      label: name,
      detail: (shortDescription || description).replace(/\s+/g, " ").slice(0, 200),
      mention: { kind: "skill", token: `$${name}`, label: name, path },
    }));
  }
}
