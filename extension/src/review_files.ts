/**
 * The files of the shown thread with changes that wait for keep or undo: listed when the sidecar says that they changed, one request at
 * a time, nothing when idle. An answer about a text that the user has typed on since is not drawn but asked again. No `vscode` import.
 */
import { type LineChange, type Mark, marksOf, moved } from "./review_marks";
import type { HunkFile, HunkListResponse } from "./wire";

export interface Reviewed {
  file: HunkFile;
  /** Where its changes are in the text of now. */
  marks: Mark[];
  /** The editor has the file open and shows another text yet: there are no places to draw or to go to. */
  ahead: boolean;
}

export interface Source {
  list(params: { threadId: string; path?: string }): Promise<HunkListResponse>;
  /** One name for one file, however it is written. */
  key(path: string): string;
  /** Of the open document of a file. */
  version(key: string): number | undefined;
  /** These files are to be drawn anew. */
  changed(keys: string[]): void;
  failed(error: unknown): void;
}

/** More are listed in one request. */
const mostAlone = 8;
/** Times that an answer may be about another text, before it is taken as it is. */
const mostTries = 5;

export class ReviewFiles {
  private readonly known = new Map<string, Reviewed>();
  private readonly tries = new Map<string, number>();
  private thread: string | null = null;
  private wanted: Set<string> | "all" | null = null;
  private running = false;

  constructor(private readonly source: Source) {}

  get threadId(): string | null {
    return this.thread;
  }

  get size(): number {
    return this.known.size;
  }

  all(): Reviewed[] {
    return [...this.known.values()].sort((a, b) => (a.file.path < b.file.path ? -1 : 1));
  }

  get(key: string): Reviewed | undefined {
    return this.known.get(key);
  }

  keys(): string[] {
    return [...this.known.keys()];
  }

  /** Another thread is shown, or the same one anew. */
  open(threadId: string | null): void {
    if (threadId !== this.thread) {
      const gone = this.keys();
      this.known.clear();
      this.thread = threadId;
      if (gone.length) this.source.changed(gone);
    }
    this.wanted = null;
    if (threadId) this.want();
  }

  /** These files may have other changes now; without paths all of them. */
  want(paths?: readonly string[]): void {
    if (!this.thread || this.wanted === "all") return;
    this.wanted = paths ? new Set([...(this.wanted ?? []), ...paths]) : "all";
    if (!this.running) void this.run();
  }

  /** The user typed: what is known moves along, until it is listed again. */
  typed(key: string, changes: readonly LineChange[]): void {
    const entry = this.known.get(key);
    if (entry && !entry.ahead) entry.marks = moved(entry.marks, changes);
  }

  private async run(): Promise<void> {
    this.running = true;
    try {
      while (this.wanted && this.thread) {
        const wanted = this.wanted;
        this.wanted = null;
        await this.listed(this.thread, wanted);
      }
    } finally {
      this.running = false;
    }
  }

  private async listed(threadId: string, wanted: Set<string> | "all"): Promise<void> {
    try {
      if (wanted === "all" || wanted.size > mostAlone) {
        const { files } = await this.source.list({ threadId });
        this.take(threadId, files, this.keys());
        return;
      }
      for (const path of wanted) {
        const { files } = await this.source.list({ threadId, path });
        this.take(threadId, files, [this.source.key(path)]);
      }
    } catch (error) {
      this.source.failed(error);
    }
  }

  private take(threadId: string, files: readonly HunkFile[], asked: readonly string[]): void {
    if (threadId !== this.thread) return;
    const changed = new Set(asked);
    const there = new Set<string>();
    for (const file of files) {
      const key = this.source.key(file.path);
      there.add(key);
      if (this.isOld(key, file)) continue;
      const ahead = file.version === null && this.source.version(key) !== undefined;
      // The file may have been opened after it was asked for: then nobody tells that it is there, so it is asked for once more.
      if (ahead && !this.known.get(key)?.ahead) this.want([file.path]);
      this.known.set(key, { file, marks: marksOf(file), ahead });
      changed.add(key);
    }
    for (const key of asked) if (!there.has(key)) this.known.delete(key);
    this.source.changed([...changed]);
  }

  /** The answer is about a text that is not the editor's any more. */
  private isOld(key: string, file: HunkFile): boolean {
    const version = this.source.version(key);
    const tries = this.tries.get(key) ?? 0;
    if (version === undefined || file.version === null || file.version === version || tries >= mostTries) {
      this.tries.delete(key);
      return false;
    }
    this.tries.set(key, tries + 1);
    this.want([file.path]);
    return true;
  }
}
