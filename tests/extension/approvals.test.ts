// Approvals: a question from the sidecar waits in the panel until it is answered once.
import { describe, expect, test } from "vitest";
import { Approvals, type Cancellation } from "@src/approvals";
import type { ApprovalView } from "@src/thread";
import type { CommandApprovalParams, FileApprovalParams, McpApprovalParams } from "@src/wire";

function setUp() {
  const asked: ApprovalView[] = [];
  const settled: string[] = [];
  const approvals = new Approvals(() => "t1", {
    requested: (view) => asked.push(view),
    settled: (view) => settled.push(view.id),
  });
  return { approvals, asked, settled };
}

const question = (more: Partial<CommandApprovalParams> & { outsideSandbox?: boolean } = {}) =>
  ({ threadId: "t1", turnId: "u1", itemId: "c1", command: "make deploy", cwd: "/w", reason: "It needs the network.", ...more }) as CommandApprovalParams;

describe("an approval", () => {
  test("shows the exact command, where it runs and why", () => {
    const { approvals, asked } = setUp();
    void approvals.command(question());
    expect(asked[0]).toMatchObject({ kind: "command", command: "make deploy", cwd: "/w", reason: "It needs the network." });
  });

  test("says that a command runs outside the sandbox, unless the sidecar knows better", () => {
    const { approvals, asked } = setUp();
    void approvals.command(question());
    void approvals.command(question({ itemId: "c2", outsideSandbox: false }));
    expect(asked[0]?.outside).toContain("outside the sandbox");
    expect(asked[1]?.outside).toBeUndefined();
  });

  test.each(["accept", "acceptForSession", "decline", "cancel"] as const)("is answered with %s, once", async (decision) => {
    const { approvals, asked, settled } = setUp();
    const answer = approvals.command(question());
    const id = asked[0]?.id ?? "";
    approvals.decide(id, decision);
    approvals.decide(id, "accept");
    expect(await answer).toEqual({ decision });
    expect(settled).toEqual([id]);
    expect(approvals.waiting).toBe(0);
  });

  test("two questions about one item are told apart", async () => {
    const { approvals, asked } = setUp();
    const first = approvals.command(question());
    const second = approvals.command(question());
    approvals.decide(asked[1]?.id ?? "", "accept");
    approvals.decide(asked[0]?.id ?? "", "decline");
    expect([await first, await second]).toEqual([{ decision: "decline" }, { decision: "accept" }]);
  });

  test("is declined when its turn is over", async () => {
    const { approvals } = setUp();
    const answer = approvals.fileChange({ threadId: "t1", turnId: "u1", itemId: "e1", reason: null, grantRoot: null } as FileApprovalParams);
    approvals.drop((view) => view.turnId === "u1");
    expect(await answer).toEqual({ decision: "decline" });
  });

  test("is declined when the sidecar takes it back", async () => {
    const { approvals, settled } = setUp();
    let withdraw = () => {};
    const cancellation: Cancellation = {
      isCancellationRequested: false,
      onCancellationRequested: (listener) => {
        withdraw = listener;
      },
    };
    const answer = approvals.command(question(), cancellation);
    withdraw();
    expect(await answer).toEqual({ decision: "decline" });
    expect(settled).toHaveLength(1);
  });

  test("of a thread that is not shown is declined and never drawn", async () => {
    const { approvals, asked } = setUp();
    expect(await approvals.command(question({ threadId: "another" }))).toEqual({ decision: "decline" });
    expect(asked).toEqual([]);
  });
});

describe("an approval of an MCP tool", () => {
  const mcpQuestion = {
    threadId: "t1",
    turnId: "u1",
    serverName: "docs",
    mode: "form",
    message: "Allow docs to run the tool wipe?",
    requestedSchema: {},
    _meta: {
      codex_approval_kind: "mcp_tool_call",
      persist: ["session"],
      tool_name: "wipe",
      tool_params: { path: "/w" },
      treadle_item_id: "m1",
      treadle_reason: "It may destroy something.",
    },
  } as McpApprovalParams;

  test("shows the server, the tool and the arguments", () => {
    const { approvals, asked } = setUp();
    void approvals.mcpTool(mcpQuestion);
    expect(asked[0]).toMatchObject({ kind: "mcpTool", itemId: "m1", server: "docs", tool: "wipe" });
    expect(asked[0]?.arguments).toBe('{\n  "path": "/w"\n}');
  });

  test.each([
    ["accept", { action: "accept", content: {}, _meta: null }],
    ["acceptForSession", { action: "accept", content: {}, _meta: { persist: "session" } }],
    ["decline", { action: "decline", content: null, _meta: null }],
    ["cancel", { action: "cancel", content: null, _meta: null }],
  ] as const)("is answered in the words of an elicitation: %s", async (decision, answer) => {
    const { approvals, asked } = setUp();
    const answered = approvals.mcpTool(mcpQuestion);
    approvals.decide(asked[0]?.id ?? "", decision);
    expect(await answered).toEqual(answer);
  });
});
