/** How threads are called and how long ago they were. A thread is never called by its id. Pure. */
import { firstLine, words } from "./said";
import type { ThreadView } from "./thread";
import type { Thread } from "./wire";

const longest = 80;

/** The thread's name, or the first line of what was asked. */
export function title(thread: Pick<Thread, "name" | "preview">): string {
  return short(thread.name || thread.preview) || "Untitled thread";
}

/** Of the thread that the panel shows; undefined where nothing was said yet. */
export function shownTitle(view: Pick<ThreadView, "name" | "preview" | "turns">): string | undefined {
  return short(view.name || view.preview || firstWords(view)) || undefined;
}

function firstWords({ turns }: Pick<ThreadView, "turns">): string {
  const said = turns[0]?.items.find(({ item }) => item.type === "userMessage")?.item;
  return said?.type === "userMessage" ? words(said.content) : "";
}

function short(text: string | null): string {
  return firstLine(text ?? "", longest);
}

/** A thread's name as that of a file, in any file system. */
export function fileName(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return plain.slice(0, 60).replace(/-+$/, "").toLowerCase() || "thread";
}

export function ago(seconds: number, now: number): string {
  const minutes = Math.max(0, Math.round(now / 60_000 - seconds / 60));
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h ago`;
  if (minutes < 60 * 24 * 60) return `${Math.round(minutes / 60 / 24)} days ago`;
  return new Date(seconds * 1_000).toLocaleDateString();
}
