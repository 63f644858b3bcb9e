/** How a thread looks in a list: its sign, what stands beside and behind its name. Pure. */
import { ago, title } from "./titles";
import type { Thread } from "./wire";

export type Sign = "waiting" | "running" | "unread" | "shown" | "idle";

export interface Known {
  /** The thread that the panel shows. */
  shown: string | null;
  /** Questions of the shown thread wait for the user. */
  waiting: boolean;
  running: boolean;
  /** When the user last saw a thread, in seconds. */
  seen: Readonly<Record<string, number>>;
}

export function sign(thread: Thread, known: Known): Sign {
  const shown = thread.id === known.shown;
  const { status } = thread;
  const asks = status.type === "active" && status.activeFlags.length > 0;
  if (asks || (shown && known.waiting)) return "waiting";
  if (status.type === "active" || (shown && known.running)) return "running";
  const seen = known.seen[thread.id];
  if (!shown && seen !== undefined && thread.updatedAt > seen + 1) return "unread";
  return shown ? "shown" : "idle";
}

const spoken: Record<Sign, string> = {
  waiting: "waits for your answer",
  running: "is running",
  unread: "has news",
  shown: "is open",
  idle: "",
};

/** For screen readers: the whole row in words. */
export function spokenRow(thread: Thread, how: Sign, now: number): string {
  return [title(thread), spoken[how], ago(thread.updatedAt, now)].filter(Boolean).join(", ");
}

/** What stands beside the name: the age; and the folder where threads of several are listed. */
export function beside(thread: Thread, folders: boolean, now: number): string {
  const age = ago(thread.updatedAt, now);
  return folders ? `${folderName(thread.cwd)} · ${age}` : age;
}

export function folderName(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part) ?? path;
}

/** Lines of what is known of a thread: name and value. */
export function facts(thread: Thread, home: string | null, now: number): [string, string][] {
  const at = (seconds: number) => `${new Date(seconds * 1_000).toLocaleString()} (${ago(seconds, now)})`;
  const rows: [string, string | null][] = [
    ["Folder", home && thread.cwd.startsWith(`${home}/`) ? `~${thread.cwd.slice(home.length)}` : thread.cwd],
    ["Model", thread.model],
    ["Branch", thread.gitInfo?.branch ?? null],
    ["Begun", at(thread.createdAt)],
    ["Last used", at(thread.updatedAt)],
  ];
  return rows.filter((row): row is [string, string] => Boolean(row[1]));
}

const mostSeen = 500;

/** Remembers that the user has seen a thread; what was seen longest ago is forgotten first. */
export function withSeen(seen: Readonly<Record<string, number>>, id: string, at: number): Record<string, number> {
  const others = Object.entries(seen).filter(([one]) => one !== id);
  return Object.fromEntries([...others, [id, at] as const].slice(-mostSeen));
}
