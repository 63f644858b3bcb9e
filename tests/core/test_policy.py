"""core.policy: every rule is a row of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from treadle.core.policy import (
    Allow,
    Ask,
    CallMcp,
    Deny,
    Grants,
    Harmless,
    RunCommand,
    Verdict,
    Wish,
    WriteFiles,
    decide,
    writable_roots,
)
from treadle.core.settings import ApprovalPolicy, Provider, SandboxMode, SandboxPolicy, Settings

CWD = "/home/me/app"
INSIDE = WriteFiles((f"{CWD}/src/a.py",))
OUTSIDE = WriteFiles((f"{CWD}/src/a.py", "/etc/hosts"))
LS = RunCommand("ls", CWD)
RM = RunCommand("rm -rf build", CWD)
WIPE = CallMcp("docs", "wipe", destructive=True)
READ = CallMcp("docs", "read", read_only=True)
SILENT = CallMcp("docs", "odd")
ESCALATED = RunCommand("npm install", CWD, escalated=True, justification="needs the network")


@dataclass
class Row:
    wish: Wish
    verdict: type[Verdict]
    confined: bool | None = None
    says: str = ""
    approval: ApprovalPolicy = "on-request"
    mode: SandboxMode = "workspace-write"
    available: bool = True
    local: bool = False
    grants: Grants = field(default_factory=Grants)
    extra: dict[str, Any] = field(default_factory=dict)


FULL: SandboxMode = "danger-full-access"
TABLE = [
    Row(Harmless(), Allow),
    Row(Harmless(), Allow, approval="never", mode="read-only", available=False),
    # commands, on-request
    Row(LS, Allow, True),
    Row(LS, Allow, True, mode="read-only"),
    Row(LS, Ask, False, "no sandbox on this machine", available=False),
    Row(LS, Ask, False, "no sandbox on this machine", available=False, mode="read-only"),
    Row(LS, Allow, False, mode=FULL),
    Row(LS, Allow, False, mode=FULL, available=False),
    Row(LS, Allow, False, mode="external", available=False),
    Row(ESCALATED, Ask, False, "needs the network"),
    Row(ESCALATED, Ask, False, "no sandbox on this machine", available=False),
    Row(ESCALATED, Allow, False, mode=FULL),
    Row(RM, Ask, True, "deletes files for good"),
    Row(RM, Ask, False, "deletes files for good", mode=FULL),
    Row(RM, Ask, False, "deletes files for good", available=False),
    Row(LS, Ask, True, "before every command", local=True),
    Row(LS, Ask, False, "before every command", local=True, mode=FULL),
    # commands, grants
    Row(LS, Allow, True, local=True, grants=Grants().remember(LS)),
    Row(RM, Allow, True, grants=Grants().remember(RM)),
    Row(ESCALATED, Allow, False, grants=Grants().remember(ESCALATED)),
    Row(LS, Allow, False, available=False, grants=Grants().remember(LS, outside=True)),
    Row(LS, Ask, False, "no sandbox", available=False, grants=Grants().remember(LS)),
    Row(RM, Ask, False, "deletes files", mode=FULL, grants=Grants().remember(RM)),
    Row(ESCALATED, Ask, False, grants=Grants().remember(RunCommand("npm install", CWD))),
    # commands, never
    Row(LS, Allow, True, approval="never"),
    Row(LS, Allow, True, approval="never", local=True),
    Row(LS, Allow, False, approval="never", mode=FULL),
    Row(LS, Deny, None, "no sandbox on this machine", approval="never", available=False),
    Row(ESCALATED, Deny, None, "without sandbox_permissions", approval="never"),
    Row(ESCALATED, Deny, None, "leave the sandbox", approval="never", grants=Grants().remember(ESCALATED)),
    Row(ESCALATED, Allow, False, approval="never", mode=FULL),
    Row(RM, Deny, None, "deletes files for good", approval="never"),
    Row(RM, Deny, None, "deletes files for good", approval="never", mode=FULL),
    # files
    Row(INSIDE, Allow, True),
    Row(INSIDE, Allow, True, available=False),
    Row(INSIDE, Ask, False, "read-only", mode="read-only"),
    Row(INSIDE, Allow, False, mode=FULL),
    Row(OUTSIDE, Allow, False, mode=FULL),
    Row(OUTSIDE, Ask, False, "outside the workspace: /etc/hosts"),
    Row(OUTSIDE, Deny, None, "outside the workspace: /etc/hosts", approval="never"),
    Row(INSIDE, Deny, None, "read-only", approval="never", mode="read-only"),
    Row(INSIDE, Allow, True, approval="never"),
    Row(WriteFiles(("/home/me/lib/x",)), Allow, True),
    Row(WriteFiles(("/data/x",)), Allow, True),
    Row(WriteFiles(("/tmp/x",)), Allow, True),
    Row(WriteFiles(("/scratch/x",)), Allow, True),
    Row(WriteFiles(("/home/me/app2/x",)), Ask, False, "outside"),
    Row(WriteFiles((f"{CWD}/../x",)), Ask, False, "outside"),
    Row(WriteFiles(("relative",)), Ask, False, "outside"),
    Row(WriteFiles((f"{CWD}/.git/hooks/pre-commit",)), Ask, False, "protected"),
    Row(WriteFiles((f"{CWD}/.GIT/config",)), Ask, False, "protected"),
    Row(WriteFiles((f"{CWD}/sub/.git",)), Ask, False, "protected"),
    Row(WriteFiles((f"{CWD}/.vscode/launch.json",)), Ask, False, "protected"),
    Row(WriteFiles((f"{CWD}/.codex/config.toml",)), Ask, False, "protected"),
    Row(WriteFiles((f"{CWD}/.agents/x",)), Ask, False, "protected"),
    Row(WriteFiles((f"{CWD}/.gitignore",)), Allow, True),
    Row(INSIDE, Ask, True, "before every edit", extra={"ask_before_edits": True}),
    Row(INSIDE, Ask, False, "before every edit", extra={"ask_before_edits": True}, mode=FULL),
    Row(INSIDE, Allow, True, extra={"ask_before_edits": True}, grants=Grants().remember(INSIDE)),
    Row(INSIDE, Allow, True, extra={"ask_before_edits": True}, approval="never"),
    Row(INSIDE, Allow, False, mode="read-only", grants=Grants().remember(INSIDE)),
    Row(OUTSIDE, Ask, False, grants=Grants().remember(INSIDE)),
    Row(OUTSIDE, Allow, False, grants=Grants().remember(INSIDE).remember(WriteFiles(("/etc/hosts",)))),
    Row(OUTSIDE, Deny, None, approval="never", grants=Grants().remember(OUTSIDE)),
    # tools of MCP servers: a hint that is missing counts as the dangerous value
    Row(READ, Allow),
    Row(WIPE, Ask, says="destroy"),
    Row(SILENT, Ask, says="not known"),
    Row(CallMcp("docs", "both", read_only=True, destructive=True), Ask),
    Row(CallMcp("docs", "add", destructive=False), Ask, says="outside of this machine"),
    Row(CallMcp("docs", "web", open_world=False), Ask),
    Row(CallMcp("docs", "note", destructive=False, open_world=False), Allow),
    Row(CallMcp("docs", "wipe", destructive=True, mode="approve"), Allow),
    Row(CallMcp("docs", "read", read_only=True, mode="prompt"), Ask, says="before every call"),
    Row(CallMcp("docs", "read", read_only=True, mode="writes"), Allow),
    Row(CallMcp("docs", "note", destructive=False, open_world=False, mode="writes"), Ask),
    Row(WIPE, Allow, grants=Grants().remember(WIPE)),
    Row(WIPE, Ask, grants=Grants().remember(CallMcp("other", "wipe"))),
    Row(WIPE, Deny, approval="never", says="approvals are turned off"),
    Row(WIPE, Deny, approval="never", grants=Grants().remember(WIPE)),
    Row(WIPE, Allow, approval="never", mode=FULL),
    Row(CallMcp("docs", "read", read_only=True, mode="prompt"), Deny, approval="never", mode=FULL),
    Row(READ, Allow, approval="never", mode="read-only"),
]


def settings(row: Row) -> Settings:
    provider = Provider("p", "P", "http://127.0.0.1", wire="local" if row.local else "responses")
    sandbox = SandboxPolicy(row.mode, writable_roots=("/data",))
    return Settings(CWD, "m", provider, approval_policy=row.approval, sandbox=sandbox, roots=("/home/me/lib",), extra=row.extra)


def named(rows: list[Row]) -> list[str]:
    """The same in every process: a set has no order."""
    return [f"{number} {type(row.wish).__name__} {row.verdict.__name__}" for number, row in enumerate(rows)]


@pytest.mark.parametrize("row", TABLE, ids=named(TABLE))
def test_the_verdict_of_every_row(row: Row):
    verdict = decide(row.wish, settings(row), row.grants, row.available, tmpdir="/scratch")
    assert isinstance(verdict, row.verdict)
    match verdict:
        case Allow(confined):
            assert row.confined in (None, confined)
        case Ask(reason, outside):
            assert row.confined in (None, not outside)
            assert row.says in reason
            assert reason[0].isupper()
            assert reason.rstrip().endswith((".", "network"))
        case Deny(reason):
            assert row.says in reason


@pytest.mark.parametrize(
    ("once", "again", "same"),
    [
        ("npm test", "npm   test", True),
        ("npm test", "npm 'test'", True),
        ("npm test", "npm test -- x", False),
        ("a && b", "a; b", False),
        ("a && b", "a  &&  b", True),
        ("rm '*'", "rm *", False),
        ("rm *", "rm *", True),
        ("echo $X", "echo $X", True),
        ("echo $X", "echo '$X'", False),
        ("'a $b'", "a $b", False),
    ],
)
def test_a_grant_holds_for_the_same_command_only(once: str, again: str, same: bool):
    assert Grants().remember(RunCommand(once, CWD)).granted(RunCommand(again, CWD)) is same


def test_a_grant_holds_for_its_folder_only():
    assert not Grants().remember(LS).granted(RunCommand("ls", "/"))


def test_remembering_leaves_the_older_grants_as_they_were():
    before = Grants()
    before.remember(LS)
    assert not before.granted(LS)


def test_an_empty_patch_is_not_granted_by_nothing():
    assert not Grants().granted(WriteFiles(()))


def test_temporary_folders_can_be_excluded():
    sandbox = SandboxPolicy("workspace-write", exclude_tmpdir=True, exclude_slash_tmp=True)
    assert writable_roots(Settings(CWD, "m", Provider("p", "P", ""), sandbox=sandbox), "/scratch") == (CWD,)


def test_a_patch_into_the_agents_own_folder_asks_as_for_any_protected_file():
    row = Row(WriteFiles(("/tmp/home/config.toml",)), Ask)
    verdict = decide(row.wish, settings(row), Grants(), True, own=("/tmp/home",))
    assert isinstance(verdict, Ask)
    assert "protected" in verdict.reason
    never = decide(row.wish, settings(Row(row.wish, Deny, approval="never")), Grants(), True, own=("/tmp/home",))
    assert isinstance(never, Deny)


DEGRADED = [
    # (wish, mode, approval, consented, verdict, confined)
    (LS, "workspace-write", "on-request", False, Ask, True),
    (LS, "workspace-write", "on-request", True, Allow, True),
    (LS, "workspace-write", "never", False, Deny, None),
    (LS, "workspace-write", "never", True, Allow, True),
    (LS, "read-only", "on-request", False, Allow, True),
    (LS, "read-only", "never", False, Allow, True),
    (LS, FULL, "on-request", False, Allow, False),
    (ESCALATED, "workspace-write", "on-request", False, Ask, False),
    (INSIDE, "workspace-write", "on-request", False, Allow, True),
    (Harmless(), "workspace-write", "on-request", False, Allow, True),
]


@pytest.mark.parametrize("row", DEGRADED, ids=str)
def test_a_sandbox_that_holds_in_part_needs_a_yes_for_what_it_does_not_hold(row: Any):
    wish, mode, approval, consented, kind, confined = row
    under = settings(Row(wish, kind, mode=mode, approval=approval))
    verdict = decide(wish, under, Grants(degraded=consented), True, degraded=True)
    assert isinstance(verdict, kind)
    match verdict:
        case Allow():
            assert verdict.confined is confined
        case Ask():
            assert (not verdict.outside_sandbox, verdict.degraded) == (confined, confined)
            assert ("holds in part" in verdict.reason) is confined
        case Deny():
            assert "read-only holds in full" in verdict.reason


def test_a_yes_to_a_weaker_sandbox_is_no_yes_to_what_is_dangerous():
    under = settings(Row(RM, Ask))
    first = decide(RM, under, Grants(), True, degraded=True)
    assert isinstance(first, Ask)
    assert first.degraded
    second = decide(RM, under, Grants(degraded=True), True, degraded=True)
    assert isinstance(second, Ask)
    assert not second.degraded
    assert second.reason in first.reason
