/** Asks the sidecar whether a text could be stored as a rule. The sidecar decides; a check that could not be made refuses nothing here. */
import type { Requests } from "./chat";
import { said } from "./chat";
import type { Subject } from "./wire";

/** A sentence, or null when the rule can be stored. */
export async function checkRule(
  sidecar: Requests,
  rule: Subject,
  threadId: string | null,
  log: { warn(message: string): void },
): Promise<string | null> {
  try {
    return (await sidecar.request("treadle/rules/check", { rule, threadId })).problem;
  } catch (error) {
    log.warn(`treadle/rules/check: ${said(error)}`);
    return null;
  }
}
