/** What the user sent before, for the arrow keys: the newest last, each once, bounded. Pure. */

const mostEntries = 100;
const mostLength = 20_000;

/** Long pastes are not kept: they would crowd out a hundred others. */
export function remembered(history: readonly string[], text: string): string[] {
  const words = text.trim();
  if (!words || words.length > mostLength) return [...history];
  return [...history.filter((known) => known !== words), words].slice(-mostEntries);
}

/** Walks back and forth. What was being written is the newest entry, and is there again at the end of the way. */
export class HistoryWalk {
  private at: number;

  constructor(
    private readonly entries: readonly string[],
    private readonly written: string,
  ) {
    this.at = entries.length;
  }

  /** The entry before, or null at the oldest. */
  back(): string | null {
    if (this.at === 0) return null;
    this.at -= 1;
    return this.entries[this.at] ?? null;
  }

  /** The entry after; after the newest what was being written; null beyond it. */
  forth(): string | null {
    if (this.at >= this.entries.length) return null;
    this.at += 1;
    return this.entries[this.at] ?? this.written;
  }
}
