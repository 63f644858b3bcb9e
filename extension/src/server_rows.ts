/** How MCP servers stand, in words and icons, for a tree and for a status bar. Pure: no `vscode`. */
import type { McpListServer } from "./wire";

export interface ServerRow {
  /** A codicon, and the theme's colour for it. */
  icon: string;
  color?: string;
  /** Beside the name. */
  description: string;
  tooltip: string;
  /** For `when` clauses of menus. */
  context: string;
}

export function serverRow(server: McpListServer, restarting = false): ServerRow {
  const look = restarting ? { icon: "loading~spin", words: "restarting…" } : looks[server.state](server);
  const login = server.auth === "notLoggedIn" ? ["Log in to use it."] : [];
  const why = server.state === "failed" && server.error && !restarting ? [`Not connected: ${sentence(server.error)}`] : [];
  const again = !restarting && server.state === "failed" && server.retryIn !== null ? ["It is started again by itself."] : [];
  const required = server.required ? ["Required: without it no turn runs."] : [];
  const tools = server.seen ? [`${count(server.tools.length)} offered.`] : ["Its tools are not known yet."];
  const where = server.transport === "http" ? server.address : `${server.address}, a program on this machine`;
  const all = [where, ...why, ...again, ...login, ...required, ...(server.state === "off" ? [] : tools)];
  return {
    icon: look.icon,
    ...(look.color ? { color: look.color } : {}),
    description: look.words,
    tooltip: all.filter(Boolean).join("\n\n"),
    context: ["server", server.state, ...(server.transport === "http" ? ["http"] : []), ...(login.length ? ["login"] : [])].join(
      " ",
    ),
  };
}

interface Look {
  icon: string;
  color?: string;
  words: string;
}

const looks: Record<McpListServer["state"], (server: McpListServer) => Look> = {
  off: () => ({ icon: "circle-slash", color: "disabledForeground", words: "turned off" }),
  notStarted: () => ({ icon: "circle-large-outline", words: "starts with the thread" }),
  starting: () => ({ icon: "loading~spin", words: "starting…" }),
  ready: ({ tools }) => ({ icon: "pass-filled", color: "testing.iconPassed", words: count(tools.length) }),
  failed: ({ auth, error }) =>
    auth === "notLoggedIn"
      ? { icon: "lock", color: "list.warningForeground", words: "log in" }
      : { icon: "error", color: "list.errorForeground", words: sentence(error ?? "not connected") },
};

/** Those without which no turn runs, and which are not there. */
export function missing(servers: readonly McpListServer[]): McpListServer[] {
  return servers.filter((server) => server.required && server.state === "failed");
}

function count(tools: number): string {
  return tools === 1 ? "1 tool" : `${tools} tools`;
}

function sentence(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
