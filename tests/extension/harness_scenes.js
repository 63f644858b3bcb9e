// Conversations to look at: each is a list of events, as the extension host would post them.
const emptyView = {
  id: null, name: null, cwd: null, model: null, provider: null, sandbox: null, approvalPolicy: null, instructions: [], turns: [],
  unconfirmed: [], unsent: [], approvals: [], notices: [], dismissed: [], usage: null, lastRequest: null, progress: null,
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
const asked = (view) => ({ method: "panel/approval/requested", params: { turnId, ...view } });
const install = command("i9", "pip install --upgrade 'pytest>=9' && python -m pytest -q", { status: "inProgress", exitCode: null, durationMs: null });
const scenes = {
  welcome: {},
  nofolder: { panel: { folder: null, recent: [] } },
  streaming: { events: [...begin, started({ ...thought, summary: [] }), { method: "item/reasoning/summaryTextDelta", params: { threadId, turnId, itemId: "i1", summaryIndex: 0, delta: thought.summary[0] } }, completed(thought), started(read), completed(read), started(say("i3", "")), delta("i3", "The parser hands the whole text to `float`, so the comma is what breaks it. I will:\n\n1. read a comma as a decimal point,\n2. refuse units that nobody asked for, and\n3. run the te")] },
  running: { events: [...begin, ...looked.slice(0, 6), started({ ...failing, status: "inProgress", exitCode: null, durationMs: null, aggregatedOutput: null }), { method: "item/commandExecution/outputDelta", params: { threadId, turnId, itemId: "i4", delta: "============================= test session starts ==============================\ncollected 84 items\n\ntests/test_cli.py ..............                                         [ 16%]\ntests/test_parse.py ....\u001b[31mF\u001b[0m....." } }] },
  command: { events: [...begin, ...looked.slice(0, 4), started(say("i8", "")), completed(say("i8", "The test needs a newer pytest than this environment has.")), started(install), asked({ id: "p1", kind: "command", itemId: "i9", command: install.command, cwd: "/home/ada/weather", reason: "May I install pytest 9? It needs the network, which the sandbox does not have.", outside: "Runs outside the sandbox: it can change any file that you can, and use the network." })] },
  edit: { events: [...begin, ...looked, started(edit), asked({ id: "p2", kind: "fileChange", itemId: "i6", reason: "You asked to see edits before they are written." })] },
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
