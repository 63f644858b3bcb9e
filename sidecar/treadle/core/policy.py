"""(what a call would do, settings, grants) -> a Verdict with the reason that the user reads. Pure; one table test covers it.

Never allows an unconfined run that the settings did not ask for or the user did not approve: with no sandbox it asks or refuses.
A Deny's reason is written for the model, which reads it as the call's output; an Ask's reason for the user.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeAlias

from . import command
from .danger import danger
from .judging import UNRULED, Judgement, judge
from .record import frozen
from .rules import PrefixRule
from .settings import McpApproval, SandboxPolicy, Settings
from .writable import refusal

_SHOWN_PATHS = 5
NOT_TRUSTED = "This workspace is not trusted. Trust it in VS Code first."
RESTRICTED = (
    "This was not done: the user has not trusted this workspace yet, so no command is run, no file is changed and no MCP server "
    "is called here (VS Code's Restricted Mode). Answer from what you were given, or ask the user to trust the workspace."
)


@frozen
class RunCommand:
    """A wish to run a shell line."""

    script: str
    cwd: str
    escalated: bool = False
    "The model asks to run outside the sandbox."
    justification: str | None = None
    prefix_rule: tuple[str, ...] | None = None


@frozen
class WriteFiles:
    """A wish to change files. Absolute paths, symlinks resolved."""

    paths: tuple[str, ...]


@frozen
class Harmless:
    """A wish that touches nothing outside the agent, e.g. polling a running command."""


@frozen
class CallMcp:
    """A wish to call a tool of an MCP server, outside of every sandbox. A hint is None when the server does not say."""

    server: str
    tool: str
    read_only: bool | None = None
    destructive: bool | None = None
    open_world: bool | None = None
    mode: McpApproval = "auto"


Wish: TypeAlias = RunCommand | WriteFiles | CallMcp | Harmless


@frozen
class Allow:
    confined: bool = True
    "False: run without a sandbox; the settings or an earlier yes of the user say so."


@frozen
class Ask:
    reason: str
    outside_sandbox: bool = False
    "A yes means: run without a sandbox."
    degraded: bool = False
    "A yes means: run with less protection than was asked for."


@frozen
class Deny:
    reason: str


Verdict: TypeAlias = Allow | Ask | Deny


@frozen
class CommandKey:
    """What makes two commands the same to a grant: its words, or the very text where the shell would expand something."""

    line: tuple[command.Command, ...] | str
    cwd: str
    outside: bool


@frozen
class Grants:
    """What the user accepted for the rest of the thread. `remember` gives a new value."""

    commands: frozenset[CommandKey] = frozenset()
    files: frozenset[str] = frozenset()
    "Absolute paths; with / at its end one stands for all that is below a folder, but for what is protected there."
    mcp: frozenset[tuple[str, str]] = frozenset()
    "(server, tool); the tool * stands for all of a server."
    hosts: frozenset[str] = frozenset()
    "Hosts, or *.domain for all below a domain, that commands may connect to."
    denied_hosts: frozenset[str] = frozenset()
    degraded: bool = False
    "Commands may run with less protection than was asked for."
    rules: tuple[PrefixRule, ...] = ()
    "Prefixes that the user said yes to, of all scopes that count here."

    def granted(self, wish: Wish, *, outside: bool = False, own: tuple[str, ...] = ()) -> bool:
        """`outside`: it would run without a sandbox, whoever asked for that. A yes to a confined run is no yes to that. `own`:
        see `decide`; a yes to a folder is no yes to what is protected in it."""
        match wish:
            case RunCommand():
                return _key(wish, outside) in self.commands
            case WriteFiles():
                return bool(wish.paths) and all(self._covers(path, own) for path in wish.paths)
            case CallMcp():
                return not self.mcp.isdisjoint(((wish.server, wish.tool), (wish.server, "*")))
            case Harmless():
                return True

    def reaches(self, host: str) -> bool | None:
        """Whether the user allowed or denied this host, in lower case; None: neither. A no wins over a yes."""
        labels = host.split(".")
        names = {host, *("*." + ".".join(labels[at:]) for at in range(1, len(labels)))}
        return False if names & self.denied_hosts else True if names & self.hosts else None

    def _covers(self, path: str, own: tuple[str, ...]) -> bool:
        if path in self.files:
            return True
        if not posixpath.isabs(path) or ".." in PurePosixPath(path).parts:
            return False
        folders = (f"{str(parent).rstrip('/')}/" for parent in PurePosixPath(path).parents)
        return any(folder in self.files and refusal(path, [folder], own) is None for folder in folders)

    def remember(self, wish: Wish, *, outside: bool = False) -> Grants:
        match wish:
            case RunCommand():
                return replace(self, commands=self.commands | {_key(wish, outside)})
            case WriteFiles():
                return replace(self, files=self.files | set(wish.paths))
            case CallMcp():
                return replace(self, mcp=self.mcp | {(wish.server, wish.tool)})
            case Harmless():
                return self


NO_GRANTS = Grants()


def decide(
    wish: Wish,
    settings: Settings,
    grants: Grants,
    sandbox_available: bool,
    tmpdir: str | None = None,
    *,
    own: tuple[str, ...] = (),
    degraded: bool = False,
) -> Verdict:
    """`tmpdir` is $TMPDIR, resolved, where there is one: writable like /tmp unless the policy excludes it. `own` are the folders
    from which the agent itself starts: they are protected wherever they lie. `degraded`: see runtime.ports.SandboxStatus."""
    if settings.restricted and not isinstance(wish, Harmless):
        return Deny(RESTRICTED)
    match wish:
        case Harmless():
            return Allow(confined=settings.sandbox.confines)
        case RunCommand():
            verdict = _decide_command(wish, settings, grants, sandbox_available)
            return _consented(verdict, settings, grants) if degraded and settings.sandbox.mode == "workspace-write" else verdict
        case WriteFiles():
            return _decide_files(wish, settings, grants, tmpdir, own)
        case CallMcp():
            return _decide_mcp(wish, settings, grants)


def writable_roots(settings: Settings, tmpdir: str | None = None) -> tuple[str, ...]:
    """Where files may be changed without asking, before the protected names inside are taken out."""
    policy = settings.sandbox
    match policy.mode:
        case "read-only":
            return ()
        case "workspace-write":
            tmp = () if policy.exclude_slash_tmp else ("/tmp",)
            own = () if policy.exclude_tmpdir or not tmpdir else (tmpdir,)
            return tuple(dict.fromkeys((settings.cwd, *settings.roots, *policy.writable_roots, *tmp, *own)))
        case "danger-full-access" | "external":
            return ("/",)


def _key(wish: RunCommand, outside: bool) -> CommandKey:
    commands = command.split(wish.script)
    exact = commands is None or any(c.expands for c in commands)
    return CommandKey(wish.script if exact or commands is None else commands, wish.cwd, outside or wish.escalated)


def _decide_command(wish: RunCommand, settings: Settings, grants: Grants, sandbox_available: bool) -> Verdict:
    policy = settings.sandbox
    escalated = wish.escalated and policy.confines
    unprotected = policy.confines and not sandbox_available
    outside = escalated or unprotected or not policy.confines
    rules = settings.rules
    roots = (wish.cwd, settings.cwd, *settings.roots)
    ruled = judge(wish.script, rules, (), roots) if rules.prefixes else UNRULED
    if ruled.decision == "forbidden":
        return Deny(f"This command was not run. {ruled.reason} Reach the goal in another way, or ask the user.")
    if ruled.decision == "allow" and ruled.outside:
        return Allow(confined=False)
    dangerous = danger(wish.script)
    if settings.approval_policy == "never":
        return _decide_unattended(escalated, unprotected, dangerous, outside, ruled)
    if grants.granted(wish, outside=outside):
        return Allow(confined=not outside)
    if grants.rules:
        # They answer a question; a command that nobody would ask about stays in the sandbox.
        ruled = judge(wish.script, rules, grants.rules, roots)
        if ruled.decision == "allow" and (ruled.outside or not outside):
            return Allow(confined=not outside)
    said = f" It says: {wish.justification.strip()}" if wish.justification and wish.justification.strip() else ""
    reasons: list[str] = []
    if unprotected:
        reasons.append("There is no sandbox on this machine, so the command would run with all of your rights.")
    elif escalated:
        reasons.append(f"The agent asks to run this outside the sandbox.{said}")
    if ruled.decision == "prompt":
        reasons.append(ruled.reason)
    elif outside and ruled.hidden and rules.strict:
        reasons.append("What it runs is only known when it runs, and there are rules that forbid or ask.")
    if dangerous:
        reasons.append(f"This command {dangerous}.")
    if not reasons and settings.provider.wire == "local":
        reasons.append("The model is small and runs on this machine: it asks before every command.")
    return Ask(" ".join(reasons), outside) if reasons else Allow(confined=not outside)


def _consented(verdict: Verdict, settings: Settings, grants: Grants) -> Verdict:
    """Where the sandbox holds in part only, a confined run needs a yes to that, once."""
    confined = verdict.confined if isinstance(verdict, Allow) else isinstance(verdict, Ask) and not verdict.outside_sandbox
    if grants.degraded or not confined:
        return verdict
    lost = (
        "the sandbox holds in part only on this machine: in the folders that it may write, a command can also change .git, "
        ".codex, .agents and .vscode, and what it changes there is put back after it"
    )
    if settings.approval_policy == "never":
        return Deny(
            f"This command was not run: {lost}, which the user has not agreed to, and approvals are turned off (approval policy: "
            "never). The sandbox mode read-only holds in full; say so to the user."
        )
    further = f" {verdict.reason}" if isinstance(verdict, Ask) else ""
    return Ask(f"{lost[0].upper()}{lost[1:]}. A yes holds for the thread at least.{further}", degraded=True)


def _decide_unattended(escalated: bool, unprotected: bool, dangerous: str | None, outside: bool, ruled: Judgement) -> Verdict:
    rule = "and approvals are turned off (approval policy: never)"
    if ruled.decision == "prompt":
        return Deny(f"This command was not run. {ruled.reason} The user cannot be asked: approvals are turned off.")
    if dangerous:
        return Deny(f"This command was not run: it {dangerous}, {rule}. Find a way that keeps what is there.")
    if escalated:
        return Deny(
            f"This command was not run: it asks to leave the sandbox, {rule}. "
            "Call again without sandbox_permissions, or reach the goal in another way."
        )
    if unprotected:
        return Deny(
            f"This command was not run: there is no sandbox on this machine, {rule}. No command can run in this thread; "
            "say so to the user and go on without commands."
        )
    return Allow(confined=not outside)


def _decide_files(wish: WriteFiles, settings: Settings, grants: Grants, tmpdir: str | None, own: tuple[str, ...]) -> Verdict:
    confines = settings.sandbox.confines
    attended = settings.approval_policy != "never"
    refused = _refused(wish.paths, settings, tmpdir, own)
    if refused and not attended:
        return Deny(f"Nothing was changed: the patch touches {refused}, and approvals are turned off (approval policy: never).")
    if attended and grants.granted(wish, own=own):
        return Allow(confined=confines and not refused)
    if refused:
        return Ask(f"The agent asks to change {refused}.", outside_sandbox=True)
    if attended and settings.extra.get("ask_before_edits") is True:
        return Ask(f"You are asked before every edit: {_named(wish.paths)}.", outside_sandbox=not confines)
    return Allow(confined=confines)


def _decide_mcp(wish: CallMcp, settings: Settings, grants: Grants) -> Verdict:
    allowed = Allow(confined=settings.sandbox.confines)
    reason = _mcp_reason(wish)
    if reason is None:
        return allowed
    if settings.approval_policy != "never":
        # "before every call" is the user's word in the configuration
        return allowed if wish.mode != "prompt" and grants.granted(wish) else Ask(reason)
    if wish.mode != "prompt" and not settings.sandbox.confines:
        return allowed
    return Deny(
        f"This call was not made: {wish.tool} of the MCP server {wish.server} needs a yes of the user, and approvals are turned "
        "off (approval policy: never). Reach the goal in another way."
    )


def _mcp_reason(wish: CallMcp) -> str | None:
    """Why to ask, for the user; None when there is nothing to ask. A hint that is missing counts as the dangerous value."""
    name = f"the tool {wish.tool} of the MCP server {wish.server}"
    match wish.mode:
        case "approve":
            return None
        case "prompt":
            return f"You are asked before every call of {name}."
        case "writes":
            return None if wish.read_only else f"It is not known that {name} only reads."
        case "auto":
            if wish.destructive:
                return f"By its own account {name} may destroy something."
            if wish.read_only or (wish.destructive is False and wish.open_world is False):
                return None
            silent = wish.destructive is None and wish.open_world is None
            if silent:
                return f"It is not known what {name} may change."
            return f"By its own account {name} may change something, perhaps outside of this machine."


def _refused(paths: tuple[str, ...], settings: Settings, tmpdir: str | None, own: tuple[str, ...]) -> str | None:
    """The files that need a yes, and why, in words; None when all paths are free to write."""
    policy: SandboxPolicy = settings.sandbox
    if not policy.confines:
        return None
    if policy.mode == "read-only":
        return f"files in a read-only thread: {_named(paths)}"
    roots = [PurePosixPath(posixpath.normpath(root)) for root in writable_roots(settings, tmpdir)]
    outside = tuple(p for p in paths if not any(_inside(p, root) for root in roots))
    if outside:
        return f"files outside the workspace: {_named(outside)}"
    protected = tuple(p for p in paths if refusal(p, [str(root) for root in roots], own))
    return f"protected files: {_named(protected)}" if protected else None


def _inside(path: str, root: PurePosixPath) -> bool:
    # Not normalised away: a path that still climbs is not the resolved path we were promised.
    return posixpath.isabs(path) and ".." not in PurePosixPath(path).parts and PurePosixPath(path).is_relative_to(root)


def _named(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - _SHOWN_PATHS} more" if len(paths) > _SHOWN_PATHS else ""
    return ", ".join(paths[:_SHOWN_PATHS]) + more
