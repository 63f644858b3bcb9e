/**
 * The view of threads: those of this folder, or of all, newest first, in pages, with the archived ones behind them. VS Code's own tree
 * draws it, so that keys, screen readers and themes are as everywhere. It follows what it is told and reads anew when it is looked at.
 */
import * as vscode from "vscode";
import { isElsewhere, openThread } from "./leaving";
import { unlinked } from "./log";
import { home } from "./panel";
import type { Feature, Parts } from "./parts";
import type { ViewEvent } from "./thread";
import { archive, copyId, exportThread, fork, type Named, remove, rename, unarchive } from "./thread_acts";
import { ThreadList } from "./thread_list";
import { beside, facts, type Known, type Sign, sign, spokenRow, withSeen } from "./thread_look";
import { searchThreads } from "./thread_search";
import { title } from "./titles";
import type { Notification, Thread } from "./wire";

export const threadsViewId = "treadle.threads";
const allKey = "treadle.threads.all";
const seenKey = "treadle.threads.seen";
const pause = 250;

type Node = { kind: "thread"; thread: Thread; archived: boolean } | { kind: "more"; archived: boolean } | { kind: "archived" };

const icons: Record<Sign, [icon: string, color?: string]> = {
  waiting: ["bell-dot", "notificationsWarningIcon.foreground"],
  running: ["loading~spin"],
  unread: ["circle-filled", "notificationsInfoIcon.foreground"],
  shown: ["comment-discussion", "charts.blue"],
  idle: ["comment"],
};

const changes = new Set(["thread/started", "thread/archived", "thread/unarchived", "turn/started", "turn/completed"]);

export class ThreadsView implements Feature, vscode.TreeDataProvider<Node> {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly live = new ThreadList((cursor, limit) => this.page(cursor, limit, false));
  private readonly archived = new ThreadList((cursor, limit) => this.page(cursor, limit, true));
  private readonly nodes = new Map<string, Node>();
  private readonly tree: vscode.TreeView<Node>;
  private readonly disposables: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> | undefined;
  /** Something changed while the lists were read: what was read may be from before. */
  private due = false;
  private all: boolean;
  private seen: Record<string, number>;

  constructor(private readonly parts: Parts) {
    const { workspaceState } = parts.context;
    this.all = workspaceState.get(allKey, false);
    this.seen = workspaceState.get(seenKey, {});
    this.tree = vscode.window.createTreeView(threadsViewId, {
      treeDataProvider: this,
      canSelectMany: true,
      showCollapseAll: false,
    });
    this.tellContext();
    this.disposables = [
      this.changed,
      this.tree,
      this.tree.onDidChangeVisibility(({ visible }) => visible && this.stale()),
      vscode.window.onDidChangeWindowState(({ focused }) => focused && this.stale()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.again()),
    ];
  }

  readonly commands: Feature["commands"] = {
    "treadle.resumeThread": () => searchThreads(this.parts, this.folders),
    "treadle.searchThreads": () => searchThreads(this.parts, this.folders),
    "treadle.renameThread": async () => rename(this.parts, await this.shown()),
    "treadle.exportThread": async () => exportThread(this.parts, await this.shown()),
    "treadle.forkThread": async () => fork(this.parts, await this.shown()),
    "treadle.archiveThread": async () => archive(this.parts, [await this.shown()]),
    "treadle.deleteThread": async () => remove(this.parts, [await this.shown()], false),
    "treadle.threads.open": (node) => this.each(node, ([thread]) => thread && this.open(thread)),
    "treadle.threads.rename": (node) => this.each(node, ([thread]) => thread && rename(this.parts, thread)),
    "treadle.threads.archive": (node, all) => this.each(node, (threads) => archive(this.parts, threads), all),
    "treadle.threads.unarchive": (node, all) => this.each(node, (threads) => unarchive(this.parts, threads), all),
    "treadle.threads.delete": (node, all) => this.each(node, (threads, archived) => remove(this.parts, threads, archived), all),
    "treadle.threads.fork": (node) => this.each(node, ([thread]) => thread && fork(this.parts, thread)),
    "treadle.threads.export": (node) => this.each(node, ([thread]) => thread && exportThread(this.parts, thread)),
    "treadle.threads.copyId": (node) => this.each(node, ([thread]) => thread && copyId(thread)),
    "treadle.threads.more": (node) => this.more(node),
    "treadle.threads.refresh": () => this.read(),
    "treadle.threads.allFolders": () => this.setAll(true),
    "treadle.threads.thisFolder": () => this.setAll(false),
  };

  readonly messages: Feature["messages"] = {
    elsewhere: ({ act }) => this.elsewhere(act),
  };

  connected(): void {
    this.stale();
  }

  notified({ method, params }: Notification): void {
    const { chat } = this.parts;
    const id = String(params.threadId ?? "");
    if (method === "thread/name/updated") this.change(id, { name: (params.threadName as string | undefined) ?? null });
    if (method === "thread/status/changed") this.change(id, { status: params.status as Thread["status"] });
    if (method === "thread/deleted") this.drop(id);
    if (changes.has(method)) this.stale();
    const gone = method === "thread/deleted" || method === "thread/archived";
    if (gone && id === chat.view.id) chat.close();
  }

  followed({ method }: ViewEvent): void {
    const { id } = this.parts.chat.view;
    if (method === "panel/opened" || method === "turn/completed") this.see(id);
    const draws = ["panel/opened", "panel/closed", "panel/asked", "panel/answered", "panel/lost"];
    if (draws.includes(method)) this.changed.fire(undefined);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const disposable of this.disposables) disposable.dispose();
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) {
      if (!this.live.read) await this.read(false);
      const group: Node[] = this.archived.threads.length ? [{ kind: "archived" }] : [];
      return [...this.rows(this.live, false), ...group];
    }
    return node.kind === "archived" ? this.rows(this.archived, true) : [];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === "archived") return group();
    if (node.kind === "more") return moreRow(node);
    const { thread, archived } = node;
    const how = sign(thread, this.known);
    const item = new vscode.TreeItem(title(thread));
    const [icon, color] = icons[how];
    item.id = `${archived ? "archived:" : ""}${thread.id}`;
    item.description = beside(thread, this.all || !this.folders.length, Date.now());
    item.iconPath = new vscode.ThemeIcon(archived ? "archive" : icon, color ? new vscode.ThemeColor(color) : undefined);
    item.contextValue = archived ? "archived" : "thread";
    item.accessibilityInformation = { label: spokenRow(thread, how, Date.now()) };
    item.command = { command: "treadle.threads.open", title: "Open Thread", arguments: [node] };
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
    if (node.kind === "thread") item.tooltip = this.tooltip(node.thread);
    return item;
  }

  private tooltip(thread: Thread): vscode.MarkdownString {
    const rows = facts(thread, home(), Date.now());
    const { usage, id } = this.parts.chat.view;
    if (usage && id === thread.id) rows.push(["Tokens", usage.total.toLocaleString()]);
    const text = new vscode.MarkdownString();
    text.appendText(thread.name || thread.preview.slice(0, 300) || title(thread));
    text.appendMarkdown("\n\n");
    for (const [name, value] of rows) text.appendMarkdown(`**${name}** `).appendText(value).appendMarkdown("  \n");
    return text;
  }

  private get known(): Known {
    const { chat } = this.parts;
    return { shown: chat.view.id, waiting: chat.view.asked.length > 0, running: chat.running, seen: this.seen };
  }

  private get folders(): string[] {
    return (vscode.workspace.workspaceFolders ?? []).filter((one) => one.uri.scheme === "file").map((one) => one.uri.fsPath);
  }

  private async page(cursor: string | null, limit: number, archived: boolean) {
    const cwd = this.all || !this.folders.length ? {} : { cwd: this.folders };
    const answer = await this.parts.sidecar.request("thread/list", { cursor, limit, archived, sortKey: "updated_at", ...cwd });
    return { threads: answer.data, cursor: answer.nextCursor };
  }

  private rows(list: ThreadList, archived: boolean): Node[] {
    const rows = list.threads.map((thread): Node => {
      const node: Node = { kind: "thread", thread, archived };
      this.nodes.set(thread.id, node);
      return node;
    });
    return list.cursor ? [...rows, { kind: "more", archived }] : rows;
  }

  /** Soon, once, and only if somebody looks. */
  private stale(): void {
    if (!this.tree.visible || this.parts.sidecar.state.connection !== "ready") return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.read();
    }, pause);
  }

  /** One at a time, and once more when something changed while it was under way. */
  private read(tell = true): Promise<void> {
    if (this.reading && tell) this.due = true;
    this.reading ??= this.readNow(tell).finally(() => {
      this.reading = undefined;
      if (!this.due) return;
      this.due = false;
      void this.read();
    });
    return this.reading;
  }

  private async readNow(tell: boolean): Promise<void> {
    try {
      await Promise.all([this.live.refresh(), this.archived.refresh()]);
      this.tree.message = undefined;
    } catch (error) {
      this.parts.log.warn(`thread/list: ${error}`);
      this.tree.message = "The threads cannot be read just now.";
    }
    this.nodes.clear();
    if (tell) this.changed.fire(undefined);
  }

  private async more(node: unknown): Promise<void> {
    const archived = (node as Node | undefined)?.kind === "more" && (node as { archived: boolean }).archived;
    const list = archived ? this.archived : this.live;
    // A reading that overtakes it reads as far as the list was before: then it is asked for after that.
    const { length } = list.threads;
    for (let tries = 0; tries < 3 && !(await list.more()) && list.threads.length <= length; tries += 1) await this.reading;
    this.changed.fire(undefined);
  }

  private again(): void {
    this.live.clear();
    this.archived.clear();
    if (this.reading) this.due = true;
    this.changed.fire(undefined);
  }

  private async setAll(all: boolean): Promise<void> {
    this.all = all;
    this.tellContext();
    await this.parts.context.workspaceState.update(allKey, all || undefined);
    this.again();
  }

  private tellContext(): void {
    void vscode.commands.executeCommand("setContext", allKey, this.all);
    this.tree.description = this.all ? "All Folders" : undefined;
  }

  private change(id: string, changes: Partial<Thread>): void {
    if (this.reading) this.due = true;
    const thread = this.live.change(id, changes) ?? this.archived.change(id, changes);
    const node = this.nodes.get(id);
    if (!thread || node?.kind !== "thread") return;
    node.thread = thread;
    this.changed.fire(node);
  }

  private drop(id: string): void {
    if (this.reading) this.due = true;
    const gone = [this.live.remove(id), this.archived.remove(id)];
    if (gone.some(Boolean)) this.changed.fire(undefined);
  }

  private see(id: string | null): void {
    if (!id) return;
    this.seen = withSeen(this.seen, id, Math.floor(Date.now() / 1_000));
    void this.parts.context.workspaceState.update(seenKey, this.seen);
  }

  /** The threads that a command is for: those selected when it was called on one of them, else the one; by a key, what is selected. */
  private async each(node: unknown, act: (threads: Thread[], archived: boolean) => unknown, selected?: unknown): Promise<void> {
    const given = (Array.isArray(selected) && selected.length ? selected : node ? [node] : this.tree.selection) as Node[];
    const rows = given.filter((one) => one.kind === "thread");
    if (!rows.length) throw new Error("Choose a thread in the view of threads first.");
    await act(
      rows.map((row) => row.thread),
      rows.every((row) => row.archived),
    );
  }

  /** The thread that the panel shows, for commands of the palette and the panel's menu. */
  private async shown(): Promise<Named> {
    const { id } = this.parts.chat.view;
    if (!id) throw new Error("Open a thread first.");
    return (await this.parts.sidecar.request("thread/read", { threadId: id })).thread;
  }

  private async open(thread: Thread): Promise<void> {
    // The keyboard stays in the tree, so that F2 and Delete are for the thread that was chosen.
    await openThread(this.parts, thread.id, true);
    this.see(this.parts.chat.view.id);
  }

  private async elsewhere(act: "fork" | "retry" | "another" | "leave"): Promise<void> {
    const { chat } = this.parts;
    const { elsewhere } = chat.view;
    if (!elsewhere) return;
    if (act === "fork") await chat.fork(elsewhere.id, {});
    if (act === "leave") chat.close();
    if (act === "another") searchThreads(this.parts, this.folders);
    if (act === "retry") {
      await chat.resume(elsewhere.id).catch((error) => {
        if (!isElsewhere(error)) throw error;
        void vscode.window.showInformationMessage(unlinked(`“${elsewhere.title}” is still open in another window.`));
      });
    }
  }
}

function group(): vscode.TreeItem {
  const item = new vscode.TreeItem("Archived", vscode.TreeItemCollapsibleState.Collapsed);
  item.id = "archived";
  item.iconPath = new vscode.ThemeIcon("archive");
  item.contextValue = "group";
  return item;
}

function moreRow(node: Node): vscode.TreeItem {
  const item = new vscode.TreeItem("Load more…");
  item.iconPath = new vscode.ThemeIcon("chevron-down");
  item.contextValue = "more";
  item.command = { command: "treadle.threads.more", title: "Load more", arguments: [node] };
  return item;
}
