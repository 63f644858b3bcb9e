"""write_stdin: come back to a running command: poll it, type into it, interrupt it.

Typing into a command that runs outside the sandbox is a wish to run what is typed there, and goes the same way as one: policy,
then user. Everything else here is harmless. A cancelled call leaves its command running.
"""

from __future__ import annotations

import asyncio

from ..core.errors import ToolFailure
from ..core.items import JsonObject
from ..core.policy import Harmless, RunCommand, Wish
from ..core.record import frozen
from ..runtime.ports import Call, Plan, Scope, ToolResult
from . import arguments
from .exec_command import description
from .sessions import Session, output_budget, result, session_of, view

NAME = "write_stdin"
DEFAULT_YIELD_MS, SHORTEST_YIELD_MS, LONGEST_YIELD_MS = 250, 250, 30_000
SHORTEST_POLL_MS, LONGEST_POLL_MS = 5_000, 300_000
_INTERRUPT = "\x03"
_CONTROLS = frozenset("\x03\x04\x1a\x1c")
"Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\\: they end or stop things and run nothing."


@frozen
class _Prepared:
    session_id: int
    chars: str
    yield_seconds: float
    max_output_tokens: int


class WriteStdin:
    name = NAME
    parallel = True

    def spec(self, custom_tools: bool) -> JsonObject:
        properties: JsonObject = {
            "session_id": {"type": "number", "description": "The session ID that exec_command answered."},
            "chars": {"type": "string", "description": "What to type; default: nothing, which polls."},
            "yield_time_ms": {
                "type": "number",
                "description": "How long to wait: 250 to 30000 after typing (default 250), 5000 to 300000 for a poll (5000).",
            },
            "max_output_tokens": {"type": "number", "description": "Longer output loses its middle; default: 10000."},
        }
        return {
            "type": "function",
            "name": NAME,
            "description": description(NAME),
            "strict": False,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": ["session_id"],
                "additionalProperties": False,
            },
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        given = arguments.parsed(call.arguments)
        session_id = arguments.number(given, "session_id")
        if session_id is None:
            raise ToolFailure("failed to parse function arguments: `session_id` must be a number")
        session = session_of(scope.sessions, session_id)
        chars = arguments.text(given, "chars") or ""
        if chars and not session.tty and chars != _INTERRUPT and not session.ended.is_set():
            raise ToolFailure(
                f"write_stdin failed: standard input of session {session_id} is closed; "
                "start the command again with tty set to true to type into it"
            )
        wait = arguments.number(given, "yield_time_ms") or DEFAULT_YIELD_MS
        shortest, longest = (SHORTEST_YIELD_MS, LONGEST_YIELD_MS) if chars else (SHORTEST_POLL_MS, LONGEST_POLL_MS)
        budget = output_budget(arguments.number(given, "max_output_tokens"), scope.settings)
        prepared = _Prepared(session_id, chars, min(max(wait, shortest), longest) / 1000, budget)
        drawn = view(session.script, session.cwd, [{"type": "unknown", "command": session.script}])
        drawn["process_id"] = str(session_id)
        return Plan(drawn, _wish(session, chars, scope), prepared)

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        prepared: _Prepared = plan.data
        session = session_of(scope.sessions, prepared.session_id)
        scope.sessions.touch(session)
        began = scope.clock.monotonic()
        async with session.turn:
            with session.shown(scope.emit):
                note = await _type(session, prepared.chars, prepared.yield_seconds) if prepared.chars else ""
                await session.settle(scope.clock, prepared.yield_seconds)
            report = session.report(scope.clock.monotonic() - began, prepared.max_output_tokens, note)
        if report.exit_code is not None:
            scope.sessions.forget(session)
        return result(plan, report, prepared.max_output_tokens)


async def _type(session: Session, chars: str, seconds: float) -> str:
    """A line for the model when something did not arrive: a terminal takes a few kilobytes that nobody reads, and no more."""
    if not session.tty:
        session.process.interrupt()
        return ""
    try:
        async with asyncio.timeout(seconds):
            await session.process.write(chars.encode("utf-8", "replace"))
    except TimeoutError:
        return "The command does not read: only the beginning of what was typed has reached its terminal\n"
    except BrokenPipeError:
        # It has just ended: the report that follows says how.
        return ""
    return ""


def _wish(session: Session, chars: str, scope: Scope) -> Wish:
    if session.confined or not scope.settings.sandbox.confines or set(chars) <= _CONTROLS:
        return Harmless()
    why = f"to be typed into the running command {session.script!r}"
    return RunCommand(chars, session.cwd, escalated=True, justification=why)
