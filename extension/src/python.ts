/**
 * Finds a program that can be the sidecar and proves it by the handshake `--version --json`. It remembers why each candidate was
 * refused, so that the message a user gets names the reason. No `vscode` import.
 */
import { execFile } from "node:child_process";

export interface Launch {
  command: string;
  args: string[];
  env: Record<string, string>;
  version: string;
}

export interface Wanted {
  sidecarPath: string;
  interpreter: string;
  /** Where the sidecar's own package and its libraries are; goes to PYTHONPATH. */
  libraries: string;
  environment: Record<string, string>;
}

export class NoSidecar extends Error {}

const onPath = process.platform === "win32" ? ["python", "py"] : ["python3.13", "python3.12", "python3.11", "python3"];
const isolated = ["-P", "-X", "utf8", "-m", "treadle"];

type Answer = { version: string } | { reason: string };
export type Ask = (command: string, args: string[], env: Record<string, string>) => Promise<Answer>;

export async function findSidecar(wanted: Wanted, ask: Ask = askVersion): Promise<Launch> {
  if (wanted.sidecarPath) {
    const answer = await ask(wanted.sidecarPath, ["--version", "--json"], wanted.environment);
    if ("version" in answer) return { command: wanted.sidecarPath, args: [], env: wanted.environment, version: answer.version };
    throw new NoSidecar(`The program in treadle.sidecar.path does not answer as Treadle's sidecar: ${answer.reason}`);
  }
  const env = { ...wanted.environment, PYTHONPATH: wanted.libraries };
  const reasons: string[] = [];
  for (const command of wanted.interpreter ? [wanted.interpreter] : onPath) {
    const answer = await ask(command, [...isolated, "--version", "--json"], env);
    if ("version" in answer) return { command, args: isolated, env, version: answer.version };
    reasons.push(`${command}: ${answer.reason}`);
  }
  const what = wanted.interpreter
    ? "The Python in treadle.python.interpreter cannot run Treadle."
    : "Treadle needs Python 3.11 or newer and found none that works.";
  throw new NoSidecar(`${what} (${reasons.join("; ")})`);
}

const askVersion: Ask = (command, args, env) =>
  new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 20_000, maxBuffer: 64 * 1024, windowsHide: true };
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve(error ? { reason: reason(error, stderr) } : readVersion(stdout));
    });
  });

export function readVersion(stdout: string): Answer {
  try {
    const said: unknown = JSON.parse(stdout);
    if (said && typeof said === "object" && "version" in said) return { version: String(said.version) };
  } catch {
    // Falls through: whatever it printed is not our handshake.
  }
  return { reason: "its --version --json is not Treadle's" };
}

function reason(error: Error & { code?: unknown; killed?: boolean }, stderr: string): string {
  if (error.code === "ENOENT") return "not found";
  if (error.code === "EACCES") return "not executable";
  if (error.killed) return "no answer within 20 seconds";
  if (/Unknown option: -P/.test(stderr)) return "older than 3.11";
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return last.slice(0, 200) || "it failed without a word";
}
