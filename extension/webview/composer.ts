/**
 * Where the user writes. The words live in the text field and nowhere else while they are typed: a key costs what the field costs, and
 * the rest is drawn again only when it changes. The host keeps every draft; Enter sends, or queues while a turn runs.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Choice } from "../src/choices";
import {
  type Attachment,
  type Draft,
  emptyDraft,
  isEmpty,
  longPaste,
  type Mention,
  mostInBox,
  named,
  places,
  standing,
} from "../src/draft";
import type { PanelState } from "../src/messages";
import { slashCommand } from "../src/slash_commands";
import { emptyView, type ThreadView } from "../src/thread";
import { commandIn, type Trigger } from "../src/trigger";
import { Arriving, droppedUris, hasPictures, type Incoming, takeFiles, takePictures, takeText } from "./attaching";
import { type ChipActs, chips } from "./chips";
import { Completing, listId } from "./completing";
import { ask, post } from "./host";
import { inForce } from "./pickers";
import "./pickers";
import type { Pickers } from "./pickers";
import "./queue";
import { eraseToken, type Field, putAll, putAt, Recall, takeFrom } from "./typing";

/** The field is measured for its height no longer when it holds more. */
const large = 20_000;

@customElement("treadle-composer")
export class Composer extends LitElement {
  @property({ attribute: false }) view: ThreadView = emptyView;
  @property({ attribute: false }) panel?: PanelState;
  @property({ attribute: false }) running = false;
  @property({ attribute: false }) disabled = false;
  @property({ attribute: false }) approvalId: string | null = null;
  /** What was being written when the webview was built. */
  @property({ attribute: false }) first: Draft = emptyDraft;
  @state() private mentions: Mention[] = [];
  @state() private attachments: Attachment[] = [];
  @state() private filled = false;
  /** What is wrong, or a way out. */
  @state() private said: { words: string; sends?: boolean } | null = null;
  @query("textarea.field") private area?: Field;
  @query("treadle-pickers") private pickers?: Pickers;
  /** All that were chosen for this draft: a token that is typed away and brought back means the same. */
  private known: Mention[] = [];
  private timer?: ReturnType<typeof setTimeout>;
  private readonly completing = new Completing(
    this,
    (...chosen) => this.chosen(...chosen),
    () => this.send(),
  );
  private readonly arriving = new Arriving((incoming) => this.take(incoming));
  private readonly recall = new Recall();

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("first")) this.load(this.first);
  }

  get draft(): Draft {
    return { text: this.area?.value ?? "", mentions: this.mentions, attachments: this.attachments };
  }

  focusInput(): void {
    this.area?.focus();
  }

  /** Puts an example into the box for the user to change or send. */
  suggest(text: string): void {
    void this.updateComplete.then(() => {
      if (this.area) putAll(this.area, text);
      this.changed();
      this.keep();
    });
  }

  /** Gives words back that were not sent, after what was written since. */
  giveBack(text: string, draft?: Draft): void {
    const { text: before } = this.draft;
    this.known = named([...this.known, ...(draft?.mentions ?? [])]);
    this.attachments = [...this.attachments, ...(draft?.attachments ?? [])];
    const words = draft?.text ?? text;
    this.suggest(/\S/.test(before) ? `${before.trimEnd()}\n\n${words}` : words);
  }

  /** Words that were given back go again, if nothing was made of them. */
  takeAway(words: string): void {
    void this.updateComplete.then(() => this.area && takeFrom(this.area, words) && this.changed());
  }

  mention(mention: Mention): void {
    void this.updateComplete.then(() => this.insertMentions([mention]));
  }

  private load(draft: Draft): void {
    this.known = draft.mentions;
    this.attachments = draft.attachments;
    if (this.area) this.area.value = draft.text;
    this.settle();
  }

  /** After every change of the words: little that depends on their length, and a new drawing only when something else changed. */
  private changed(): void {
    this.recall.typed();
    this.settle();
    clearTimeout(this.timer);
    const { length } = this.area?.value ?? "";
    this.timer = setTimeout(() => this.keep(), 250 + length / 1_000);
  }

  private keep(): void {
    if (this.timer !== undefined) post({ type: "draft", draft: this.draft });
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** What the keyboard goes to may take the panel away, or want the words as they are. */
  private left(): void {
    this.completing.close();
    this.keep();
  }

  private settle(): void {
    const text = this.area?.value ?? "";
    this.filled = !isEmpty({ ...emptyDraft, text, attachments: this.attachments });
    this.area?.classList.toggle("large", text.length > large);
    if (this.known.length) {
      const now = standing(text, this.known);
      if (now.length !== this.mentions.length || now.some((mention, at) => mention !== this.mentions[at])) this.mentions = now;
    } else if (this.mentions.length) {
      this.mentions = [];
    }
    if (this.said) this.said = null;
  }

  private typed(): void {
    this.changed();
    this.look();
  }

  private look(): void {
    const { area, recall } = this;
    // Words of before come as they are: a list for the last of them would take the keys that go on through them.
    if (area && !recall.walking && area.selectionStart === area.selectionEnd && document.activeElement === area)
      this.completing.look(area.value, area.selectionEnd);
    else this.completing.close();
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing || !this.area) return;
    if (this.completing.key(event) || eraseToken(event, this.area, this.mentions)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === "Escape" && this.running) {
      event.preventDefault();
      post({ type: "command", command: "stop" });
    }
    if (event.key === "ArrowUp" || event.key === "ArrowDown") void this.recall.key(event, this.area, () => this.settle());
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (event.repeat) return; // held for one question, it must not answer the next
    const chord = event.ctrlKey || event.metaKey;
    if (chord && this.approvalId && !this.filled) post({ type: "answer", id: this.approvalId, answer: { verdict: "accept" } });
    else this.send(chord);
  }

  private send(other = false): void {
    const { draft } = this;
    const { all } = this.arriving;
    if (all) void all.then((well) => well && this.send(other));
    if (all || isEmpty(draft) || this.disabled) return;
    const command = commandIn(draft.text);
    if (!command) this.say(draft, other);
    else if (slashCommand(command.name)) this.run(command.name, command.rest, 0, this.area?.value.length ?? 0);
    else this.said = { words: `There is no command /${command.name}. Type / to see all.`, sends: true };
  }

  private say(draft: Draft, other: boolean): void {
    const refused = draft.attachments.some((attachment) => attachment.kind === "image") ? this.refusesPictures() : null;
    if (refused) {
      this.said = { words: `${refused} Remove them, or choose another model.` };
      return;
    }
    post({ type: "say", draft, other });
    this.clear();
  }

  private clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.known = [];
    this.attachments = [];
    if (this.area) this.area.value = "";
    this.recall.typed();
    this.settle();
    this.completing.look("", 0);
    post({ type: "draft", draft: emptyDraft });
  }

  /** The command goes from the box; what is attached stays for the message that comes. */
  private run(name: string, rest: string, start: number, end: number): void {
    const command = slashCommand(name);
    if (!command || !this.area) return;
    putAt(this.area, start, end, command.types ?? "");
    this.typed();
    if (command.types) return;
    if (command.picks) this.tell(this.pickers?.open(command.picks, rest) ?? null);
    else
      void ask("slash", { name, rest }).then(
        (problem) => this.tell(problem),
        (error: Error) => this.tell(error.message),
      );
  }

  private tell(problem: string | null): void {
    this.said = problem ? { words: problem } : null;
  }

  private chosen(choice: Choice, trigger: Trigger, key: "Enter" | "Tab"): void {
    const { area } = this;
    if (!area) return;
    const end = trigger.start + 1 + trigger.query.length;
    if (trigger.kind === "slash") {
      const command = slashCommand(choice.id);
      if (key === "Enter") {
        this.run(choice.id, "", trigger.start, end);
        return;
      }
      putAt(area, trigger.start, end, `/${choice.id}${command?.takes ? " " : ""}`);
    } else if (choice.insert) {
      putAt(area, trigger.start, end, choice.insert);
    } else if (choice.mention) {
      this.known = named([...this.known, choice.mention]);
      putAt(area, trigger.start, end, `${choice.mention.token} `);
    }
    area.focus();
    this.typed();
  }

  private insertMentions(mentions: readonly Mention[]): void {
    const { area } = this;
    if (!area || !mentions.length) return;
    this.known = named([...this.known, ...mentions]);
    const at = area.selectionEnd;
    const gap = at > 0 && !/\s/.test(area.value[at - 1] ?? " ") ? " " : "";
    putAt(area, at, at, `${gap}${mentions.map((mention) => `${mention.token} `).join("")}`);
    this.changed();
    area.focus();
  }

  private readonly acts: ChipActs = {
    dropMention: (mention) => {
      const { area } = this;
      if (!area) return;
      for (const at of places(area.value, mention.token).reverse()) {
        const end = at + mention.token.length;
        putAt(area, at, area.value[end] === " " ? end + 1 : end, "");
      }
      this.changed();
      area.focus();
    },
    dropAttachment: (attachment) => {
      this.attachments = this.attachments.filter((other) => other !== attachment);
      this.changed();
      this.area?.focus();
    },
    unfold: (attachment) =>
      void ask("attachedText", { path: attachment.path }).then(
        (text) => {
          if (attachment.size > mostInBox) {
            post({ type: "openText", title: attachment.name, text, language: "plaintext" });
            return;
          }
          if (!this.attachments.includes(attachment)) return; // it was clicked twice, or is sent
          this.attachments = this.attachments.filter((other) => other !== attachment);
          if (this.area) putAt(this.area, this.area.selectionEnd, this.area.selectionEnd, text);
          this.changed();
        },
        (error: Error) => this.tell(error.message),
      ),
  };

  private pasted(event: ClipboardEvent): void {
    const data = event.clipboardData;
    const text = data?.getData("text/plain") ?? "";
    // A page that is copied brings its pictures along: then the words are meant.
    const pictures = hasPictures(data) && !text;
    if (!pictures && text.length <= longPaste) return;
    event.preventDefault();
    this.arriving.add(pictures ? takePictures(data, this.refusesPictures(), this.attachments.length) : takeText(text));
  }

  private dropped(event: DragEvent): void {
    event.preventDefault();
    this.classList.remove("dragging");
    const uris = droppedUris(event.dataTransfer);
    const pictures = () => takePictures(event.dataTransfer, this.refusesPictures(), this.attachments.length);
    this.arriving.add(uris.length ? takeFiles(uris) : pictures());
  }

  private dragged(event: DragEvent): void {
    event.preventDefault();
    this.classList.toggle("dragging", event.type !== "dragleave");
  }

  private take({ attachments, mentions, problem }: Incoming): void {
    this.attachments = [...this.attachments, ...attachments];
    if (mentions.length) this.insertMentions(mentions);
    else this.changed();
    this.tell(problem);
  }

  private refusesPictures(): string | null {
    const { view, panel } = this;
    if (!panel) return null;
    const now = inForce(view, panel).model;
    const model = panel.models?.find(({ id }) => id === now);
    return model && !model.images ? `${model.name} does not take pictures.` : null;
  }

  override render(): TemplateResult {
    const { completing, said } = this;
    return html`<treadle-queue .queue=${this.view.queue} .running=${this.running}></treadle-queue>
      <div class="composer ${this.disabled ? "disabled" : ""}" @dragover=${this.dragged} @dragleave=${this.dragged} @drop=${this.dropped}>
        ${completing.render()} ${chips(this.mentions, this.attachments, this.acts)}
        <textarea
          class="field"
          rows="2"
          aria-label="Message to Treadle"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls=${completing.open ? listId : nothing}
          aria-activedescendant=${completing.active ?? nothing}
          placeholder=${this.placeholder()}
          ?disabled=${this.disabled}
          @input=${this.typed}
          @keydown=${this.key}
          @keyup=${this.look}
          @click=${this.look}
          @paste=${this.pasted}
          @blur=${this.left}
        ></textarea>
        ${said ? html`<div class="said" role="status">${said.words}${said.sends ? html` <button class="link" @click=${() => this.say(this.draft, false)}>Send it as a message</button>` : nothing}</div>` : nothing}
        <div class="under">
          <treadle-pickers .view=${this.view} .panel=${this.panel} .done=${this.back}></treadle-pickers>
          <span class="sends">${this.running ? this.stopButton() : nothing} ${this.running && !this.filled ? nothing : this.sendButton()}</span>
        </div>
      </div>
      <div class="hint">${this.hint()}</div>`;
  }

  private readonly back = () => this.area?.focus();

  private placeholder(): string {
    if (this.disabled) return "Open a folder to start";
    return this.running ? "What should follow?" : "What should Treadle do?  @ mentions, / commands";
  }

  private get queues(): boolean {
    return this.panel?.whileRunning !== "steer";
  }

  private sendButton(): TemplateResult {
    const name = !this.running ? "Send" : this.queues ? "Queue" : "Add to the running turn";
    return html`<button class="round send" title="${name} (Enter)" aria-label=${name} ?disabled=${this.disabled || !this.filled} @click=${() => this.send()}>
      <span class="codicon codicon-${this.running ? (this.queues ? "list-ordered" : "add") : "arrow-up"}" aria-hidden="true"></span>
    </button>`;
  }

  private hint(): TemplateResult {
    const chord = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";
    if (this.approvalId && !this.filled) return html`<kbd>${chord}</kbd><kbd>Enter</kbd> allows once`;
    if (!this.running) return html`<kbd>Shift</kbd><kbd>Enter</kbd> for a new line`;
    const [enter, other] = this.queues ? ["queues", "sends now"] : ["sends now", "queues"];
    return html`<kbd>Enter</kbd> ${enter}, <kbd>${chord}</kbd><kbd>Enter</kbd> ${other}, <kbd>Esc</kbd> stops`;
  }

  private stopButton(): TemplateResult {
    return html`<button class="round stop" title="Stop (Esc)" aria-label="Stop" @click=${() => post({ type: "command", command: "stop" })}>
      <span class="square" aria-hidden="true"></span>
    </button>`;
  }
}
