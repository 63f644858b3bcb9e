/**
 * The chat view's host side. The webview is a pure view: it may be destroyed and built again at any time, and gets a snapshot and then
 * numbered events. Small deltas are collected for a frame before they cross. Nothing here takes the focus unless the user asked.
 */
import { homedir } from "node:os";
import * as vscode from "vscode";
import { joined } from "./batch";
import type { Chat } from "./chat";
import { type Draft, draftOf, emptyDraft, isEmpty, type Mention, mostKept, takenAway, together } from "./draft";
import type { FromWebview, PanelState, Place, ToWebview } from "./messages";
import { dist, page } from "./page";
import type { ViewEvent } from "./thread";
import { shownTitle } from "./titles";

export const viewId = "treadle.chat";
const frame = 16;
const draftKey = "treadle.draft";

export class Panel implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private queue: ViewEvent[] = [];
  private timer: NodeJS.Timeout | undefined;
  private seq = 0;
  private loaded = false;
  private focusWhenLoaded: { at?: Place } | undefined;
  private whenLoaded: ToWebview | undefined;
  /** How many pages there have been: each numbers its questions anew. */
  private pages = 0;
  private badge: vscode.ViewBadge | undefined;
  private perView: vscode.Disposable[] = [];

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly chat: Chat,
    private readonly state: () => PanelState,
    private readonly onMessage: (message: FromWebview) => void,
  ) {
    chat.onEvent((event) => this.enqueue(event));
  }

  get visible(): boolean {
    return this.view?.visible ?? false;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.release();
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: [dist(this.context.extensionUri)] };
    view.badge = this.badge;
    this.perView = [
      view.webview.onDidReceiveMessage((message: FromWebview) => this.received(message)),
      // The page of a view that is hidden is gone; one that is shown again says that it is ready.
      view.onDidChangeVisibility(() => {
        if (!view.visible) this.unload();
      }),
      view.onDidDispose(() => {
        if (this.view === view) this.release();
      }),
    ];
    view.webview.html = page(view.webview, this.context.extensionUri, "treadle-panel", "webview.js");
    this.title();
  }

  /** The state beside the thread changed: health, settings, workspace. */
  refresh(): void {
    this.post({ type: "panel", panel: this.state() });
  }

  setBadge(waiting: number): void {
    this.badge = waiting
      ? { value: waiting, tooltip: waiting === 1 ? "1 question waits for you" : `${waiting} questions wait for you` }
      : undefined;
    if (this.view) this.view.badge = this.badge;
  }

  /** Because the user asked: the keyboard goes to where they write, or to the question that waits. */
  async show(at?: Place): Promise<void> {
    this.focusWhenLoaded = { at };
    await vscode.commands.executeCommand(`${viewId}.focus`);
    if (this.loaded) this.focus();
  }

  /** Puts words where the user writes; they wait there when the panel is not drawn just now. */
  compose(text: string, replace: boolean): void {
    if (this.loaded) {
      this.post({ type: "compose", text, replace });
      return;
    }
    this.keep(replace ? { ...this.kept, text } : together(this.kept, { ...emptyDraft, text }));
  }

  /** What was put there goes again, unless the user made something else of it. */
  takeAway(text: string): void {
    if (this.loaded) {
      this.post({ type: "takeAway", text });
      return;
    }
    const left = takenAway(this.kept.text, text);
    if (left !== null) this.keep({ ...this.kept, text: left });
  }

  /** Something for the words to mention; it waits there, too. */
  mention(mention: Mention): void {
    if (this.loaded) this.post({ type: "mention", mention });
    else this.keep(together(this.kept, { ...emptyDraft, text: `${mention.token} `, mentions: [mention] }));
  }

  get draft(): string {
    return this.kept.text;
  }

  private get kept(): Draft {
    return draftOf(this.context.workspaceState.get(draftKey));
  }

  private keep(draft: Draft): void {
    const kept = isEmpty(draft) ? undefined : { ...draft, text: draft.text.slice(0, mostKept) };
    void this.context.workspaceState.update(draftKey, kept);
  }

  /** Something that the webview asked for. */
  reply(message: ToWebview): void {
    this.post(message);
  }

  /** Replies to the page of now; a page that comes after it is not told. */
  replier(): (message: ToWebview) => void {
    const { pages } = this;
    return (message) => {
      if (pages === this.pages) this.post(message);
    };
  }

  /** Something that the user asked for elsewhere: the panel is shown for it where it is not. */
  async bring(message: ToWebview): Promise<void> {
    if (this.loaded) return this.post(message);
    this.whenLoaded = message;
    await vscode.commands.executeCommand(`${viewId}.focus`);
  }

  dispose(): void {
    this.release();
  }

  private release(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const disposable of this.perView.splice(0)) disposable.dispose();
    this.view = undefined;
    this.unload();
  }

  private unload(): void {
    this.loaded = false;
    this.pages += 1;
    this.queue = [];
  }

  private received(message: FromWebview): void {
    if (message.type === "ready") this.snapshot();
    if (message.type === "draft") this.keep(message.draft);
    this.onMessage(message);
  }

  private snapshot(): void {
    this.queue = [];
    this.loaded = true;
    this.post({ type: "snapshot", seq: this.seq, view: this.chat.view, panel: this.state(), draft: this.kept });
    this.focus();
    if (this.whenLoaded) this.post(this.whenLoaded);
    this.whenLoaded = undefined;
  }

  private focus(): void {
    if (!this.focusWhenLoaded) return;
    this.post({ type: "focus", ...this.focusWhenLoaded });
    this.focusWhenLoaded = undefined;
  }

  private enqueue(event: ViewEvent): void {
    this.title();
    if (!this.loaded) return;
    this.queue.push(event);
    this.timer ??= setTimeout(() => this.flush(), frame);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.queue.length) return;
    this.seq += 1;
    this.send({ type: "events", seq: this.seq, events: joined(this.queue) });
    this.queue = [];
  }

  /** Whatever is said may be about what happened before it. */
  private post(message: ToWebview): void {
    this.flush();
    this.send(message);
  }

  private send(message: ToWebview): void {
    if (this.loaded) void this.view?.webview.postMessage(message);
  }

  private title(): void {
    const name = shownTitle(this.chat.view);
    if (this.view && this.view.description !== name) this.view.description = name;
  }
}

/** Shortens paths under the home folder in what is drawn; null where there is none. */
export function home(): string | null {
  return homedir() || null;
}
