// Questions to the user: one from the sidecar waits in the panel until it is answered once, in the words of its kind.
import { describe, expect, test } from "vitest";
import { Approvals, type Cancellation } from "@src/approvals";
import type { ApprovalView, Asked, Outcome } from "@src/asked";
import type { CommandApprovalParams, ElicitationParams, FileApprovalParams, Offer, QuestionParams } from "@src/wire";

function setUp() {
  const asked: Asked[] = [];
  const settled: [string, Outcome][] = [];
  const approvals = new Approvals(() => "t1", {
    requested: (view) => asked.push(view),
    settled: (view, outcome) => settled.push([view.id, outcome]),
  });
  return { approvals, asked, settled };
}

const offer = (scope: Offer["scope"], text: string, kind: Offer["subject"]["kind"] = "command"): Offer => ({
  scope,
  subject: { kind, text, outsideSandbox: false, cwd: null },
  editable: true,
});

const offers = [offer("thread", "npm test"), offer("workspace", "npm test"), offer("always", "npm test")];

const question = (more: Partial<CommandApprovalParams> = {}) =>
  ({ threadId: "t1", turnId: "u1", itemId: "c1", command: "make deploy", cwd: "/w", reason: "It needs the network.", offers, ...more }) as CommandApprovalParams;

describe("an approval", () => {
  test("shows the exact command, where it runs and why", () => {
    const { approvals, asked } = setUp();
    void approvals.command(question());
    expect(asked[0]).toMatchObject({ kind: "command", command: "make deploy", cwd: "/w", reason: "It needs the network.", offers });
  });

  test("says that a command runs outside the sandbox, unless the sidecar knows better", () => {
    const { approvals, asked } = setUp();
    void approvals.command(question());
    void approvals.command(question({ itemId: "c2", outsideSandbox: false }));
    expect((asked[0] as ApprovalView).outside).toContain("outside the sandbox");
    expect((asked[1] as ApprovalView).outside).toBeUndefined();
  });

  test("keeps the model's justification apart from our reason", () => {
    const { approvals, asked } = setUp();
    const justification = "I need $& the network. It says: yes.";
    const reason = `The agent asks to run this outside the sandbox. It says: ${justification} This command deletes files.`;
    void approvals.command(question({ reason, justification }));
    expect(asked[0]).toMatchObject({
      reason: "The agent asks to run this outside the sandbox. This command deletes files.",
      quote: justification,
    });
  });

  test("names the commands that a line is made of, when there are several", () => {
    const { approvals, asked } = setUp();
    const action = (command: string) => ({ type: "unknown" as const, command });
    void approvals.command(question({ commandActions: [action("make"), action("make deploy")] }));
    void approvals.command(question({ commandActions: [action("make")] }));
    expect(asked.map((view) => (view as ApprovalView).parts)).toEqual([["make", "make deploy"], undefined]);
  });

  test("of a host names the host, and the command that wants to reach it", () => {
    const { approvals, asked } = setUp();
    void approvals.command(question({ networkApprovalContext: { host: "packages.example.com", protocol: "https" }, outsideSandbox: false }));
    expect(asked[0]).toMatchObject({ kind: "network", host: "packages.example.com", protocol: "https", command: "make deploy" });
  });

  test("of a host may be a no for ever", async () => {
    const { approvals, asked, settled } = setUp();
    const host = "packages.example.com";
    const answered = approvals.command(question({ networkApprovalContext: { host, protocol: "https" }, outsideSandbox: false }));
    approvals.decide(asked[0]?.id ?? "", { verdict: "decline", scope: "always" });
    expect(await answered).toEqual({ decision: { applyNetworkPolicyAmendment: { network_policy_amendment: { host, action: "deny" } } } });
    expect(settled[0]?.[1]).toMatchObject({ text: "Always denied", rule: host, lasting: true });
  });

  test.each([
    [{ verdict: "accept" }, { decision: "accept" }, { verdict: "accept", text: "Allowed once" }],
    [{ verdict: "accept", scope: "thread" }, { decision: "accept", scope: "thread" }, { text: "Allowed in this thread", rule: "npm test", lasting: true }],
    [
      { verdict: "accept", scope: "workspace", rule: "npm" },
      { decision: "accept", scope: "workspace", rule: "npm" },
      { text: "Allowed in this workspace", rule: "npm", lasting: true },
    ],
    [{ verdict: "accept", scope: "always" }, { decision: "accept", scope: "always" }, { text: "Always allowed", rule: "npm test" }],
    [{ verdict: "decline" }, { decision: "decline" }, { verdict: "decline", text: "Denied" }],
    [{ verdict: "decline", words: "use pnpm" }, { decision: "decline", words: "use pnpm" }, { text: "Denied: use pnpm" }],
    [{ verdict: "cancel" }, { decision: "cancel" }, { verdict: "cancel", text: "Denied, and stopped" }],
  ] as const)("is answered with %j, once, and says how it ended", async (answer, wire, outcome) => {
    const { approvals, asked, settled } = setUp();
    const answered = approvals.command(question());
    const id = asked[0]?.id ?? "";
    approvals.decide(id, answer);
    approvals.decide(id, { verdict: "accept", scope: "always" });
    expect(await answered).toEqual(wire);
    expect(settled).toHaveLength(1);
    expect(settled[0]?.[0]).toBe(id);
    expect(settled[0]?.[1]).toMatchObject(outcome);
    expect(approvals.waiting).toBe(0);
  });

  test("two questions about one item are told apart", async () => {
    const { approvals, asked } = setUp();
    const first = approvals.command(question());
    const second = approvals.command(question());
    approvals.decide(asked[1]?.id ?? "", { verdict: "accept" });
    approvals.decide(asked[0]?.id ?? "", { verdict: "decline" });
    expect([await first, await second]).toEqual([{ decision: "decline" }, { decision: "accept" }]);
  });

  test("is declined when its turn is over", async () => {
    const { approvals, settled } = setUp();
    const answer = approvals.fileChange({ threadId: "t1", turnId: "u1", itemId: "e1", reason: null, grantRoot: null, offers } as unknown as FileApprovalParams);
    approvals.drop((view) => view.turnId === "u1");
    expect(await answer).toEqual({ decision: "decline" });
    expect(settled[0]?.[1].text).toBe("Not allowed: nobody answered");
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
    expect(settled.map(([, outcome]) => outcome.text)).toEqual(["No answer was needed any more"]);
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
      treadle_offers: [offer("thread", "docs/wipe", "mcp")],
    },
  } as ElicitationParams;

  test("shows the server, the tool and the arguments, and that it runs outside the sandbox", () => {
    const { approvals, asked } = setUp();
    void approvals.elicitation(mcpQuestion);
    expect(asked[0]).toMatchObject({ kind: "mcpTool", itemId: "m1", server: "docs", tool: "wipe", arguments: '{\n  "path": "/w"\n}' });
    expect((asked[0] as ApprovalView).outside).toContain("outside the sandbox");
  });

  test.each([
    [{ verdict: "accept" }, { action: "accept", content: {}, _meta: null }],
    [{ verdict: "accept", scope: "thread" }, { action: "accept", content: {}, _meta: { persist: "thread" } }],
    [
      { verdict: "accept", scope: "always", rule: "docs/*" },
      { action: "accept", content: {}, _meta: { persist: "always", treadle_rule: "docs/*" } },
    ],
    [{ verdict: "decline", words: "read only" }, { action: "decline", content: null, _meta: { treadle_words: "read only" } }],
    [{ verdict: "cancel" }, { action: "cancel", content: null, _meta: null }],
  ] as const)("is answered in the words of an elicitation: %j", async (answer, wire) => {
    const { approvals, asked } = setUp();
    const answered = approvals.elicitation(mcpQuestion);
    approvals.decide(asked[0]?.id ?? "", answer);
    expect(await answered).toEqual(wire);
  });
});

describe("a question of the model", () => {
  const part = (id: string, more: object = {}) => ({ id, header: id.toUpperCase(), question: `Which ${id}?`, isOther: true, isSecret: false, options: null, ...more });
  const params = { threadId: "t1", turnId: "u1", itemId: "q1", questions: [part("colour"), part("key", { isSecret: true })] } as unknown as QuestionParams;

  test("is answered by the questions' ids; what is secret is not told again", async () => {
    const { approvals, asked, settled } = setUp();
    const answered = approvals.question(params);
    approvals.decide(asked[0]?.id ?? "", { verdict: "accept", answers: { colour: ["blue"], key: ["s3cret"] } });
    expect(await answered).toEqual({ answers: { colour: { answers: ["blue"] }, key: { answers: ["s3cret"] } } });
    expect(settled[0]?.[1]).toMatchObject({ verdict: "accept", text: "COLOUR: blue · KEY: •••" });
  });

  test("that is skipped has no answers", async () => {
    const { approvals, asked, settled } = setUp();
    const answered = approvals.question(params);
    approvals.decide(asked[0]?.id ?? "", { verdict: "decline" });
    expect(await answered).toEqual({ answers: {} });
    expect(settled[0]?.[1].text).toBe("Skipped");
  });
});

describe("a question of an MCP server", () => {
  const form = {
    threadId: "t1",
    turnId: null,
    serverName: "forms",
    mode: "form",
    message: "Who are you?",
    requestedSchema: { type: "object", properties: { name: { type: "string" } } },
    _meta: null,
  } as ElicitationParams;

  test("is a form, and its answer the form's content", async () => {
    const { approvals, asked } = setUp();
    const answered = approvals.elicitation(form);
    expect(asked[0]).toMatchObject({ kind: "form", server: "forms", message: "Who are you?", fields: [{ name: "name" }] });
    approvals.decide(asked[0]?.id ?? "", { verdict: "accept", content: { name: "Ada" } });
    expect(await answered).toEqual({ action: "accept", content: { name: "Ada" }, _meta: null });
  });

  test("is an address to open, whole", () => {
    const { approvals, asked } = setUp();
    void approvals.elicitation({ ...form, mode: "url", url: "https://login.example.com/a?b=c" });
    expect(asked[0]).toMatchObject({ kind: "link", url: "https://login.example.com/a?b=c" });
  });

  test("that nobody can answer is declined", async () => {
    const { approvals } = setUp();
    const answered = approvals.elicitation(form);
    approvals.drop(() => true);
    expect(await answered).toEqual({ action: "decline", content: null, _meta: null });
  });
});

describe("a question of a thread that is being opened", () => {
  test("waits until it is shown, and one of another thread is declined then", async () => {
    let open: () => void = () => undefined;
    let shown: string | null = null;
    const opening = new Promise<void>((done) => {
      open = () => {
        shown = "t1";
        done();
      };
    });
    const asked: Asked[] = [];
    const listener = { requested: (view: Asked) => asked.push(view), settled: () => undefined };
    const approvals = new Approvals(() => (shown ? shown : opening), listener);
    const mine = approvals.command(question());
    const other = approvals.command(question({ threadId: "t2" }));
    expect(asked).toEqual([]);
    open();
    expect(await other).toEqual({ decision: "decline" });
    expect(asked).toHaveLength(1);
    approvals.decide(asked[0]?.id ?? "", { verdict: "accept" });
    expect(await mine).toEqual({ decision: "accept" });
  });

  test("is not answered by a window that goes away", async () => {
    const { approvals, asked, settled } = setUp();
    let answered = false;
    void approvals.command(question()).then(() => {
      answered = true;
    });
    approvals.forget();
    approvals.decide(asked[0]?.id ?? "", { verdict: "accept" });
    await Promise.resolve();
    expect([approvals.waiting, answered, settled]).toEqual([0, false, []]);
  });
});

test("a question that waits for its thread to open is forgotten with the sidecar that asked it", async () => {
  const asked: Asked[] = [];
  let open = () => {};
  let shown: string | Promise<unknown> = new Promise<void>((done) => {
    open = done;
  });
  const approvals = new Approvals(() => shown, { requested: (view) => asked.push(view), settled: () => undefined });
  let answered = false;
  void approvals.command(question()).then(() => {
    answered = true;
  });
  approvals.forget();
  shown = "t1";
  open();
  await new Promise((done) => setImmediate(done));
  expect([asked, answered]).toEqual([[], false]);
  void approvals.command(question());
  expect(asked).toHaveLength(1);
});
