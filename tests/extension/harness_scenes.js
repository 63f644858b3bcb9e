// Conversations to look at: each is a list of events, as the extension host would post them.
const emptyView = {
  id: null, name: null, cwd: null, model: null, provider: null, sandbox: null, approvalPolicy: null, effort: null, askBeforeEdits: null, queue: [], instructions: [], turns: [], earlier: false,
  unconfirmed: [], unsent: [], asked: [], outcomes: {}, plan: null, notices: [], dismissed: [], usage: null, lastRequest: null, review: [], progress: null,
  pendingTools: null, preview: "", restored: null, editing: null, elsewhere: null,
};
const now = Date.now() / 1000;
const panel = {
  connection: "ready", folder: "/home/ada/weather", home: "/home/ada", trusted: true, model: "gpt-5.1-codex", sandboxMode: "workspace-write",
  recent: [
    { id: "a", title: "Add a retry to the forecast client", updatedAt: now - 840 },
    { id: "b", title: "Why does test_parse_wind fail on Windows?", updatedAt: now - 9000 },
    { id: "c", title: "Port the command line to argparse", updatedAt: now - 260000 },
  ],
};
const threadId = "t1";
const turnId = "u1";
const started = (item, at = 1000) => ({ method: "item/started", params: { threadId, turnId, item, startedAtMs: at } });
const completed = (item, at = 4200) => ({ method: "item/completed", params: { threadId, turnId, item, completedAtMs: at } });
const delta = (itemId, text) => ({ method: "item/agentMessage/delta", params: { threadId, turnId, itemId, delta: text } });
const opened = {
  method: "panel/opened",
  params: {
    thread: { id: threadId, name: null, preview: "", turns: [] }, model: "gpt-5.1-codex", modelProvider: "openai", cwd: "/home/ada/weather",
    approvalPolicy: "on-request", sandbox: { type: "workspaceWrite" }, instructionSources: ["/home/ada/weather/AGENTS.md"],
  },
};
const turn = (status, error) => ({ method: status === "inProgress" ? "turn/started" : "turn/completed", params: { threadId, turn: { id: turnId, items: [], status, error } } });
const usage = { method: "thread/tokenUsage/updated", params: { threadId, turnId, tokenUsage: { total: { totalTokens: 52000 }, last: { totalTokens: 34800, cachedInputTokens: 30100 }, modelContextWindow: 128000 } } };
const user = (text) => ({ type: "userMessage", id: "i0", clientId: null, content: [{ type: "text", text, text_elements: [] }] });
const thought = { type: "reasoning", id: "i1", summary: ["**Looking at the tests**\n\nThe failing test parses a wind speed with a comma. I will look at `parse.py` first, then run the one test."], content: [] };
const say = (id, text) => ({ type: "agentMessage", id, text, phase: null });
const command = (id, line, more) => ({ type: "commandExecution", id, command: line, cwd: "/home/ada/weather", status: "completed", commandActions: [], aggregatedOutput: null, exitCode: 0, durationMs: 1240, ...more });
const read = command("i2", "sed -n 1,120p src/weather/parse.py", { durationMs: 18, commandActions: [{ type: "read", command: "sed", name: "parse.py", path: "src/weather/parse.py" }], aggregatedOutput: "def wind(text):\n    return float(text)\n" });
const failing = command("i4", "python -m pytest tests/test_parse.py -q", {
  status: "failed", exitCode: 1,
  aggregatedOutput: "..F.                                                      [100%]\n=================================== FAILURES ===================================\n_______________________________ test_parse_wind ________________________________\n\n    def test_parse_wind():\n>       assert wind(\"3,5 m/s\") == 3.5\nE       ValueError: could not convert string to float: '3,5 m/s'\n\ntests/test_parse.py:12: ValueError\n1 failed, 3 passed in 0.08s\n",
});
const edit = {
  type: "fileChange", id: "i6", status: "inProgress",
  changes: [
    { path: "/home/ada/weather/src/weather/parse.py", kind: { type: "update", move_path: null }, diff: "@@ -8,7 +8,10 @@ def temperature(text):\n \n \n def wind(text):\n-    \"\"\"Wind speed in metres per second.\"\"\"\n-    return float(text)\n+    \"\"\"Wind speed in metres per second; a comma is a decimal point.\"\"\"\n+    number, _, unit = text.strip().partition(\" \")\n+    if unit not in (\"\", \"m/s\"):\n+        raise ValueError(f\"unknown unit of wind speed: {unit!r}\")\n+    return float(number.replace(\",\", \".\"))\n \n \n def pressure(text):\n" },
    { path: "/home/ada/weather/tests/test_wind.py", kind: { type: "add" }, diff: "import pytest\n\nfrom weather.parse import wind\n\n\ndef test_an_unknown_unit_is_refused():\n    with pytest.raises(ValueError):\n        wind(\"3 knots\")\n" },
  ],
};
const longEdit = { ...edit, changes: [{ ...edit.changes[0], path: "/home/ada/weather/src/weather/services/forecast/providers/a_station_with_an_exceptionally_long_name_parser.py" }, { ...edit.changes[1], path: "/home/ada/weather/tests/unit/services/forecast/providers/test_a_station_with_an_exceptionally_long_name_parser.py" }] };
const passing = command("i7", "python -m pytest -q", { aggregatedOutput: ".....                                                     [100%]\n5 passed in 0.09s\n", durationMs: 1830 });
const answer = "`wind` now reads a comma as a decimal point and refuses units that it does not know:\n\n```python\ndef wind(text: str) -> float:\n    \"\"\"Wind speed in metres per second; a comma is a decimal point.\"\"\"\n    number, _, unit = text.strip().partition(\" \")\n    if unit not in (\"\", \"m/s\"):\n        raise ValueError(f\"unknown unit of wind speed: {unit!r}\")\n    return float(number.replace(\",\", \".\"))\n```\n\nWhat changed:\n\n- [src/weather/parse.py](src/weather/parse.py:10): the parsing itself\n- `tests/test_wind.py`: one new test for **unknown units**\n\n| before | after |\n|---|---|\n| `ValueError` on `3,5 m/s` | `3.5` |\n\nAll five tests pass. ";
const begin = [opened, turn("inProgress"), started(user("test_parse_wind fails since the new station sends `3,5 m/s`. Fix it please.")), completed(user("test_parse_wind fails since the new station sends `3,5 m/s`. Fix it please.")), usage];
const looked = [started(thought), completed(thought), started(read), completed(read), started(say("i3", "")), completed(say("i3", "The parser hands the whole text to `float`. Let me see the test fail first.")), started(failing), completed(failing)];
const asked = (view) => ({ method: "panel/asked", params: { turnId, offers: [], ...view } });
const answered = (id, outcome) => ({ method: "panel/answered", params: { id, outcome } });
const offers = (text, kind = "command", outsideSandbox = false) => ["thread", "workspace", "always"].map((scope) => ({ scope, subject: { kind, text, outsideSandbox, cwd: null }, editable: true }));
const beyond = "Runs outside the sandbox: it can change any file that you can, and use the network.";
const tool = (id, name) => ({ type: "dynamicToolCall", id, tool: name, status: "inProgress", arguments: {}, success: null });
const planned = (steps) => ({ method: "turn/plan/updated", params: { threadId, turnId, explanation: null, plan: steps } });
const steps = [{ step: "See which test fails, and why", status: "completed" }, { step: "Read a comma as a decimal point in `wind`", status: "inProgress" }, { step: "Refuse units that nobody asked for, with a message that names the unit and the line", status: "pending" }, { step: "Run all tests", status: "pending" }];
const questions = [
  { id: "units", header: "Units", question: "Which units should the parser understand?", isOther: true, isSecret: false, options: [{ label: "Metric only (Recommended)", description: "m/s and km/h, as the stations send them." }, { label: "All", description: "Knots and miles per hour as well, which nobody has sent so far." }] },
  { id: "token", header: "Token", question: "What is the token of the station's service?", isOther: true, isSecret: true, options: null },
];
const schema = [
  { name: "name", title: "Full name", description: "As it is to stand on the badge", required: true, kind: "text", options: [], initial: "" },
  { name: "mail", title: "E-mail", required: true, kind: "text", format: "email", options: [], initial: "" },
  { name: "day", title: "Day", required: false, kind: "text", format: "date", options: [], initial: "" },
  { name: "seats", title: "Seats", required: false, kind: "integer", least: 1, most: 9, options: [], initial: "1" },
  { name: "size", title: "Size", required: false, kind: "choice", options: [{ value: "s", label: "Small" }, { value: "l", label: "Large" }], initial: "l" },
  { name: "extras", title: "Extras", required: false, kind: "choices", options: [{ value: "a", label: "Lunch" }, { value: "b", label: "Parking" }], initial: ["a"] },
  { name: "news", title: "Send me news", required: false, kind: "boolean", options: [], initial: false },
];
const install = command("i9", "pip install --upgrade 'pytest>=9' && python -m pytest -q", { status: "inProgress", exitCode: null, durationMs: null });
const late = { method: "treadle/tools/changed", params: { threadId, message: "", added: ["mcp__tracker__report", "mcp__tracker__close"], removed: [], changed: ["mcp__docs__find"], cost: 34100 } };
const scenes = {
  welcome: {},
  late: { events: [...begin, ...looked, late] },
  nofolder: { panel: { folder: null, recent: [] } },
  streaming: { events: [...begin, started({ ...thought, summary: [] }), { method: "item/reasoning/summaryTextDelta", params: { threadId, turnId, itemId: "i1", summaryIndex: 0, delta: thought.summary[0] } }, completed(thought), started(read), completed(read), started(say("i3", "")), delta("i3", "The parser hands the whole text to `float`, so the comma is what breaks it. I will:\n\n1. read a comma as a decimal point,\n2. refuse units that nobody asked for, and\n3. run the te")] },
  running: { events: [...begin, ...looked.slice(0, 6), started({ ...failing, status: "inProgress", exitCode: null, durationMs: null, aggregatedOutput: null }), { method: "item/commandExecution/outputDelta", params: { threadId, turnId, itemId: "i4", delta: "============================= test session starts ==============================\ncollected 84 items\n\ntests/test_cli.py ..............                                         [ 16%]\ntests/test_parse.py ....\u001b[31mF\u001b[0m....." } }] },
  command: { events: [...begin, ...looked.slice(0, 4), started(say("i8", "")), completed(say("i8", "The test needs a newer pytest than this environment has.")), started(install), asked({ id: "p1", kind: "command", itemId: "i9", command: install.command, cwd: "/home/ada/weather", reason: "The agent asks to run this outside the sandbox.", quote: "May I install pytest 9? It needs the network, which the sandbox does not have.", outside: beyond, parts: ["pip install --upgrade 'pytest>=9'", "python -m pytest -q"], offers: offers("pip install", "command", true) })] },
  inside: { events: [...begin, ...looked.slice(0, 4), started(install), asked({ id: "p1", kind: "command", itemId: "i9", command: "rm -rf build dist", cwd: "/home/ada/weather", reason: "This command deletes files.", offers: offers("rm -rf build dist", "exactCommand") })] },
  answered: { events: [...begin, ...looked.slice(0, 4), started(install), asked({ id: "p1", kind: "command", itemId: "i9", command: install.command }), answered("p1", { verdict: "accept", text: "Allowed in this workspace", rule: "pip install", lasting: true }), completed({ ...install, status: "completed", exitCode: 0, durationMs: 5300, aggregatedOutput: "Successfully installed pytest-9.2.0\n" }), started({ ...passing, status: "inProgress" }), asked({ id: "p3", kind: "command", itemId: passing.id, command: passing.command }), answered("p3", { verdict: "decline", text: "Denied: use the tests of the package only" }), completed({ ...passing, status: "declined", aggregatedOutput: null, exitCode: null, durationMs: null }), { method: "hook/completed", params: { threadId, turnId, run: { id: "h1", eventName: "postToolUse", status: "blocked", statusMessage: null, entries: [{ kind: "feedback", text: "The lint of src/weather found two new warnings." }] } } }, turn("completed")] },
  network: { events: [...begin, started({ ...install, aggregatedOutput: "Collecting pytest>=9\n" }), asked({ id: "p4", kind: "network", itemId: "i9", command: install.command, cwd: "/home/ada/weather", host: "files.packages.example.com", protocol: "https", reason: "The host is on no list.", offers: offers("files.packages.example.com", "network") })] },
  mcp: { events: [...begin, started({ type: "mcpToolCall", id: "m1", server: "tracker", tool: "close_issue", status: "inProgress", arguments: { issue: 4412 } }), asked({ id: "p5", kind: "mcpTool", itemId: "m1", server: "tracker", tool: "close_issue", arguments: '{\n  "issue": 4412,\n  "comment": "Fixed by reading the comma."\n}', reason: "The tool may change things outside this computer.", outside: "Runs in the server, outside the sandbox.", offers: offers("tracker/close_issue", "mcp") })] },
  question: { events: [...begin, ...looked.slice(0, 4), planned(steps), started(tool("q1", "request_user_input")), asked({ id: "p6", kind: "question", itemId: "q1", parts: questions })] },
  form: { events: [...begin, asked({ id: "p7", kind: "form", itemId: null, server: "events", message: "Register for the meeting", fields: schema })] },
  link: { events: [...begin, asked({ id: "p8", kind: "link", itemId: null, server: "tracker", message: "Sign in to go on", url: "https://login.tracker.example.com/oauth/authorize?client_id=treadle&redirect_uri=http%3A%2F%2F127.0.0.1%3A8123%2Fback&state=jYx0" })] },
  several: { events: [...begin, planned(steps), started(install), asked({ id: "p1", kind: "command", itemId: "i9", command: install.command, cwd: "/home/ada/weather", outside: beyond, reason: "The agent asks to run this outside the sandbox.", offers: offers("pip install") }), started(edit), asked({ id: "p2", kind: "fileChange", itemId: "i6", reason: "You asked to see edits before they are written.", offers: offers("/home/ada/weather/src/", "files") })] },
  writing: { events: [...begin, started({ ...edit, changes: [] }), { method: "item/fileChange/patchUpdated", params: { threadId, turnId, itemId: "i6", changes: edit.changes } }] },
  edit: { events: [...begin, ...looked, started(edit), asked({ id: "p2", kind: "fileChange", itemId: "i6", reason: "You asked to see edits before they are written.", offers: offers("/home/ada/weather/src/weather/", "files") })] },
  done: { events: [...begin, ...looked, started(edit), completed({ ...edit, status: "completed" }), started(passing), completed(passing), started(say("i10", "")), completed(say("i10", answer)), turn("completed")] },
  error: { events: [...begin, { method: "configWarning", params: { summary: "config.toml line 4: `model_provider` names \"acme\", which is not defined. The last good settings are used.", details: null, path: "/home/ada/.codex/config.toml" } }, { method: "warning", params: { threadId: null, message: "No sandbox on this machine: bubblewrap is not installed. Treadle asks before each command instead." } }, started(thought), completed(thought), turn("failed", { message: "OpenAI refused the key in OPENAI_API_KEY. Set a valid key, or choose another provider in config.toml.", codexErrorInfo: "unauthorized", additionalDetails: "401 Unauthorized: Incorrect API key provided" })] },
  failed: { panel: { connection: "failed", problem: "Treadle needs Python 3.11 or newer and found none that works. (python3.13: not found; python3: older than 3.11)", recent: [] } },
  unsent: { panel: { connection: "failed", problem: "The Python in treadle.python.interpreter cannot run Treadle. (/opt/python/bin/python3: not found)" }, events: [{ method: "panel/sent", params: { clientId: "m1", text: "test_parse_wind fails since the new station sends `3,5 m/s`. Fix it please." } }, { method: "panel/lost", params: { message: "" } }] },
  unsentlater: { events: [...begin, started(say("i3", "")), completed(say("i3", "It is the comma.")), turn("completed"), { method: "panel/sent", params: { clientId: "m1", text: "And now write a test for it." } }, { method: "panel/unsent", params: { clientId: "m1", text: "And now write a test for it.", reason: "Treadle's sidecar stopped while it started." } }] },
  offline: { panel: { model: "SmolLM2-135M-Instruct" }, events: [{ ...opened, params: { ...opened.params, model: "SmolLM2-135M-Instruct", modelProvider: "local" } }, { method: "warning", params: { threadId, message: "The small offline model runs on this computer: it is for trying Treadle out. Check what it says, and configure a provider with a key for real work." } }, ...begin.slice(1, -1), { method: "treadle/progress", params: { threadId, message: "Loading SmolLM2-135M-Instruct" } }] },
  narrow: { panel: { trusted: false, model: "anthropic/claude-opus-4.5-with-a-very-long-name-20260101", folder: "/home/ada/a_project_with_a_name_that_is_rather_long_and_has_no_spaces", recent: [{ id: "a", title: "Rename_the_very_long_identifier_that_nobody_could_ever_remember_in_all_files", updatedAt: now - 840 }] } },
  longnames: { panel: { model: "a-model-with-a-rather-long-name-20260101", trusted: false }, events: [{ ...opened, params: { ...opened.params, model: "a-model-with-a-rather-long-name-20260101", instructionSources: ["/home/ada/weather/services/forecast/AGENTS.override.with-a-long-name.md"] } }, ...begin.slice(1), started(longEdit), asked({ id: "p2", kind: "fileChange", itemId: "i6", reason: "You asked to see edits before they are written." })] },
  declined: { events: [...begin, started(edit), completed({ ...edit, status: "declined" }), started({ type: "hologram", id: "x", status: "completed", prompt: "a kind that nobody knows" }), completed({ type: "hologram", id: "x", status: "completed", prompt: "a kind that nobody knows" }), turn("interrupted")] },
};

// The page of permissions.
const grant = (id, scope, text, more = {}) => ({ id, scope, subject: { kind: more.kind ?? "command", text, outsideSandbox: more.outside ?? false, cwd: more.cwd ?? null }, workspace: more.workspace ?? null, threadId: more.threadId ?? null, createdAtMs: Date.now() - (more.minutes ?? 5) * 60_000 });
const permissions = {
  full: {
    threadId, folder: "/home/ada/weather", home: "/home/ada", failure: null, undo: "Revoked npm run deploy.",
    grants: [
      grant("g1", "thread", "docs/search", { kind: "mcp", threadId }),
      grant("g2", "workspace", "python -m pytest", { workspace: "/home/ada/weather", minutes: 60 }),
      grant("g3", "workspace", "pip install", { workspace: "/home/ada/weather", outside: true, minutes: 3000 }),
      grant("g4", "workspace", "for f in *.txt; do wc -l \"$f\"; done", { kind: "exactCommand", workspace: "/home/ada/weather", cwd: "/home/ada/weather/data", minutes: 9000 }),
      grant("g5", "always", "git fetch", { outside: true }),
      grant("g6", "always", "*.packages.example.com", { kind: "network" }),
      grant("g7", "workspace", "make", { workspace: "/home/ada/sails" }),
    ],
    rules: [
      { text: 'git push', decision: "prompt", justification: "Others see what is pushed.", source: "/home/ada/.codex/rules/default.rules", line: 3 },
      { text: 'rm -rf', decision: "forbidden", justification: null, source: "/home/ada/.codex/rules/default.rules", line: 7 },
      { text: 'cargo test', decision: "allow", justification: null, source: "/home/ada/weather/.codex/rules/team.rules", line: 1 },
    ],
    problems: ["team.rules line 9: `patern` is not a name that prefix_rule knows. The rest of the file is used."],
  },
  empty: { threadId: null, folder: "/home/ada/weather", home: "/home/ada", failure: null, undo: null, grants: [], rules: [], problems: [] },
};
// What the host would answer to the webview's questions (`ask`).
const counted = (number, more) => ({ threadId, turnId, number, atMs: Date.now() - 60000 * (5 - number), model: "gpt-5.1-codex", provider: "openai", endpoint: "responses", status: "completed", cause: "extended", explanation: "The prompt only grew.", inputTokens: 30000 + 1500 * number, cachedInputTokens: 28000, outputTokens: 420, hit: 0.91, price: 0.0123, priceNote: null, ...more });
const rows = [counted(4, { cause: "model_changed", hit: 0, price: 0.0482, explanation: "Another model answers from here on, gpt-5.1-codex-max: its cache does not know this thread." }), counted(3), counted(2, { price: null, status: "failed", inputTokens: null, hit: null }), counted(1, { cause: "first_request", hit: 0, explanation: "The first request: there was nothing to keep." })];
const sums = (more) => ({ requests: 4, inputTokens: 118200, cachedInputTokens: 84000, outputTokens: 1680, reasoningOutputTokens: 300, price: 0.0851, unpriced: 0, ...more });
const parts = { base: 4100, permissions: 620, instructions: 1800, tools: 6400, skills: 900, memory: 1200, user: 900, agent: 2400, reasoning: 3100, calls: 1500, outputs: 11800 };
const knowledge = {
  context: {
    threadId, used: 34800, estimated: 0, window: 128000, compactAt: 115200, parts: Object.entries(parts).map(([kind, tokens]) => ({ kind, tokens })), instructionSources: [],
    documents: [
      { path: "/home/ada/.codex/AGENTS.md", scope: "user", size: 640, inForce: true }, { path: "/home/ada/weather/AGENTS.md", scope: "project", size: 5210, inForce: true },
      { path: "/home/ada/weather/services/forecast/adapters/AGENTS.md", scope: "project", size: 310, inForce: false },
    ],
  },
  ledger: { rows, nextCursor: "more", totals: { turn: sums({ requests: 2, unpriced: 1, price: 0.0605 }), thread: sums() } },
  skills: [{ name: "release-notes", path: "/home/ada/weather/.codex/skills/release-notes/SKILL.md", scope: "repo" }],
  servers: [{ name: "tracker", state: "ready", error: null, required: false, tools: [{}, {}, {}] }, { name: "browser", state: "failed", error: "it ended", required: true, tools: [] }],
};
const answers = { choices: () => [], history: () => [], picture: () => null, knowledge: () => knowledge, requests: () => ({ rows: [], nextCursor: null }) };
