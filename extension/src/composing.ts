/**
 * The composer's host side: it keeps the draft and the history, finds what can be mentioned, stores what is pasted, and makes of it all
 * what the sidecar is sent. The webview holds nothing that is not here, too.
 */
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
import type { Notification } from "./wire";

const historyKey = "treadle.history";

export class Composing implements Feature {
  private readonly mentions: Mentions;
  private readonly attachments: Attachments;
  private skills: Promise<Choice[]> | undefined;

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

  private async say(draft: Draft, other: boolean): Promise<void> {
    const { chat, context } = this.parts;
    await context.workspaceState.update(historyKey, remembered(context.workspaceState.get<string[]>(historyKey, []), draft.text));
    const [contents, pasted] = await Promise.all([contentsOf(draft, this.mentions, this.parts), this.attachments.pasted(draft)]);
    const queues = this.panelState().whileRunning !== "steer";
    await chat.send(summary(draft), { input: toInput(draft, contents, pasted), draft, later: queues !== other });
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
