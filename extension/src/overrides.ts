/**
 * Which settings of VS Code stand for which keys of config.toml, and which of them a user has set. Only those are ever sent: what nobody
 * wrote is for the file to say. Pure.
 */

/** What VS Code tells of a setting. */
interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

export interface Inspects {
  inspect(name: string): Inspected | undefined;
}

/** What a setting is called in config.toml. A test holds this list, package.json and the schema of config.toml together. */
export const inConfig: Record<string, string> = {
  model: "model",
  modelProvider: "model_provider",
  reasoningEffort: "model_reasoning_effort",
  reasoningSummary: "model_reasoning_summary",
  verbosity: "model_verbosity",
  approvalPolicy: "approval_policy",
  askBeforeEdits: "ask_before_edits",
  sandboxMode: "sandbox_mode",
  "sandbox.networkAccess": "sandbox_workspace_write.network_access",
  "sandbox.writableRoots": "sandbox_workspace_write.writable_roots",
  "instructions.maxBytes": "project_doc_max_bytes",
  "instructions.fallbackFilenames": "project_doc_fallback_filenames",
  webSearch: "web_search",
  "mcp.enabled": "treadle.mcp_enabled",
  "hooks.enabled": "treadle.hooks_enabled",
  threadTitles: "treadle.titles",
  "checkpoints.enabled": "treadle.checkpoints.enabled",
  "checkpoints.ignore": "treadle.checkpoints.ignore",
  "localModel.path": "local.model_path",
  "localModel.size": "local.size",
  "localModel.context": "local.context",
  "localModel.threads": "local.threads",
};

/** The same for what no single thread can say: it is told to the sidecar when it starts. */
export const inConfigOfProcess: Record<string, string> = {
  "history.maxAgeDays": "treadle.history.max_age_days",
  "history.maxMegabytes": "treadle.history.max_mb",
};

export function said(from: Inspects, names: Record<string, string>, trusted: boolean): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(names)) {
    const value = explicit(from, name, trusted);
    if (value !== undefined) found[key] = value;
  }
  return found;
}

/** What a user wrote; undefined for what nobody wrote, and for a word that means "as config.toml says". */
export function explicit(from: Inspects, name: string, trusted: boolean): unknown {
  const found = from.inspect(name);
  const value = (trusted ? (found?.workspaceFolderValue ?? found?.workspaceValue) : undefined) ?? found?.globalValue;
  const nothing = value === undefined || value === null || value === "default" || (typeof value === "string" && !value.trim());
  return nothing ? undefined : typeof value === "string" ? value.trim() : value;
}

/** The same settings without those that were said before and are not said any more: null is "as config.toml says". */
export function withTakenBack(now: Record<string, unknown>, before: Record<string, unknown>): Record<string, unknown> {
  const gone = Object.keys(before).filter((key) => !(key in now));
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...now };
}
