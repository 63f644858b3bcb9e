/**
 * Finds a program that can be the sidecar and proves it by the handshake `--version --json`. It remembers why each candidate was
 * refused, so that the message a user gets names the reason. No `vscode` import.
 */
import { execFile } from "node:child_process";
import { accessSync, constants, readlinkSync, realpathSync } from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

export interface Launch {
  command: string;
  args: string[];
  env: Record<string, string>;
  version: string;
}

export interface Wanted {
  sidecarPath: string;
  interpreter: string;
  /** Where the sidecar's own package and its libraries are; goes to PYTHONPATH. Null: none came with this extension. */
  libraries: string | null;
  /** The libraries are complete: what else is installed in the interpreter is kept out. */
  isolated: boolean;
  environment: Record<string, string>;
  /** What the Python extensions say is chosen, in the order of who is asked first. */
  chosen: Candidate[];
  /** Folders that the agent may write: a program in them is not one to be started with all rights, unless the user names it. */
  writable: string[];
}

/** A program that runs Python, and who named it. */
export interface Candidate {
  command: string;
  args?: string[];
  from: string;
}

export class NoSidecar extends Error {}

/** There is no Python that could run it: more than a setting is needed. */
export class NoPython extends NoSidecar {}

const onPath = process.platform === "win32" ? ["python", "py"] : ["python3.13", "python3.12", "python3.11", "python3"];
const oldest = "3.11";
const module = ["-X", "utf8", "-m", "treadle"];
/** Without -P a file of the workspace could stand in for one of ours; without -S whatever is installed could. */
const alone = ["-S", "-P", ...module];
const shared = ["-P", ...module];

const mostLinks = 80;

type Answer = { version: string } | { reason: string };
export type Ask = (command: string, args: string[], env: Record<string, string>) => Promise<Answer>;
/** What a program prints; null: it is not there, or fails. */
export type Run = (command: string, args: string[]) => Promise<string | null>;

export async function findSidecar(wanted: Wanted, ask: Ask = askVersion, run: Run = printed): Promise<Launch> {
  if (wanted.sidecarPath) {
    const answer = await ask(wanted.sidecarPath, ["--version", "--json"], wanted.environment);
    if ("version" in answer) return { command: wanted.sidecarPath, args: [], env: wanted.environment, version: answer.version };
    throw new NoSidecar(`The program in treadle.sidecar.path does not answer as Treadle's sidecar: ${answer.reason}`);
  }
  const reasons: string[] = [];
  for await (const candidate of candidates(wanted, run, reasons)) {
    const launch = await tried(candidate, wanted, ask, reasons);
    if (launch) return launch;
  }
  const own = wanted.libraries
    ? ""
    : " This extension comes without libraries for this system: install the sidecar there with pip install treadle.";
  if (wanted.interpreter) {
    throw new NoSidecar(`The Python in treadle.python.interpreter cannot run Treadle.${own} (${reasons.join("; ")})`);
  }
  throw new NoPython(`Treadle needs Python ${oldest} or newer and found none that works.${own} (${reasons.join("; ")})`);
}

/** Who may run it, the user's own word first; each is looked for only when those before it did not do. */
async function* candidates(wanted: Wanted, run: Run, reasons: string[]): AsyncGenerator<Candidate> {
  if (wanted.interpreter) {
    yield { command: wanted.interpreter, from: "treadle.python.interpreter" };
    return;
  }
  for (const candidate of wanted.chosen) {
    if (within(candidate.command, wanted.writable)) reasons.push(`${candidate.command}: it lies where the agent can change it`);
    else yield candidate;
  }
  const uv = trusted("uv", wanted.writable, reasons);
  const found = uv && (await run(uv, ["python", "find", "--no-project", `>=${oldest}`]))?.trim().split("\n").at(-1);
  if (found && within(found, wanted.writable)) reasons.push(`${found}: it lies where the agent can change it`);
  else if (found) yield { command: found, from: "uv" };
  for (const name of onPath) {
    const command = trusted(name, wanted.writable, reasons);
    if (command) yield { command, from: "PATH" };
  }
  // uv fetches a Python where there is none: the last resort, for it may take a while
  if (uv && (await run(uv, ["--version"]))) {
    yield { command: uv, args: ["run", "--no-project", "--no-config", "--python", oldest, "python"], from: "uv" };
  }
}

/**
 * The program of this name that the PATH leads to, passing over those that the agent can change: VS Code may have been started where an
 * environment of the workspace is active. The name itself where it leads to no such one; null where all are.
 */
export function trusted(
  name: string,
  writable: readonly string[],
  reasons: string[],
  path = process.env.PATH ?? "",
): string | null {
  if (process.platform === "win32") return name;
  const there = path
    .split(delimiter)
    .flatMap((folder) => (isAbsolute(folder) && runs(join(folder, name)) ? [join(folder, name)] : []));
  const good = there.find((program) => !within(program, writable));
  if (good === there[0]) return path.split(delimiter).every(isAbsolute) ? name : (good ?? name);
  reasons.push(`${there[0]}: it lies where the agent can change it`);
  return good ?? null;
}

function runs(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** With the libraries that came with the extension; where they do not fit, with a treadle that is installed there. */
async function tried(candidate: Candidate, wanted: Wanted, ask: Ask, reasons: string[]): Promise<Launch | null> {
  const { command, args: before = [] } = candidate;
  const ways: [args: string[], env: Record<string, string>][] = [];
  if (wanted.libraries) ways.push([wanted.isolated ? alone : shared, { ...wanted.environment, PYTHONPATH: wanted.libraries }]);
  if (!wanted.libraries || wanted.isolated) ways.push([shared, { PYTHONPATH: "", ...wanted.environment }]);
  let why = "";
  for (const [args, env] of ways) {
    const answer = await ask(command, [...before, ...args, "--version", "--json"], env);
    if ("version" in answer) return { command, args: [...before, ...args], env, version: answer.version };
    why ||= answer.reason;
    // an interpreter that is not there, or too old, is not asked twice
    if (!/module|librar/i.test(answer.reason)) break;
  }
  reasons.push(`${[command, ...before].join(" ")}: ${why}`);
  return null;
}

/**
 * Whether a program lies in one of these folders, by its name or by where links on the way to it lead: a link can be set anew by whoever
 * may write where it lies, and a program by whoever may write where that lies. A name without a folder is looked up on the PATH.
 */
export function within(command: string, folders: readonly string[]): boolean {
  if (!isAbsolute(command)) return false;
  const places = [real(command)];
  for (let at: string | null = join(command); at && places.length < mostLinks; at = target(at)) {
    places.push(at, join(real(dirname(at)), basename(at)));
  }
  return folders.some((folder) => [join(folder), real(folder)].some((root) => places.some((place) => below(root, place))));
}

function below(root: string, place: string): boolean {
  const way = relative(root, place);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function target(path: string): string | null {
  try {
    return resolve(real(dirname(path)), readlinkSync(path));
  } catch {
    return null;
  }
}

/** Where the path leads; the path itself where it leads nowhere. */
function real(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** A Python that is fetched on the way has minutes; one that is there answers at once. */
const askVersion: Ask = (command, args, env) =>
  new Promise((resolve) => {
    const timeout = args.includes("run") ? 180_000 : 20_000;
    const options = { env: { ...process.env, ...env }, timeout, maxBuffer: 64 * 1024, windowsHide: true };
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve(error ? { reason: reason(error, stderr) } : readVersion(stdout));
    });
  });

const printed: Run = (command, args) =>
  new Promise((resolve) => {
    execFile(command, args, { timeout: 20_000, maxBuffer: 64 * 1024, windowsHide: true }, (error, stdout) => {
      resolve(error ? null : stdout);
    });
  });

export function readVersion(stdout: string): Answer {
  try {
    const said: unknown = JSON.parse(stdout);
    if (said && typeof said === "object" && "version" in said) {
      return "problem" in said && said.problem ? { reason: String(said.problem) } : { version: String(said.version) };
    }
  } catch {
    // Falls through: whatever it printed is not our handshake.
  }
  return { reason: "its --version --json is not Treadle's" };
}

function reason(error: Error & { code?: unknown; killed?: boolean }, stderr: string): string {
  if (error.code === "ENOENT") return "not found";
  if (error.code === "EACCES") return "not executable";
  if (error.killed) return "no answer in time";
  if (/Unknown option: -P/.test(stderr)) return "older than 3.11";
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return last.slice(0, 200) || "it failed without a word";
}
