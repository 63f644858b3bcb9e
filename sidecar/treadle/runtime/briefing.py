"""What a thread's model is told besides the user's words: the Opening of an epoch, and the Context that changed.

Composes facts that others find (instruction files, date, sandbox) with the wording of core/context.py. Says nothing twice: each
section is compared with what the thread's model was last told, and only differences become new items. Asked before every request,
so it must cost next to nothing when nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from ..core import context
from ..core.items import Context, Item, JsonObject, Opening, dumps
from ..core.models import ModelFacts, facts_for
from ..core.settings import Settings
from ..core.thread import Thread
from .ports import Clock, Tool

_COMPACT_TOOLS = ("exec_command",)
"A small model is shown one tool only."


class Found(Protocol):
    """Instruction files as found; adapters/instructions.py."""

    @property
    def documents(self) -> tuple[context.Document, ...]: ...
    @property
    def problems(self) -> tuple[str, ...]: ...


class InstructionSource(Protocol):
    def find(self, settings: Settings) -> Found:
        """The same object as the last time when nothing changed."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Facts about the world that the model is told."""

    instructions: InstructionSource
    load_prompt: Callable[[str], str]
    shell: str
    local_date: Callable[[float], tuple[str, str]]
    "Seconds since the epoch -> (YYYY-MM-DD, name of the timezone)."


class ThreadBriefing:
    """See runtime.assembly.Briefing."""

    def __init__(self, clock: Clock, surroundings: Surroundings, tools: Callable[[Settings], Sequence[Tool]]) -> None:
        self._clock = clock
        self._around = surroundings
        self._all_tools = tools
        self._last: WeakKeyDictionary[Thread, tuple[object, ...]] = WeakKeyDictionary()
        "What the last empty answer for a thread was made from."

    def tools(self, settings: Settings) -> Sequence[Tool]:
        found = self._all_tools(settings)
        if facts_for(settings).prompt == "compact":
            return [tool for tool in found if tool.name in _COMPACT_TOOLS]
        return found

    def news(self, thread: Thread, settings: Settings, *, sandboxed: bool) -> Sequence[Item]:
        """Opening and Context items for what this thread's model has not been told yet."""
        found = self._around.instructions.find(settings)
        date, timezone = self._around.local_date(self._clock.now())
        made_from = (settings, found, date, timezone, sandboxed, len(thread.told), thread.opening)
        if self._last.get(thread) == made_from:
            return ()
        facts = facts_for(settings)
        situation = context.Situation(
            settings,
            self._around.load_prompt("permissions"),
            found.documents,
            self._around.shell,
            date,
            timezone,
            sandboxed,
            compact=facts.prompt == "compact",
            base_instructions=self._base(settings, facts),
        )
        items: list[Item] = []
        opening = thread.opening
        if opening is None or (opening.dialect and opening.dialect != _dialect(facts)):
            items.append(self._opening(settings, facts))
        new_id, now = self._clock.new_id, self._clock.now()
        items.extend(Context(new_id(), now, role, sections) for role, sections in context.changes(thread.told, situation))
        if not items:
            self._last[thread] = made_from
        return items

    def _opening(self, settings: Settings, facts: ModelFacts) -> Opening:
        specs = [tool.spec(facts.custom_tools) for tool in self.tools(settings)]
        return Opening(
            self._clock.new_id(),
            self._clock.now(),
            settings.model,
            settings.provider.id,
            self._base(settings, facts),
            dumps(specs),
            parallel_tool_calls=facts.parallel_tool_calls,
            dialect=_dialect(facts),
        )

    def _base(self, settings: Settings, facts: ModelFacts) -> str:
        """The instructions that belong to the model, unless the user or the client has set others."""
        if settings.base_instructions is not None:
            return settings.base_instructions
        return self._around.load_prompt("compact" if facts.prompt == "compact" else "base")

    def tail(self, settings: Settings) -> JsonObject:
        """Request fields that may change from turn to turn without moving the prefix."""
        facts, tail = facts_for(settings), dict[str, Any](model=settings.model)
        if facts.reasoning:
            effort = settings.effort or facts.default_effort
            reasoning = {"effort": effort, "summary": settings.reasoning_summary or "auto"}
            tail["reasoning"] = {name: value for name, value in reasoning.items() if value not in (None, "none")}
        text: JsonObject = {}
        if facts.verbosity:
            text["verbosity"] = settings.verbosity or facts.default_verbosity
        if settings.output_schema is not None:
            text["format"] = {
                "type": "json_schema",
                "name": "treadle_output_schema",
                "strict": True,
                "schema": settings.output_schema,
            }
        if text:
            tail["text"] = text
        return tail

    def sources(self, settings: Settings) -> tuple[str, ...]:
        """Instruction files in force, absolute paths, outermost first."""
        return tuple(document.path for document in self._around.instructions.find(settings).documents)

    def problems(self, settings: Settings) -> tuple[str, ...]:
        """A sentence per instruction file that was cut or could not be read."""
        return self._around.instructions.find(settings).problems

    def window(self, settings: Settings) -> int | None:
        return facts_for(settings).context_window


def _dialect(facts: ModelFacts) -> str:
    return f"{facts.prompt}, {'custom' if facts.custom_tools else 'function'} tools"
