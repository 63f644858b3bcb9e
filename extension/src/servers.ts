/**
 * The view "MCP Servers": each server with its state and its tools, as the sidecar tells them, and what can be done with it: restart, log,
 * login. It is there when a server is configured. Only that a restart is under way is kept here.
 */
import * as vscode from "vscode";
import { unlinked } from "./log";
import type { Feature, Parts } from "./parts";
import { missing, serverRow } from "./server_rows";
import type { McpListServer, Notification } from "./wire";

const viewId = "treadle.mcpServers";
const scheme = "treadle-mcp-log";

interface Tool {
  server: string;
  name: string;
  description: string;
}

type Node = McpListServer | Tool;

export class Servers implements Feature, vscode.TreeDataProvider<Node>, vscode.TextDocumentContentProvider {
  private servers: McpListServer[] = [];
  private readonly restarting = new Set<string>();
  private reading: Promise<void> | undefined;
  private again = false;
  private readonly drawn = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.drawn.event;
  private readonly logged = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.logged.event;
  private readonly status = vscode.window.createStatusBarItem("treadle.mcp", vscode.StatusBarAlignment.Right, 99);
  private readonly view = vscode.window.createTreeView(viewId, { treeDataProvider: this });
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);

  constructor(private readonly parts: Parts) {
    this.status.name = "Treadle: MCP Servers";
    this.status.command = "treadle.mcpServers";
    this.status.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
  }

  readonly commands: Feature["commands"] = {
    "treadle.mcpServers": () => this.show(),
    "treadle.mcp.restart": (node) => this.act(node, "Restart which server?", (server) => this.restart(server.name)),
    "treadle.mcp.log": (node) => this.act(node, "The log of which server?", (server) => this.log(server.name)),
    "treadle.mcp.login": (node) => this.act(node, "Log in to which server?", (server) => this.login(server.name), isHttp),
    "treadle.mcp.reload": () => this.reload(),
  };

  connected(): void {
    void this.refresh();
  }

  notified({ method, params }: Notification): void {
    if (method === "mcpServer/startupStatus/updated" || method === "treadle/tools/changed") void this.refresh();
    if (method === "mcpServer/oauthLogin/completed") this.loggedIn(params);
  }

  followed({ method }: { method: string }): void {
    if (method === "panel/opened" || method === "panel/closed") void this.refresh();
    if (method === "panel/lost") this.lose();
  }

  getChildren(node?: Node): Node[] {
    if (!node) return this.servers;
    if (!isServer(node)) return [];
    return node.tools.map((tool) => ({ server: node.name, ...tool }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return isServer(node) ? this.serverItem(node) : toolItem(node);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const name = uri.query;
    const { text } = await this.parts.sidecar.request("treadle/mcp/log", { name, threadId: this.threadId });
    return text || `Nothing has been heard of ${name} yet.`;
  }

  dispose(): void {
    for (const part of [this.view, this.status, this.registration, this.drawn, this.logged]) part.dispose();
  }

  private get threadId(): string | null {
    return this.parts.chat.view.id;
  }

  private serverItem(server: McpListServer): vscode.TreeItem {
    const row = serverRow(server, this.restarting.has(server.name));
    const state = server.tools.length ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
    const item = new vscode.TreeItem(server.name, state);
    item.id = server.name;
    item.iconPath = new vscode.ThemeIcon(row.icon, row.color ? new vscode.ThemeColor(row.color) : undefined);
    item.description = row.description;
    item.tooltip = new vscode.MarkdownString().appendText(`${server.name}\n\n${row.tooltip}`);
    item.contextValue = row.context;
    item.accessibilityInformation = { label: `MCP server ${server.name}, ${row.description}` };
    return item;
  }

  /** Asks once more when something changed while it was being asked. */
  private async refresh(): Promise<void> {
    if (this.reading) {
      this.again = true;
      return this.reading;
    }
    this.reading = this.read();
    await this.reading;
    this.reading = undefined;
    if (!this.again) return;
    this.again = false;
    await this.refresh();
  }

  private async read(): Promise<void> {
    const { sidecar, log } = this.parts;
    if (sidecar.state.connection !== "ready") return;
    try {
      // The sidecar of now may not know the shown thread yet: then the folder's servers are told.
      const read = (threadId: string | null) => sidecar.request("treadle/mcp/list", { threadId });
      this.servers = (await read(this.threadId).catch(() => read(null))).servers;
    } catch (error) {
      log.warn(`treadle/mcp/list: ${error}`);
      return;
    }
    this.draw();
  }

  /** They went with the sidecar. */
  private lose(): void {
    this.restarting.clear();
    this.servers = this.servers.map((one) => (one.state === "off" ? one : { ...one, state: "notStarted", error: null }));
    this.draw();
  }

  private draw(): void {
    this.drawn.fire(undefined);
    void vscode.commands.executeCommand("setContext", "treadle.hasMcpServers", this.servers.length > 0);
    for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === scheme) this.logged.fire(uri);
    const [first, ...others] = missing(this.servers);
    this.view.badge = first ? { value: others.length + 1, tooltip: "Required MCP servers that are not connected" } : undefined;
    if (!first) {
      this.status.hide();
      return;
    }
    this.status.text = `$(error) MCP: ${first.name}${others.length ? ` and ${others.length} more` : ""}`;
    this.status.tooltip = `${first.name} is required and not connected: ${first.error ?? "it failed"}`;
    this.status.accessibilityInformation = { label: `Required MCP server ${first.name} is not connected` };
    this.status.show();
  }

  private async show(): Promise<void> {
    await this.parts.sidecar.ready();
    await this.refresh();
    if (this.servers.length) return void (await vscode.commands.executeCommand(`${viewId}.focus`));
    const ways = ["Open config.toml"];
    const said = "No MCP server is configured. Add one to config.toml under [mcp_servers.NAME].";
    const chosen = await vscode.window.showInformationMessage(said, ...ways);
    if (chosen) await vscode.commands.executeCommand("treadle.openConfig");
  }

  /** For the server of a row, or, from the palette, for one that is chosen. */
  private async act(node: unknown, title: string, act: (server: McpListServer) => Promise<void>, fits = isOn): Promise<void> {
    const named = this.servers.find((server) => server.name === (node as Node | undefined)?.name);
    if (named) return act(named);
    await this.refresh();
    const choices = this.servers
      .filter(fits)
      .map((server) => ({ label: server.name, description: serverRow(server).description, server }));
    if (!choices.length) return void vscode.window.showInformationMessage("No MCP server is configured for that.");
    const chosen = await vscode.window.showQuickPick(choices, { title });
    if (chosen) await act(chosen.server);
  }

  private async restart(name: string): Promise<void> {
    this.restarting.add(name);
    this.draw();
    try {
      await this.parts.sidecar.request("treadle/mcp/restart", { name, threadId: this.threadId });
    } finally {
      this.restarting.delete(name);
      await this.refresh();
      this.draw();
    }
  }

  private async log(name: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/MCP server ${name.replace(/[^\w.-]/g, "_")}.log`, query: name });
    const document = await vscode.workspace.openTextDocument(uri);
    this.logged.fire(uri);
    const editor = await vscode.window.showTextDocument(document, { preview: true });
    const end = document.lineAt(document.lineCount - 1).range;
    editor.revealRange(end);
  }

  private async login(name: string): Promise<void> {
    const { authorizationUrl } = await this.parts.sidecar.request("mcpServer/oauth/login", { name, threadId: this.threadId });
    if (!/^https?:\/\//i.test(authorizationUrl)) throw new Error(`${name} sends to an address that is none of the web's.`);
    await vscode.env.openExternal(vscode.Uri.parse(authorizationUrl, true));
  }

  private loggedIn(params: Record<string, unknown>): void {
    const name = String(params.name);
    const why = String(params.error ?? "it did not work.");
    if (params.success) void vscode.window.showInformationMessage(unlinked(`Treadle is logged in to ${name}.`));
    else void vscode.window.showErrorMessage(unlinked(`Treadle is not logged in to ${name}: ${why}`));
    void this.refresh();
  }

  private async reload(): Promise<void> {
    await this.parts.sidecar.request("config/mcpServer/reload", {});
    await this.refresh();
  }
}

function isServer(node: Node): node is McpListServer {
  return "tools" in node;
}

function isOn(server: McpListServer): boolean {
  return server.state !== "off";
}

function isHttp(server: McpListServer): boolean {
  return server.transport === "http" && isOn(server);
}

function toolItem({ server, name, description }: Tool): vscode.TreeItem {
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.None);
  item.id = `${server}/${name}`;
  item.iconPath = new vscode.ThemeIcon("tools");
  item.description = description.split("\n")[0];
  item.tooltip = new vscode.MarkdownString().appendText(description || name);
  item.contextValue = "tool";
  return item;
}
