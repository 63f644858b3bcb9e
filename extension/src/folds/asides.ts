/** What the agent was told on the way, as lines of the turn that runs. Pure. */
import { problemsAside } from "../asides";
import type { Reducers } from "../view";
import { updateTurn } from "./turns";

export const asides: Reducers = {
  "treadle/diagnostics/told": (view, params) => {
    const item = problemsAside(params);
    if (!item) return view;
    return updateTurn(view, params.turnId, (turn) =>
      turn.items.some((entry) => entry.item.id === item.id) ? turn : { ...turn, items: [...turn.items, { item, done: true }] },
    );
  },
};
