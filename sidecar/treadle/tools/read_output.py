"""read_output: reads on in an output that the model was shown in part. Reads the thread's own kept outputs and nothing else."""

from __future__ import annotations

import asyncio
import os

from ..core import truncate
from ..core.errors import ToolFailure
from ..core.items import JsonObject
from ..core.policy import Harmless
from ..core.record import frozen
from ..core.views import ToolView
from ..runtime.ports import Call, Outputs, Plan, Scope, ToolResult
from . import arguments
from .exec_command import description
from .sessions import output_budget

NAME = "read_output"
DEFAULT_LINES, MOST_LINES = 400, 5_000
_PIECE = 1024 * 1024
_LONGEST_LINE = 20_000
"Characters of one line that are kept: a line may be all of an output."


@frozen
class _Prepared:
    name: str
    start: int
    lines: int
    pattern: str | None
    max_tokens: int


class ReadOutput:
    name = NAME
    parallel = True

    def spec(self, custom_tools: bool) -> JsonObject:
        properties: JsonObject = {
            "output": {"type": "string", "description": "The path after `Full output:` in the answer that was cut."},
            "start_line": {"type": "number", "description": "The first line to read, counted from 1; negative: from the end."},
            "max_lines": {"type": "number", "description": "How many lines; default: 400."},
            "contains": {"type": "string", "description": "Only lines that hold this text, with their numbers."},
            "max_output_tokens": {"type": "number", "description": "Longer output loses its middle; default: 10000."},
        }
        return {
            "type": "function",
            "name": NAME,
            "description": description(NAME),
            "strict": False,
            "parameters": {"type": "object", "properties": properties, "required": ["output"], "additionalProperties": False},
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        given = arguments.parsed(call.arguments)
        output = arguments.text(given, "output")
        if not output or not os.path.basename(output):
            raise ToolFailure("failed to parse function arguments: `output` must be the path of a kept output")
        lines = arguments.number(given, "max_lines")
        prepared = _Prepared(
            os.path.basename(output),
            arguments.number(given, "start_line") or 1,
            min(max(1, DEFAULT_LINES if lines is None else lines), MOST_LINES),
            arguments.text(given, "contains") or None,
            output_budget(arguments.number(given, "max_output_tokens"), scope.settings),
        )
        drawn: ToolView = {"view": "tool", "tool": NAME, "arguments": given}
        return Plan(drawn, Harmless(), prepared)

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        prepared: _Prepared = plan.data
        if scope.outputs is None:
            raise ToolFailure("read_output failed: this thread keeps no outputs")
        found = await asyncio.to_thread(_read, scope.outputs, call.thread_id, prepared)
        if found is None:
            raise ToolFailure(
                f"read_output failed: this thread has no kept output {prepared.name} (any more); run the command again"
            )
        return ToolResult(truncate.middle(found, prepared.max_tokens), plan.view)


def _read(outputs: Outputs, thread_id: str, wanted: _Prepared) -> str | None:
    """The lines, under a heading that says which of how many they are. One pass, a bounded part of it in memory."""
    first = outputs.read(thread_id, wanted.name, 0, _PIECE)
    if first is None:
        return None
    kept: list[tuple[int, str]] = []
    number, rest, part = 0, "", first
    while True:
        pieces = (rest + part.text).split("\n")
        rest = pieces.pop()
        for line in pieces:
            number += 1
            _keep(kept, number, line, wanted)
        if len(rest) > _LONGEST_LINE:
            rest = rest[:_LONGEST_LINE]
        if part.end >= part.size or part.end <= part.start:
            break
        following = outputs.read(thread_id, wanted.name, part.end, _PIECE)
        if following is None:
            break
        part = following
    if rest:
        number += 1
        _keep(kept, number, rest, wanted)
    if not kept:
        return f"No such line; the output has {number:,} lines.\n"
    if wanted.pattern is not None:
        return "".join(f"{at}: {line}\n" for at, line in kept)
    return f"Lines {kept[0][0]:,} to {kept[-1][0]:,} of {number:,}:\n" + "".join(f"{line}\n" for _, line in kept)


def _keep(kept: list[tuple[int, str]], number: int, line: str, wanted: _Prepared) -> None:
    line = line[:_LONGEST_LINE]
    if wanted.pattern is not None and wanted.pattern not in line:
        return
    if wanted.start < 0:
        kept.append((number, line))
        # of the last -start lines, the first `lines` are wanted
        if len(kept) > -wanted.start:
            kept.pop(0)
    elif number >= wanted.start and len(kept) < wanted.lines:
        kept.append((number, line))
