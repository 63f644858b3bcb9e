// Which Python runs the sidecar, and why one is refused.
import { describe, expect, test } from "vitest";
import { Backoff } from "@src/backoff";
import { type Ask, findSidecar, readVersion } from "@src/python";

const wanted = { sidecarPath: "", interpreter: "", libraries: "/ext/bundled/libs", environment: { CODEX_HOME: "/c" } };
const only =
  (good: string): Ask =>
  async (command) =>
    command === good ? { version: "0.1.0" } : { reason: "not found" };

describe("finding the sidecar", () => {
  test("takes the first Python that answers, isolated from the workspace", async () => {
    const found = await findSidecar(wanted, only("python3"));
    expect(found).toEqual({
      command: "python3",
      args: ["-P", "-X", "utf8", "-m", "treadle"],
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
    await expect(findSidecar(wanted, ask)).rejects.toThrow(/Python 3\.11 or newer.*python3: older than 3\.11/);
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
