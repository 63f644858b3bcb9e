"""exec_command: the model's shell. Starts a command, waits a while, answers with its output or with a session to come back to.

Never decides whether the command may run: `prepare` says what is wished, and `run` is called only after policy and user agreed.
A cancelled call ends its command; one that has become a session lives on until its thread ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ..core import command, truncate
from ..core.confinement import marks
from ..core.errors import ToolFailure, TreadleError
from ..core.items import JsonObject
from ..core.policy import RunCommand
from ..core.record import frozen
from ..runtime.ports import Call, CommandSpec, Plan, Scope, Tool, ToolResult
from ..runtime.ports.tools import CommandWay
from . import arguments, git_turns
from .reads import note_reads
from .sessions import Session, Sessions, output_budget, result, view
from .spilling import opener

NAME = "exec_command"
DEFAULT_YIELD_MS, SHORTEST_YIELD_MS, LONGEST_YIELD_MS = 10_000, 250, 30_000
FAILURE_BYTES = 900
REFUSAL_BYTES = 300
NOTICED_WAIT = 0.2
"Seconds for which a git command waited for another one before the model is told."
SHELLS = ("bash", "zsh", "sh")
_SHELL_FOLDERS = ("/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
"Searched in this order instead of PATH, whose first entry may belong to the workspace."


@frozen
class _Prepared:
    spec: CommandSpec
    script: str
    yield_seconds: float
    max_output_tokens: int


@frozen
class _Patch:
    """The script was a call of apply_patch."""

    data: Any
    cwd: str


class ExecCommand:
    """`patch_tool` takes over scripts that are really patches."""

    name = NAME
    parallel = True

    def __init__(self, patch_tool: Tool | None = None, *, allow_login_shell: bool = True) -> None:
        self._patch_tool = patch_tool
        self._allow_login_shell = allow_login_shell

    def spec(self, custom_tools: bool) -> JsonObject:
        properties: JsonObject = {
            "cmd": {"type": "string", "description": "The shell line to run."},
            "workdir": {"type": "string", "description": "Where to run it; default: the thread's working directory."},
            "shell": {"type": "string", "description": "bash, zsh or sh; default: the user's shell."},
            "login": {"type": "boolean", "description": "Run as a login shell; default: true."},
            "tty": {"type": "boolean", "description": "Give it a terminal, so that write_stdin can type; default: false."},
            "yield_time_ms": {"type": "number", "description": "How long to wait for it to end, 250 to 30000; default: 10000."},
            "max_output_tokens": {"type": "number", "description": "Longer output loses its middle; default: 10000."},
            "sandbox_permissions": {
                "type": "string",
                "enum": ["use_default", "require_escalated"],
                "description": "require_escalated asks the user to let it run outside the sandbox; default: use_default.",
            },
            "justification": {
                "type": "string",
                "description": "With require_escalated: one question to the user that says why it must leave the sandbox.",
            },
            "prefix_rule": {
                "type": "array",
                "items": {"type": "string"},
                "description": "With require_escalated: the first words of the command, proposed as a rule for similar ones.",
            },
        }
        if not self._allow_login_shell:
            del properties["login"]
        return {
            "type": "function",
            "name": NAME,
            "description": description(NAME),
            "strict": False,
            "parameters": {"type": "object", "properties": properties, "required": ["cmd"], "additionalProperties": False},
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        given = arguments.parsed(call.arguments)
        script = arguments.text(given, "cmd")
        if script is None or not script.strip():
            raise ToolFailure("failed to parse function arguments: `cmd` must be a shell line")
        if "\0" in script:
            raise ToolFailure("failed to parse function arguments: `cmd` holds a NUL character")
        cwd = _join(scope.settings.cwd, arguments.text(given, "workdir"))
        patch = await self._patch(call, script, cwd, scope)
        if patch is not None:
            return patch
        _check_folder(cwd)
        tty = arguments.flag(given, "tty", default=False)
        login = arguments.flag(given, "login", default=True) and self._allow_login_shell and scope.settings.allow_login_shell
        shell = _shell(arguments.text(given, "shell"), scope.environment)
        wait = arguments.number(given, "yield_time_ms")
        wait_ms = min(max(DEFAULT_YIELD_MS if wait is None else wait, SHORTEST_YIELD_MS), LONGEST_YIELD_MS)
        budget = output_budget(arguments.number(given, "max_output_tokens"), scope.settings)
        argv = (shell, "-lc" if login and not scope.login_done else "-c", script)
        spec = CommandSpec(argv, cwd, tty=tty, limits=scope.settings.limits)
        return Plan(
            view(script, cwd, command.actions(script, cwd)),
            _wish(given, script, cwd),
            _Prepared(spec, script, wait_ms / 1000, budget),
        )

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        if isinstance(plan.data, _Patch):
            assert self._patch_tool is not None
            return await self._patch_tool.run(call, replace(plan, data=plan.data.data), _at(scope, plan.data.cwd))
        prepared: _Prepared = plan.data
        sessions: Sessions = scope.sessions
        spec = replace(prepared.spec, env={**scope.environment, **marks(scope.policy)})
        began = scope.clock.monotonic()
        with contextlib.ExitStack() as over:
            waited = await _take_turn(prepared, scope, over)
            way = await scope.network.open(call, plan.view, scope.policy) if scope.network else None
            if way is not None:
                over.callback(way.close)
            session = await _start(call, prepared.script, _by(way, spec), scope)
            session.when_ended(over.pop_all().close)
        try:
            async with session.turn:
                with session.shown(scope.emit):
                    await session.settle(scope.clock, prepared.yield_seconds)
                report = session.report(scope.clock.monotonic() - began, prepared.max_output_tokens, waited)
        except asyncio.CancelledError:
            await sessions.end(session)
            raise
        if report.exit_code is not None:
            sessions.forget(session)
        if report.exit_code == 0:
            await note_reads(plan.view, scope)
        done = result(plan, report, prepared.max_output_tokens)
        return replace(done, text=done.text + _told(way.refusals)) if way is not None else done

    async def _patch(self, call: Call, script: str, cwd: str, scope: Scope) -> Plan | None:
        from ..core import patch_script  # noqa: PLC0415

        if self._patch_tool is None:
            return None
        if patch_script.is_bare_patch(script):
            raise ToolFailure(_failed("the command is a patch; call the tool apply_patch with this text instead"))
        found = patch_script.from_script(script)
        if found is None:
            return None
        text, folder = found
        base = _join(cwd, folder)
        plan = await self._patch_tool.prepare(replace(call, arguments=text, custom=True), _at(scope, base))
        return replace(plan, data=_Patch(plan.data, base))


async def _start(call: Call, script: str, spec: CommandSpec, scope: Scope) -> Session:
    spills, sessions = opener(scope.outputs, call), scope.sessions
    try:
        return await sessions.start(
            script, spec, scope.sandbox, scope.policy, spills, secrets=scope.secrets, turn_id=call.turn_id, item_id=call.item_id
        )
    except TreadleError as error:
        raise ToolFailure(_failed(error.sentence())) from error
    except OSError as error:
        raise ToolFailure(_failed(f"it could not be started: {error.strerror or error}")) from error


async def _take_turn(prepared: _Prepared, scope: Scope, over: contextlib.ExitStack) -> str:
    """Wait while another command changes the same repository; `over` gives the turn back. What the model is told of the wait."""
    began = scope.clock.monotonic()
    try:
        turn = await git_turns.take(prepared.script, prepared.spec.cwd)
    except git_turns.Busy as busy:
        running = scope.sessions.of_script(str(busy))
        where = f"session {running.id}" if running is not None else "in another thread"
        line = truncate.clip(str(busy), REFUSAL_BYTES)
        raise ToolFailure(
            _failed(
                f"another git command ({where}) has been changing this repository for {git_turns.LONGEST_WAIT:.0f} seconds, and "
                f"they run one at a time; wait for it or end it, then call again. It is: {line}"
            )
        ) from None
    over.callback(turn.give_back)
    waited = scope.clock.monotonic() - began
    return f"Waited {waited:.1f} seconds for another git command in this repository\n" if waited >= NOTICED_WAIT else ""


@cache
def description(tool: str) -> str:
    return Path(__file__).with_name(f"{tool}.md").read_text("utf-8").strip()


def _failed(why: str) -> str:
    return truncate.clip(f"{NAME} failed: {why}", FAILURE_BYTES)


def _join(cwd: str, folder: str | None) -> str:
    return os.path.normpath(os.path.join(cwd, folder or ""))


def _check_folder(path: str) -> None:
    """Before the user is asked, not after."""
    if not os.path.isdir(path):
        raise ToolFailure(_failed(f"{path} is not a folder"))


def _by(way: CommandWay | None, spec: CommandSpec) -> CommandSpec:
    """With the variables that lead to the proxy, and the port that it has."""
    return spec if way is None else replace(spec, env={**spec.env, **way.environment}, bridges=(way.port,))


def _told(refusals: tuple[str, ...]) -> str:
    """Programs rarely show why the proxy refused them."""
    return "".join(f"\n[network] {truncate.clip(sentence, REFUSAL_BYTES)}" for sentence in refusals)


def _at(scope: Scope, cwd: str) -> Scope:
    return replace(scope, settings=replace(scope.settings, cwd=cwd))


def _wish(given: JsonObject, script: str, cwd: str) -> RunCommand:
    permissions = arguments.text(given, "sandbox_permissions") or "use_default"
    if permissions not in ("use_default", "require_escalated"):
        raise ToolFailure(f"failed to parse function arguments: `sandbox_permissions` cannot be {permissions!r}")
    escalated = permissions == "require_escalated"
    prefix = arguments.texts(given, "prefix_rule")
    return RunCommand(script, cwd, escalated, arguments.text(given, "justification"), prefix if escalated and prefix else None)


def _shell(wanted: str | None, environment: Mapping[str, str]) -> str:
    """The program that runs the line. A shell that the model names is looked up in the system's folders only."""
    if wanted:
        name = os.path.basename(wanted)
        found = (
            next((path for d in _SHELL_FOLDERS if os.access(path := f"{d}/{name}", os.X_OK)), None) if name in SHELLS else None
        )
        if found is None:
            raise ToolFailure(_failed(f"there is no shell {wanted!r} here; leave `shell` out or name one of {', '.join(SHELLS)}"))
        return found
    own = environment.get("SHELL", "")
    if os.path.basename(own) in SHELLS and os.path.isabs(own) and os.access(own, os.X_OK):
        return own
    return "/bin/bash" if os.access("/bin/bash", os.X_OK) else "/bin/sh"
