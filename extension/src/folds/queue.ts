/** Messages that wait for the running turn to end. The sidecar keeps them; here is what it said last. Pure. */
import type { QueuedView, Reducers } from "../view";

export const queue: Reducers = {
  "panel/queue": (view, params) => (params.threadId === view.id ? { ...view, queue: params.queue as QueuedView[] } : view),
  "panel/waits": (view, params) => ({
    ...view,
    unconfirmed: view.unconfirmed.filter((sent) => sent.clientId !== params.clientId),
  }),
};
