/** What the agent has changed and the user has neither kept nor undone. Pure. */
import type { ReviewFile } from "../review_view";
import type { Reducers } from "../view";

export const review: Reducers = {
  "panel/review": (view, params) => {
    const { threadId, files } = params as { threadId: string; files: ReviewFile[] };
    return threadId === view.id ? { ...view, review: files } : view;
  },
};
