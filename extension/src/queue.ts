/** The messages that wait while a turn runs: shown as the sidecar has them, and changed there. Nothing of it is kept here. */
import type { Feature, Parts } from "./parts";
import type { ViewEvent } from "./thread";
import type { Notification, UserInput } from "./wire";

export class Queue implements Feature {
  private asked = 0;
  private moving: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: Parts) {}

  readonly messages: Feature["messages"] = {
    queueEdit: ({ id, text }) => this.change((threadId) => this.edit(threadId, id, text)),
    queueDelete: ({ id }) =>
      this.change((threadId) => this.parts.sidecar.request("thread/queue/delete", { threadId, queuedSubmissionId: id })),
    queueMove: ({ id, by }) => this.change((threadId) => this.move(threadId, id, by)),
    queueSend: ({ id }) => this.change((threadId) => this.parts.sidecar.request("treadle/queue/promote", { threadId, id })),
  };

  notified({ method, params }: Notification): void {
    if (method === "thread/queue/changed" && params.threadId === this.parts.chat.view.id) void this.read();
  }

  followed(event: ViewEvent): void {
    if (event.method === "panel/opened") void this.read();
  }

  dispose(): void {}

  /** Of several answers under way only the last one asked for counts. */
  private async read(): Promise<void> {
    const { chat, sidecar, log } = this.parts;
    const threadId = chat.view.id;
    if (!threadId) return;
    this.asked += 1;
    const mine = this.asked;
    try {
      const { data } = await sidecar.request("thread/queue/list", { threadId, limit: 100 });
      const queue = data.map(({ id, input }) => ({ id, input }));
      if (mine === this.asked) chat.receive({ method: "panel/queue", params: { threadId, queue } });
    } catch (error) {
      log.warn(`thread/queue/list: ${error}`);
    }
  }

  private async change(act: (threadId: string) => Promise<unknown>): Promise<void> {
    const { chat } = this.parts;
    if (!chat.view.id) return;
    try {
      await act(chat.view.id);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      chat.notice("warning", `queue:${Date.now()}`, `The waiting message was not changed: ${why}`);
    }
    await this.read();
  }

  private edit(threadId: string, id: string, text: string): Promise<unknown> {
    const known = this.parts.chat.view.queue.find((queued) => queued.id === id);
    const input = withText(known?.input ?? [], text);
    return this.parts.sidecar.request("thread/queue/update", { threadId, queuedSubmissionId: id, input });
  }

  /** One after the other, each from where the one before has left them: clicks come faster than what they do is shown. */
  private move(threadId: string, id: string, by: number): Promise<unknown> {
    const { sidecar } = this.parts;
    const moving = this.moving.then(async () => {
      const { data } = await sidecar.request("thread/queue/list", { threadId, limit: 100 });
      const ids = data.map((queued) => queued.id);
      return sidecar.request("thread/queue/reorder", { threadId, queuedSubmissionIds: moved(ids, id, by) });
    });
    this.moving = moving.catch(() => undefined);
    return moving;
  }
}

/** Other words, and what came with them; marks of words that are gone go with them. */
export function withText(input: readonly UserInput[], text: string): UserInput[] {
  const [first, ...rest] = input;
  const kept = first?.type === "text" ? rest : [...input];
  return text.trim() ? [{ type: "text", text: text.trim(), text_elements: [] }, ...kept] : kept;
}

export function moved(ids: readonly string[], id: string, by: number): string[] {
  const from = ids.indexOf(id);
  if (from < 0) return [...ids];
  const others = ids.filter((other) => other !== id);
  const to = Math.max(0, Math.min(others.length, from + by));
  return [...others.slice(0, to), id, ...others.slice(to)];
}
