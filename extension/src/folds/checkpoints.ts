/** What concerns going back: what was restored last, the earlier message that is being edited, a thread that another window holds. Pure. */
import type { Editing, Elsewhere, Reducers, RestoredView } from "../view";

export const checkpoints: Reducers = {
  "panel/restored": (view, params) => ({ ...view, restored: params.restored as RestoredView | null }),
  "panel/editing": (view, params) => ({ ...view, editing: params.editing as Editing | null }),
  "panel/elsewhere": (view, params) => ({ ...view, elsewhere: params.elsewhere as Elsewhere | null }),
};
