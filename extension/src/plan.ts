/** The model's plan as the panel shows it: replaced as a whole, each time it changes. A state that is not known counts as pending. Pure. */
import type { TurnPlanStep } from "./wire";

export interface PlanView {
  turnId: string;
  explanation?: string;
  steps: TurnPlanStep[];
}

/** Null when there is nothing to show. */
export function planView(params: Record<string, unknown>): PlanView | null {
  const steps = Array.isArray(params.plan) ? (params.plan as Partial<TurnPlanStep>[]) : [];
  if (!steps.length) return null;
  return {
    turnId: String(params.turnId),
    explanation: (params.explanation as string | null | undefined) || undefined,
    steps: steps.map(({ step, status }) => ({
      step: String(step ?? ""),
      status: states.find((state) => state === status) ?? "pending",
    })),
  };
}

const states = ["pending", "inProgress", "completed"] as const;

export function completed(plan: PlanView): number {
  return plan.steps.filter((step) => step.status === "completed").length;
}

export function isComplete(plan: PlanView): boolean {
  return completed(plan) === plan.steps.length;
}

/** The step that is under way, else the first one that waits. */
export function current(plan: PlanView): TurnPlanStep | undefined {
  return plan.steps.find((step) => step.status === "inProgress") ?? plan.steps.find((step) => step.status === "pending");
}
