/** Questions that wait for the user, and how they ended. Pure. */
import { type Asked, located, type Outcome } from "../asked";
import type { Reducers, ThreadView } from "../view";

export const asks: Reducers = {
  "panel/asked": (view, params) => asked(view, params as unknown as Asked),
  "panel/answered": (view, params) => answered(view, params as unknown as { id: string; outcome: Outcome }),
};

function asked(view: ThreadView, question: Asked): ThreadView {
  const others = view.asked.filter((one) => one.id !== question.id);
  return { ...view, asked: [...others, located(question, view.turns.at(-1)?.items ?? [])] };
}

function answered(view: ThreadView, { id, outcome }: { id: string; outcome: Outcome }): ThreadView {
  const question = view.asked.find((asked) => asked.id === id);
  if (!question) return view;
  const at = question.itemId ?? question.turnId ?? "";
  const outcomes = { ...view.outcomes, [at]: [...(view.outcomes[at] ?? []), outcome] };
  return { ...view, asked: view.asked.filter((asked) => asked.id !== id), outcomes };
}
