/** Under which settings the thread's next turn runs. Pure. */
import type { ServerNotifications } from "../protocol";
import type { Reducers } from "../view";

export const settings: Reducers = {
  "thread/settings/updated": (view, params) => {
    const now = params.threadSettings as Partial<ServerNotifications["thread/settings/updated"]["threadSettings"]> | undefined;
    return {
      ...view,
      cwd: now?.cwd ?? view.cwd,
      model: now?.model ?? view.model,
      provider: now?.modelProvider ?? view.provider,
      effort: now?.effort ?? null,
      sandbox: now?.sandboxPolicy?.type ?? view.sandbox,
      approvalPolicy: typeof now?.approvalPolicy === "string" ? now.approvalPolicy : view.approvalPolicy,
      askBeforeEdits: now?.askBeforeEdits ?? view.askBeforeEdits,
    };
  },
};
