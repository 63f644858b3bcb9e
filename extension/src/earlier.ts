/**
 * What of the shown thread is not loaded: earlier turns, a page at a time, and where words occur in them. The panel asks; what comes
 * is an event of the view, so that host and webview hold the same.
 */
import { pageOfTurns } from "./folds/paging";
import type { Asks } from "./messages";
import type { Feature, Parts } from "./parts";

/** Pages that a search may load, until it says that the place is too far back. */
const mostPages = 40;
const mostPlaces = 200;

export class Earlier implements Feature {
  constructor(private readonly parts: Pick<Parts, "chat" | "sidecar">) {}

  readonly answers: Feature["answers"] = {
    earlier: ({ until }) => this.load(until),
    occurrences: ({ term }) => this.occurrences(term),
  };

  dispose(): void {}

  /** One page, or as many as it takes to have a turn; true when it is there, or when there was a page. */
  private async load(until?: string): Promise<boolean> {
    const { chat } = this.parts;
    const { id } = chat.view;
    const there = () => chat.view.turns.some((turn) => turn.id === until);
    for (let pages = 0; pages < mostPages && !(until && there()); pages += 1) {
      if (!(await this.page()) || chat.view.id !== id) return false;
      if (!until) return true;
    }
    return until === undefined || there();
  }

  private async page(): Promise<boolean> {
    const { chat, sidecar } = this.parts;
    const { id, turns, earlier } = chat.view;
    const before = turns[0]?.id;
    if (!id || !before || !earlier) return false;
    const params = { threadId: id, cursor: `after:${before}`, limit: pageOfTurns, itemsView: "full" as const };
    const page = await sidecar.request("thread/turns/list", params);
    chat.receive({ method: "panel/earlier", params: { before, turns: page.data.toReversed(), more: page.nextCursor != null } });
    return true;
  }

  /** Places in turns that are not loaded, the nearest first. */
  private async occurrences(term: string): Promise<Asks["occurrences"]["result"]> {
    const { chat, sidecar } = this.parts;
    const { id, earlier } = chat.view;
    if (!id || !earlier || !term) return { places: [], more: false };
    const found = await sidecar.request("thread/searchOccurrences", { threadId: id, searchTerm: term, limit: mostPlaces });
    if (chat.view.id !== id) return { places: [], more: false };
    const loaded = new Set(chat.view.turns.map((turn) => turn.id));
    const places = found.data.filter((place) => !loaded.has(place.turnId)).map(({ turnId, itemId }) => ({ turnId, itemId }));
    return { places, more: found.nextCursor != null };
  }
}
