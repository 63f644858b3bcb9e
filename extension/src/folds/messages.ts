/** What the user has written: on its way, not read by anybody, taken back. No word is lost. Pure. */
import { emptyView, type Reducers, type Sent, type ThreadView, type Unsent } from "../view";
import type { Turn } from "../wire";

const anotherThread = "Another thread was opened before it was sent.";

export const messages: Reducers = {
  "panel/closed": (view) => ({
    ...emptyView,
    notices: view.notices,
    dismissed: view.dismissed,
    unsent: givenUp(view, anotherThread),
  }),
  "panel/sent": (view, params) => ({ ...view, unconfirmed: [...view.unconfirmed, params as unknown as Sent] }),
  "panel/unsent": (view, params) => unsent(view, params as unknown as Unsent),
  "panel/takenBack": (view, params) => ({ ...view, unsent: without(view.unsent, params as unknown as Sent) }),
};

/** A failure may be told when the message has long been given up, or sent anew: only the first word counts. */
function unsent(view: ThreadView, message: Unsent): ThreadView {
  const unconfirmed = without(view.unconfirmed, message);
  if (unconfirmed.length === view.unconfirmed.length) return view;
  return { ...view, unconfirmed, unsent: [...view.unsent, message] };
}

export function givenUp(view: ThreadView, reason: string): Unsent[] {
  return [...view.unsent, ...view.unconfirmed.map((sent) => ({ ...sent, reason }))];
}

function without<T extends Sent>(messages: T[], { clientId }: Pick<Sent, "clientId">): T[] {
  return messages.filter((sent) => sent.clientId !== clientId);
}

/** The sidecar may have read a message and died before it could say so: then it is in the thread that is read anew. */
export function read(turns: Turn[], sent: Sent): boolean {
  return turns.some((turn) => turn.items?.some((item) => item.type === "userMessage" && item.clientId === sent.clientId));
}

export function withoutSent(view: ThreadView, clientId: unknown): ThreadView {
  if (!view.unconfirmed.length) return view;
  const named = view.unconfirmed.some((sent) => sent.clientId === clientId);
  const unconfirmed = named ? view.unconfirmed.filter((sent) => sent.clientId !== clientId) : view.unconfirmed.slice(1);
  return { ...view, unconfirmed };
}
