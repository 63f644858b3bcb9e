/**
 * The user's grants as a page shows them: by how far they reach, the nearest first; and how a change is taken back. What a grant means
 * and whether it may be stored is the sidecar's to say. Pure.
 */
import type { Grant, GrantChange, GrantScope } from "./wire";

/** Where the user is: what "this" means. */
export interface Here {
  threadId: string | null;
  folder: string | null;
}

export interface Section {
  key: string;
  title: string;
  /** What is in force here is open; the rest is there to be found. */
  here: boolean;
  grants: Grant[];
}

export function sections(grants: readonly Grant[], here: Here): Section[] {
  const found = new Map<string, Section>();
  const put = (key: string, title: string, near: boolean, grant: Grant) => {
    const section = found.get(key) ?? { key, title, here: near, grants: [] };
    found.set(key, { ...section, grants: [...section.grants, grant] });
  };
  for (const grant of [...grants].sort((a, b) => b.createdAtMs - a.createdAtMs)) {
    if (grant.scope === "always") put("2", "Everywhere", true, grant);
    else if (grant.scope === "workspace" && grant.workspace === here.folder) put("1", "This workspace", true, grant);
    else if (grant.scope === "workspace") put(`3 ${grant.workspace}`, grant.workspace ?? "Another workspace", false, grant);
    else if (here.threadId !== null && grant.threadId === here.threadId) put("0", "This thread", true, grant);
    else put("4", "Other threads", false, grant);
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

export const scopeNames: Record<GrantScope, string> = {
  thread: "This thread",
  workspace: "This workspace",
  always: "Everywhere",
};

/** The scopes that a grant may be given from here. */
export function scopesFrom(grant: Grant, here: Here): GrantScope[] {
  const scopes: GrantScope[] = [];
  if (grant.scope === "thread" || here.threadId) scopes.push("thread");
  if (grant.scope === "workspace" || here.folder) scopes.push("workspace");
  return [...scopes, "always"];
}

export function rescoped(grant: Grant, scope: GrantScope, here: Here): GrantChange {
  return {
    op: "change",
    id: grant.id,
    scope,
    // A yes to a command is one in a folder, in a thread as well.
    ...(scope !== "always" && { workspace: here.folder }),
    ...(scope === "thread" && { threadId: here.threadId }),
  };
}

export function retold(grant: Grant, text: string): GrantChange {
  return { op: "change", id: grant.id, subject: { ...grant.subject, text } };
}

export function revoked(grants: readonly Grant[]): GrantChange[] {
  return grants.map((grant) => ({ op: "remove", id: grant.id }));
}

/** What takes these changes back, given the grants as they were before. */
export function inverse(changes: readonly GrantChange[], before: readonly Grant[]): GrantChange[] {
  return changes.flatMap((change): GrantChange[] => {
    const grant = before.find((one) => one.id === change.id);
    if (!grant) return [];
    const { scope, subject, workspace, threadId } = grant;
    const whole = { scope, subject, workspace, threadId };
    return [change.op === "remove" ? { op: "add", ...whole } : { op: "change", id: grant.id, ...whole }];
  });
}

const kinds: Record<string, string> = {
  command: "Commands that begin with",
  exactCommand: "Exactly the command",
  files: "Edits of",
  mcp: "MCP tool",
  network: "Network host",
  degraded: "Less protection",
};

export function kindName({ subject }: Grant): string {
  if (subject.deny) return "Never the network host";
  if (subject.kind === "mcp" && subject.text.endsWith("/*")) return "All tools of the MCP server";
  return kinds[subject.kind] ?? subject.kind;
}
