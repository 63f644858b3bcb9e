/** Short forms of numbers, times and paths for people. Pure. */

export function tokens(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 99_950) return `${(count / 1_000).toFixed(1).replace(/\.0$/, "")}k`;
  return `${Math.round(count / 1_000)}k`;
}

export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A path as a person would say it: relative to the folder, or with ~ for the home folder. */
export function shortPath(path: string, folder: string | null, home: string | null): string {
  if (folder && path === folder) return ".";
  for (const separator of ["/", "\\"]) {
    if (folder && path.startsWith(folder + separator)) return path.slice(folder.length + 1);
    if (home && path.startsWith(home + separator)) return `~${path.slice(home.length)}`;
  }
  return path;
}

export function baseName(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part) ?? path;
}

const sandboxes: Record<string, string> = {
  readOnly: "Read-only",
  "read-only": "Read-only",
  workspaceWrite: "Workspace",
  "workspace-write": "Workspace",
  dangerFullAccess: "Full access",
  "danger-full-access": "Full access",
  externalSandbox: "External",
};

const sandboxMeanings: Record<string, string> = {
  "Read-only": "Sandbox: commands may read files; no writing, no network",
  Workspace: "Sandbox: commands may write inside the workspace; no network",
  "Full access": "No sandbox: commands may do anything that you may do",
  External: "The sandbox is the machine's own",
};

export function sandboxName(mode: string): string {
  return sandboxes[mode] ?? mode;
}

export function sandboxMeaning(mode: string): string {
  return sandboxMeanings[sandboxName(mode)] ?? "What the agent's commands may touch";
}

export function ago(seconds: number, now: number): string {
  const minutes = Math.max(0, Math.round((now / 1_000 - seconds) / 60));
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 60 / 24)} days ago`;
}
