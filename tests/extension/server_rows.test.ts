// MCP servers as rows: an icon and words for each state, and why one is not there.
import { expect, test } from "vitest";
import { missing, serverRow } from "@src/server_rows";
import type { McpListServer } from "@src/wire";

const server: McpListServer = {
  name: "tracker",
  state: "ready",
  error: null,
  retryIn: null,
  required: false,
  transport: "stdio",
  address: "node",
  auth: "unsupported",
  tools: [{ name: "close", description: "Closes." }],
  seen: true,
};

test("each state has an icon and words", () => {
  const words = (state: McpListServer["state"]) => serverRow({ ...server, state, error: "it ended" }).description;
  expect((["off", "notStarted", "starting", "ready", "failed"] as const).map(words)).toEqual([
    "turned off",
    "starts with the thread",
    "starting…",
    "1 tool",
    "it ended",
  ]);
  expect(serverRow({ ...server, state: "ready" }).icon).toBe("pass-filled");
});

test("a server that failed says why, and whether it comes back by itself", () => {
  const row = serverRow({ ...server, state: "failed", error: "it ended;\nits last words: no license", retryIn: 4, required: true });
  expect(row.tooltip).toContain("Not connected: it ended; its last words: no license");
  expect(row.tooltip).toContain("started again by itself");
  expect(row.tooltip).toContain("without it no turn runs");
  expect(serverRow({ ...server, state: "failed", error: "x" }).tooltip).not.toContain("by itself");
});

test("a restart shows at once, whatever the state was", () => {
  const row = serverRow({ ...server, state: "failed", error: "it hangs" }, true);
  expect([row.icon, row.description]).toEqual(["loading~spin", "restarting…"]);
  expect(row.tooltip).not.toContain("it hangs");
});

test("what can be done with a server is in its context", () => {
  expect(serverRow(server).context).toBe("server ready");
  expect(serverRow({ ...server, transport: "http", state: "failed", auth: "notLoggedIn" }).context).toBe("server failed http login");
});

test("only required servers that failed are missing", () => {
  const failed: McpListServer = { ...server, state: "failed", required: true };
  expect(missing([server, { ...server, required: true }, { ...failed, required: false }, failed])).toEqual([failed]);
});
