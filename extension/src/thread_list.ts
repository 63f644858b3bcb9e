/**
 * A list of threads in pages, as long as the user has asked for: filled, gone on with, read anew, changed in one place. Pure but for
 * the question that it asks; whatever comes twice or late is dropped. It holds no more than was asked for.
 */
import type { Thread } from "./wire";

export interface Page {
  threads: Thread[];
  cursor: string | null;
}

/** Asks for a page; what is more than it wants may come, and less. */
export type Ask = (cursor: string | null, limit: number) => Promise<Page>;

export const pageSize = 50;
const longestPage = 100;
/** Reading anew more than this at once is not worth it: then the list begins from its first page again. */
const mostAnew = 300;

export class ThreadList {
  threads: Thread[] = [];
  cursor: string | null = null;
  read = false;
  private generation = 0;

  constructor(private readonly ask: Ask) {}

  /** Reads the list from its beginning, as far as it was read before. False when another reading has overtaken this one. */
  async refresh(): Promise<boolean> {
    this.generation += 1;
    const mine = this.generation;
    const wanted = this.threads.length > mostAnew ? pageSize : Math.max(pageSize, this.threads.length);
    let page = await this.ask(null, Math.min(wanted, longestPage));
    let threads = page.threads;
    while (mine === this.generation && page.cursor && threads.length < wanted) {
      page = await this.ask(page.cursor, Math.min(wanted - threads.length, longestPage));
      threads = [...threads, ...page.threads];
    }
    if (mine !== this.generation) return false;
    this.threads = unique(threads);
    this.cursor = page.cursor;
    this.read = true;
    return true;
  }

  async more(): Promise<boolean> {
    const { cursor, generation } = this;
    if (!cursor) return false;
    const page = await this.ask(cursor, pageSize);
    // Asked twice, or read anew meanwhile.
    if (generation !== this.generation || cursor !== this.cursor) return false;
    this.threads = unique([...this.threads, ...page.threads]);
    this.cursor = page.cursor;
    return true;
  }

  /** Changes one thread where it is; undefined when it is not in the list. */
  change(id: string, changes: Partial<Thread>): Thread | undefined {
    const at = this.threads.findIndex((thread) => thread.id === id);
    const thread = this.threads[at];
    if (!thread) return undefined;
    const changed = { ...thread, ...changes };
    this.threads = this.threads.with(at, changed);
    return changed;
  }

  remove(id: string): boolean {
    const left = this.threads.filter((thread) => thread.id !== id);
    const gone = left.length < this.threads.length;
    this.threads = left;
    return gone;
  }

  clear(): void {
    this.generation += 1;
    this.threads = [];
    this.cursor = null;
    this.read = false;
  }
}

/** A thread that moved while pages were read may be in two of them: the first place counts. */
function unique(threads: Thread[]): Thread[] {
  const seen = new Set<string>();
  return threads.filter(({ id }) => !seen.has(id) && seen.add(id));
}
