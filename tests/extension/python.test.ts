// Which Python runs the sidecar, and why one is refused.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Backoff } from "@src/backoff";
import { type Ask, findSidecar, NoPython, type Run, readVersion, trusted, type Wanted, within } from "@src/python";

const wanted: Wanted = {
  sidecarPath: "",
  interpreter: "",
  libraries: "/ext/bundled/libs",
  isolated: true,
  environment: { CODEX_HOME: "/c" },
  chosen: [],
  writable: ["/home/ada/space"],
};
const noUv: Run = async () => null;
const only =
  (good: string): Ask =>
  async (command) =>
    command === good ? { version: "0.1.0" } : { reason: "not found" };

describe("finding the sidecar", () => {
  test("takes the first Python that answers, isolated from the workspace", async () => {
    const found = await findSidecar(wanted, only("python3"), noUv);
    expect(found).toEqual({
      command: "python3",
      args: ["-S", "-P", "-X", "utf8", "-m", "treadle"],
      env: { CODEX_HOME: "/c", PYTHONPATH: "/ext/bundled/libs" },
      version: "0.1.0",
    });
  });

  test("takes the program of the setting and no other", async () => {
    const found = await findSidecar({ ...wanted, sidecarPath: "/bin/treadle" }, only("/bin/treadle"));
    expect(found).toMatchObject({ command: "/bin/treadle", args: [], env: { CODEX_HOME: "/c" } });
    await expect(findSidecar({ ...wanted, sidecarPath: "/bin/ls" }, only("python3"))).rejects.toThrow(/treadle\.sidecar\.path/);
  });

  test("says of each candidate why it was refused", async () => {
    const ask: Ask = async (command) => ({ reason: command === "python3" ? "older than 3.11" : "not found" });
    await expect(findSidecar(wanted, ask, noUv)).rejects.toThrow(/Python 3\.11 or newer.*python3: older than 3\.11/);
  });

  const chosen = [{ command: "/opt/env/bin/python", from: "ms-python.python" }];

  test("asks the Python extension first, then uv, then the PATH, and fetches one only when none is there", async () => {
    const asked: string[] = [];
    const ask: Ask = async (command, args) => {
      asked.push(`${command} ${args[0]}`);
      return { reason: "older than 3.11" };
    };
    const uv: Run = async (_, args) => (args[0] === "python" ? "/uv/python3.12\n" : "uv 0.13");
    await expect(findSidecar({ ...wanted, chosen }, ask, uv)).rejects.toBeInstanceOf(NoPython);
    expect(asked).toEqual([
      "/opt/env/bin/python -S",
      "/uv/python3.12 -S",
      "python3.13 -S",
      "python3.12 -S",
      "python3.11 -S",
      "python3 -S",
      "uv run",
    ]);
  });

  test("does not take an interpreter that lies where the agent can change it, unless the user names it", async () => {
    const inside = [{ command: "/home/ada/space/.venv/bin/python", from: "ms-python.python" }];
    const found = await findSidecar({ ...wanted, chosen: inside }, only("python3"), noUv);
    expect(found.command).toBe("python3");
    const named = { ...wanted, interpreter: "/home/ada/space/.venv/bin/python" };
    expect((await findSidecar(named, only(named.interpreter), noUv)).command).toBe(named.interpreter);
  });

  test.each([
    ["/home/ada/space/bin/python", true],
    ["/home/ada/space/../other/python", false],
    ["/home/ada/spaceship/python", false],
    ["python3", false],
  ])("says of %s whether it lies in the workspace", (command, inside) => {
    expect(within(command, ["/home/ada/space"])).toBe(inside);
  });

  test("passes over what the PATH leads to in the workspace", async () => {
    const base = realpathSync(mkdtempSync(join(tmpdir(), "treadle-path-")));
    try {
      const [space, other] = [join(base, "space"), join(base, "other")] as const;
      for (const folder of [space, other]) {
        mkdirSync(folder);
        writeFileSync(join(folder, "python3"), "", { mode: 0o755 });
      }
      const reasons: string[] = [];
      expect(trusted("python3", [space], reasons, `${other}:${space}`)).toBe("python3");
      expect(reasons).toEqual([]);
      expect(trusted("python3", [space], reasons, `${space}:.:${other}`)).toBe(join(other, "python3"));
      expect(trusted("python3", [space], reasons, space)).toBeNull();
      expect(reasons).toHaveLength(2);
      expect(trusted("uv", [space], reasons, `${space}:${other}`)).toBe("uv");
    } finally {
      rmSync(base, { recursive: true });
    }
  });

  test("follows links: a program of the workspace is not taken for one from elsewhere, nor the other way round", () => {
    const base = realpathSync(mkdtempSync(join(tmpdir(), "treadle-links-")));
    try {
      const [space, other] = [join(base, "space"), join(base, "other")] as const;
      for (const folder of [join(space, "bin"), join(other, "bin")]) mkdirSync(folder, { recursive: true });
      for (const program of [join(space, "bin", "python"), join(other, "bin", "python")]) writeFileSync(program, "");
      symlinkSync(join(space, "bin", "python"), join(other, "to-inside"));
      symlinkSync(join(space, "bin"), join(other, "folder-inside"));
      symlinkSync(join(other, "bin", "python"), join(space, "to-outside"));
      symlinkSync(space, join(base, "name"));
      symlinkSync(join(space, "to-outside"), join(other, "through"));
      const said = (path: string, root = space) => within(path, [root]);
      expect(said(join(other, "bin", "python"))).toBe(false);
      expect(said(join(other, "to-inside"))).toBe(true);
      expect(said(join(other, "folder-inside", "python"))).toBe(true);
      expect(said(join(space, "to-outside"))).toBe(true);
      expect(said(join(other, "through"))).toBe(true);
      expect(said(join(space, "bin", "python"), join(base, "name"))).toBe(true);
      expect(said(join(base, "name", "bin", "python"))).toBe(true);
    } finally {
      rmSync(base, { recursive: true });
    }
  });

  test("takes a treadle that is installed where the libraries of the extension do not fit, or are not there", async () => {
    const ask: Ask = async (_, args, env) =>
      env.PYTHONPATH ? { reason: "the libraries beside it do not fit Python 3.15" } : { version: args.includes("-S") ? "no" : "0.2" };
    const found = await findSidecar({ ...wanted, interpreter: "/usr/bin/python3.15" }, ask, noUv);
    expect(found).toMatchObject({ version: "0.2", args: ["-P", "-X", "utf8", "-m", "treadle"], env: { PYTHONPATH: "" } });
    const refusing: Ask = async () => ({ reason: "No module named treadle" });
    await expect(findSidecar({ ...wanted, libraries: null }, refusing, noUv)).rejects.toThrow(/pip install treadle/);
  });

  test("believes an interpreter that says why it cannot serve", () => {
    expect(readVersion('{"version": "1", "problem": "no pydantic_core"}')).toEqual({ reason: "no pydantic_core" });
    expect(readVersion('{"version": "1", "problem": null}')).toEqual({ version: "1" });
  });

  test.each(["", "Python 3.11.2", "[]", '{"name": "other"}', "null"])("does not take %j for the handshake", (said) => {
    expect(readVersion(said)).toHaveProperty("reason");
  });
});

describe("starting again", () => {
  test("waits longer each time and gives up after five crashes", () => {
    const backoff = new Backoff();
    const delays = Array.from({ length: 6 }, () => backoff.crashed(0));
    expect(delays.slice(0, 5).every((delay, index, all) => delay !== null && (index === 0 || delay > (all[index - 1] ?? 0)))).toBe(true);
    expect(delays[5]).toBeNull();
  });

  test("forgets earlier crashes after a long healthy run", () => {
    const backoff = new Backoff();
    const first = backoff.crashed(0);
    backoff.crashed(0);
    backoff.started(1_000);
    expect(backoff.crashed(1_000 + 600_000)).toBe(first);
  });
});
