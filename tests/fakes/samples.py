"""One of everything that the agent may say: cards, events, threads. Shared by the tests of the projection."""

from __future__ import annotations

from dataclasses import replace

from treadle.core import events as e
from treadle.core.asking import Approval, Choice, Elicitation, Question, QuestionPart
from treadle.core.grants import Offer, Subject
from treadle.core.handed_back import Problem
from treadle.core.history import TurnState
from treadle.core.items import Image, Text
from treadle.core.ledger import LedgerRow
from treadle.core.replies import Usage
from treadle.core.review import Finding, Findings
from treadle.core.settings import Provider, SandboxPolicy, Settings
from treadle.core.views import (
    CallCard,
    Card,
    CommandView,
    FileChangeView,
    McpView,
    MessageCard,
    OtherCard,
    ReasoningCard,
    ReviewCard,
    SummaryCard,
    ToolView,
    UserCard,
)
from treadle.runtime.answers import ThreadState
from treadle.runtime.ports import ThreadMeta

T, U = "thread-1", "turn-1"
AT = 1_700_000_000.25
USAGE = Usage(100, 60, 20, 5, 120)

COMMAND: CommandView = {
    "view": "command",
    "command": "cat a.py; rg x; ls; make",
    "cwd": "/w",
    "actions": [
        {"type": "read", "command": "cat a.py", "name": "a.py", "path": "/w/a.py"},
        {"type": "read", "command": "cat"},
        {"type": "search", "command": "rg x", "query": "x", "path": None},
        {"type": "listFiles", "command": "ls", "path": None},
        {"type": "unknown", "command": "make"},
    ],
    "output": "done\n",
    "exit_code": 0,
    "duration_ms": 12,
    "process_id": "7",
}
CHANGES: FileChangeView = {
    "view": "file_change",
    "changes": [
        {"path": "/w/a", "kind": "add", "diff": "x\n"},
        {"path": "/w/b", "kind": "delete", "diff": "y\n"},
        {"path": "/w/c", "kind": "update", "move_path": "/w/d", "diff": "@@ -1 +1 @@\n-a\n+b\n"},
    ],
}
TOOL: ToolView = {"view": "tool", "tool": "view_image", "arguments": '{"path": "a.png"}', "result": "ok", "success": True}
MCP: ToolView = {"view": "tool", "tool": "mcp__docs__search", "arguments": {"q": "x"}, "result": "found", "success": True}

MCP_CALL: McpView = {
    "view": "mcp",
    "server": "docs",
    "tool": "search",
    "arguments": {"query": "q"},
    "read_only": True,
    "result": {"content": [{"type": "text", "text": "found"}], "structured": {"found": 1}},
    "error": None,
    "duration_ms": 12,
}
CARDS: list[Card] = [
    UserCard("u1", (Text("hi"), Image("data:image/png;base64,AA"), Image("data:image/png;base64,AA", "high", "/w/a.png")), "c1"),
    MessageCard("m1", "Hello", "final_answer"),
    MessageCard("m2", "cut", "a phase of tomorrow", complete=False),
    ReasoningCard("r1", ("one", "two"), ("raw",)),
    *(
        CallCard("c1", "exec_command", "k", COMMAND, status)
        for status in ("inProgress", "completed", "failed", "declined", "aborted")
    ),
    CallCard("c2", "exec_command", "k", {"view": "command"}, "inProgress"),
    *(
        CallCard("f1", "apply_patch", "k", CHANGES, status)
        for status in ("inProgress", "completed", "failed", "declined", "aborted")
    ),
    *(CallCard("t1", "view_image", "k", TOOL, status) for status in ("inProgress", "completed", "failed", "declined", "aborted")),
    CallCard("t2", "odd", "k", {"view": "tool", "arguments": "no json"}, "inProgress"),
    *(CallCard("p1", "mcp__docs__search", "k", MCP, status) for status in ("inProgress", "completed", "failed")),
    *(CallCard("q1", "mcp__docs__search", "k", MCP_CALL, status) for status in ("inProgress", "completed", "failed", "declined")),
    CallCard("q2", "mcp__docs__search", "k", {"view": "mcp"}, "aborted"),
    CallCard("v2", "view_image", "k", {"view": "image", "path": "/w/a.png"}, "completed"),
    SummaryCard("s1"),
    ReviewCard("r1", "staged changes"),
    ReviewCard("r2", "No.", Findings("incorrect", "No.", (Finding("/w/a.py", 1, 2, 0, "x", "y", 0.5),))),
    OtherCard("w1", "web_search_call", {"action": {"type": "search", "query": "q", "queries": ["q"]}}),
    OtherCard("w2", "web_search_call", {"action": {"type": "open_page", "url": "https://x"}}),
    OtherCard("w3", "web_search_call", {"action": {"type": "find", "url": "https://x", "pattern": "p"}}),
    OtherCard("w4", "web_search_call", {"action": {"type": "new"}}),
    OtherCard("w5", "web_search_call", {}),
    OtherCard("o1", "image_generation_call", {"id": "o1", "type": "image_generation_call", "result": "…"}),
]

REQUEST = LedgerRow(
    thread_id=T,
    turn_id=U,
    number=1,
    at=AT,
    day="2023-11-14",
    model="gpt-5",
    provider="openai",
    items=3,
    tail='],"model":"gpt-5"}',
    digest="0123",
    size=40_000,
    fragments=6,
    kept=0,
    kept_tokens=0,
    cause="first_request",
    status="completed",
    seconds=1.5,
    input_tokens=10_000,
    cached_input_tokens=0,
    output_tokens=20,
    reasoning_output_tokens=5,
    price=0.0127,
)
REQUESTS = [
    REQUEST,
    replace(
        REQUEST,
        number=2,
        cause="provider_evicted",
        kept=6,
        kept_tokens=10_000,
        differs_at=6,
        differs_source="user, turn 2",
        idle=900.0,
    ),
    replace(REQUEST, number=3, status="failed", input_tokens=None, cached_input_tokens=None, output_tokens=None, price=None),
    replace(REQUEST, number=4, cause="cache_not_reported", cached_input_tokens=None, price=None),
    replace(REQUEST, number=5, endpoint="compact", cause="new_epoch", status="interrupted", recipe=((0, 2), "{}")),
]

CODES = ["unauthorized", "model_not_found", "bad_request", "context_overflow", "rate_limited", "quota", "overloaded", "server"]
CODES += ["unreachable", "stream_cut", "policy", "other", "sandbox", "config", "internal", "one of tomorrow"]

HOOK_RUN = {
    "id": "h1",
    "eventName": "preToolUse",
    "handlerType": "command",
    "executionMode": "sync",
    "scope": "turn",
    "sourcePath": "/h/hooks.json",
    "displayOrder": 0,
    "status": "running",
    "startedAt": 0,
    "entries": [{"kind": "warning", "text": "careful"}],
}

EVENTS: list[e.Event] = [
    e.ThreadStarted(T),
    *(e.ThreadStatusChanged(T, status) for status in ("idle", "active", "waiting_on_approval")),
    e.ThreadNamed(T, "a name"),
    e.SkillsChanged(T),
    e.ThreadNamed(T, None),
    e.QueueChanged(T),
    e.ThreadReverted(T),
    e.ThreadClosed(T),
    e.ThreadSettingsChanged(T, Settings("/w", "m", Provider("p", "P", "http://x"))),
    e.TurnStarted(T, U, AT),
    *(e.CardStarted(T, U, card, AT) for card in CARDS),
    *(
        e.CardDelta(T, U, "m1", kind, 'te"xt\n\ud800é', 2)
        for kind in ("text", "reasoning", "summary", "summary_part", "output", "input")
    ),
    e.CardDelta(T, U, "t1", "output", "of a tool"),
    *(e.CardCompleted(T, U, card, AT) for card in CARDS),
    e.UsageUpdated(T, U, USAGE, USAGE, 128_000),
    e.UsageUpdated(T, U, USAGE, USAGE, None),
    *(e.RequestCounted(T, U, row) for row in REQUESTS),
    *(e.ErrorReported(T, U, e.ErrorInfo("It broke.", code, 503, "details"), will_retry=True) for code in CODES),
    e.WarningReported("careful"),
    e.WarningReported("careful", T),
    e.WarningReported("config.toml:3: no", T, "config", {"path": "/h/config.toml", "details": "line 3"}),
    e.WarningReported("config.toml: no", None, "config"),
    e.ProgressReported("Loading the embedded model"),
    e.ProgressReported(None),
    e.ContextChanged(T, ("/w/AGENTS.md",)),
    e.McpStatusChanged(T, "docs", "starting"),
    e.McpStatusChanged(T, "docs", "failed", "it ended before it was ready"),
    e.McpLoginCompleted(T, "docs", "login-1"),
    e.McpLoginCompleted(None, "docs", "login-2", "Nobody logged in to docs within 300 s."),
    e.ToolsChanged(T, "1 new", ("mcp__docs__late",), (), (), 1200),
    e.CardStarted(T, U, CallCard("q1", "mcp__docs__search", "k", MCP_CALL, "inProgress"), AT),
    e.CardDelta(T, U, "q1", "output", "half way"),
    e.TurnDiffUpdated(T, U, "diff"),
    e.ApprovalSettled(T, "a1"),
    e.CardStarted(T, U, CallCard("v1", "view_image", "k", {"view": "image", "path": "/w/a.png"}, "inProgress"), AT),
    e.PlanUpdated(T, U, "because", (("look", "completed"), ("do", "in_progress"), ("check", "pending"))),
    e.PatchPreviewed(T, U, "f1", ({"path": "/w/a.py", "kind": "update", "diff": "@@ -1 +1 @@"},)),
    e.GrantsChanged(),
    e.GrantsChanged(T),
    e.HunksChanged(T, ("/w/a.py", "/w/b.py")),
    e.CheckpointChanged(T, "turn"),
    e.HookRan(T, U, HOOK_RUN),
    e.HookRan(T, None, HOOK_RUN | {"eventName": "sessionStart", "scope": "thread", "status": "completed", "completedAt": 1}),
    e.ProblemsTold(T, U, (Problem("/w/a.json", 3, 5, "error", "Expected comma", "json"),)),
    e.CommandPrinted("p1", "stderr", b"\xff\x00 half", False),
    *(e.TurnCompleted(T, U, AT + 2.5, status, None, AT) for status in ("completed", "interrupted")),
    e.TurnCompleted(T, U, AT, "failed", e.ErrorInfo("No key.", "unauthorized", 401), None),
]

PREFIX = Subject("command", "git push", outside=True)
PREFIXES = (Offer("thread", PREFIX, True), Offer("always", PREFIX, True))
APPROVALS = [
    Approval("a1", T, U, "c1", AT, "command", "why", COMMAND),
    Approval("a2", T, U, "c1", AT, "command", "", COMMAND, outside_sandbox=True, offers=PREFIXES),
    Approval("a3", T, U, "c2", AT, "command", "why", {"view": "command"}),
    Approval("a6", T, U, "c1", AT, "network", "why", COMMAND, host="pypi.test", protocol="https"),
    Approval("a5", T, U, "q1", AT, "mcp_tool_call", "why", MCP_CALL, offers=(Offer("thread", Subject("mcp", "docs/search")),)),
    Approval("a4", T, U, "f1", AT, "file_change", "why", CHANGES, offers=(Offer("workspace", Subject("files", "/w/")),)),
    Question(
        "a7",
        T,
        U,
        "k1",
        AT,
        (QuestionPart("q", "Which", "Which one?", (Choice("A", "the first"),)), QuestionPart("r", "", "Why?")),
    ),
    Elicitation("a8", T, None, AT, "docs", "Who?", {"type": "object", "properties": {"name": {"type": "string"}}}),
    Elicitation("a9", T, U, AT, "docs", "Log in", url="https://docs.test/login", elicitation_id="e1"),
]

POLICIES = [
    SandboxPolicy("read-only", network=True),
    SandboxPolicy("workspace-write", ("/a",), True, True, True),
    SandboxPolicy("danger-full-access"),
    SandboxPolicy("external", network=True),
    SandboxPolicy("external"),
]

STATES = [
    ThreadState(
        ThreadMeta(T, AT, AT, "/w", "m", "p", "preview", "name", originator="treadle_vscode"),
        "active",
        Settings("/w", "m", Provider("p", "P", "http://x"), effort="high", sandbox=policy, roots=("/w", "/v")),
        [TurnState(U, "completed", AT, AT + 1, None, list(CARDS)), TurnState("turn-2", "failed", AT, None, e.ErrorInfo("No."))],
        ("/w/AGENTS.md",),
    )
    for policy in POLICIES
]
ROW = ThreadState(ThreadMeta(T, AT, AT, "/w", "m", "p", originator="someone"))
