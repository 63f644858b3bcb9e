"""What a thread's model is told besides the user's words: the Opening of an epoch, and the Context that changed.

Composes facts that others find (instruction files, date, sandbox) with the wording of core/context.py. Says nothing twice: each
section is compared with what the thread's model was last told, and only differences become new items. Asked before every request,
so it must cost next to nothing when nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, Protocol
from weakref import WeakKeyDictionary, WeakSet

from ..core import compaction, context
from ..core.compaction import Room
from ..core.events import Event
from ..core.hosted import hosted
from ..core.items import Context, Item, JsonObject, Opening, dumps
from ..core.models import ModelFacts, facts_for, window_doubt
from ..core.record import frozen
from ..core.settings import Sandboxed, Settings
from ..core.skills import room_for_bodies
from ..core.thread import Thread
from .listing import ListingChange, ThreadTools, ToolsByName, compare
from .ports import Clock, ForeignTool, ForeignTools, Tool
from .skills import Invocations, NoSkills, SkillSource, SkillWatch, listing

_SET_BASE = "model_instructions_file, or the client's baseInstructions"
_COMPACT_TOOLS = ("exec_command",)
"A small model is shown one tool only."
SMALL_MODEL = (
    "The small offline model runs on this computer: it is for trying Treadle out. Check what it says, and configure a provider "
    "with a key for real work."
)


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


@frozen
class Surroundings:
    """Facts about the world that the model is told."""

    instructions: InstructionSource
    load_prompt: Callable[[str], str]
    shell: str
    local_date: Callable[[float], tuple[str, str]]
    "Seconds since the epoch -> (YYYY-MM-DD, name of the timezone)."
    skills: SkillSource = field(default_factory=NoSkills)


class ThreadBriefing:
    """See runtime.assembly.Briefing."""

    def __init__(
        self,
        clock: Clock,
        surroundings: Surroundings,
        tools: Callable[[Settings], Sequence[Tool]],
        foreign: ForeignTools | None = None,
    ) -> None:
        self._clock = clock
        self._around = surroundings
        self._all_tools = tools
        self._foreign = foreign
        self._to_refresh: WeakSet[Thread] = WeakSet()
        "Threads whose user asked for the tools of now."
        self._last: WeakKeyDictionary[Thread, tuple[object, ...]] = WeakKeyDictionary()
        "What the last empty answer for a thread was made from."
        self._skills = SkillWatch(surroundings.skills)

    def tools(self, settings: Settings) -> Sequence[Tool]:
        found = self._all_tools(settings)
        if facts_for(settings).prompt == "compact":
            return [tool for tool in found if tool.name in _COMPACT_TOOLS]
        return found

    def _listed(self, settings: Settings) -> Sequence[ForeignTool]:
        """MCP tools: the last in the list, so that one more costs the others nothing but their place in the cache."""
        if self._foreign is None or facts_for(settings).prompt == "compact":
            return ()
        return self._foreign.listed(settings)

    async def ready(self, thread: Thread, settings: Settings) -> None:
        """See runtime.assembly.Briefing."""
        if self._foreign is not None and self._due(thread, settings) and facts_for(settings).prompt != "compact":
            await self._foreign.settle(settings)

    def tools_of(self, thread: Thread, settings: Settings) -> ToolsByName:
        """See runtime.assembly.Briefing."""
        return ThreadTools(thread, settings, self.tools, self._foreign)

    def pending(self, thread: Thread, settings: Settings) -> ListingChange:
        """See runtime.assembly.Briefing."""
        if thread.opening is None or thread in self._to_refresh:
            return ListingChange((), (), ())
        unseen = self._foreign.unseen(settings) if self._foreign is not None else ()
        return compare(thread.opening, self._listed(settings), facts_for(settings).custom_tools, unseen)

    def refresh(self, thread: Thread) -> None:
        """See runtime.assembly.Briefing."""
        self._to_refresh.add(thread)

    def _due(self, thread: Thread, settings: Settings) -> bool:
        """Whether the thread needs an Opening before its next request."""
        opening = thread.opening
        if opening is None or thread in self._to_refresh:
            return True
        return bool(opening.dialect) and opening.dialect != _dialect(facts_for(settings))

    def news(self, thread: Thread, settings: Settings, *, sandboxed: Sandboxed, granted: tuple[str, ...] = ()) -> Sequence[Item]:
        """Opening and Context items for what this thread's model has not been told yet."""
        found = self._around.instructions.find(settings)
        date, timezone = self._around.local_date(self._clock.now())
        skills = self._skills.look(thread, settings)
        made_from = (settings, found, skills, date, timezone, sandboxed, len(thread.told), thread.opening, thread.notes, granted)
        if self._last.get(thread) == made_from and thread not in self._to_refresh:
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
            notes=thread.notes,
            compact=facts.prompt == "compact",
            base_instructions=self._base(settings, facts),
            skills=listing(skills, settings),
            skills_wording=self._around.load_prompt("skills"),
            granted=granted,
        )
        items: list[Item] = []
        if self._due(thread, settings):
            items.append(self._opening(settings, facts))
            self._to_refresh.discard(thread)
        new_id, now = self._clock.new_id, self._clock.now()
        items.extend(Context(new_id(), now, role, sections) for role, sections in context.changes(thread.told, situation))
        if not items:
            self._last[thread] = made_from
        return items

    def _opening(self, settings: Settings, facts: ModelFacts) -> Opening:
        foreign = self._listed(settings)
        own, others = ([tool.spec(facts.custom_tools) for tool in tools] for tools in (self.tools(settings), foreign))
        specs = [*own, *(hosted(settings) if facts.prompt != "compact" else ()), *others]
        return Opening(
            self._clock.new_id(),
            self._clock.now(),
            settings.model,
            settings.provider.id,
            self._base(settings, facts),
            dumps(specs),
            parallel_tool_calls=facts.parallel_tool_calls,
            dialect=_dialect(facts),
            mcp=tuple((tool.name, *tool.identity) for tool in foreign),
            instructions_source=_SET_BASE if settings.base_instructions is not None else f"prompts/{_base_name(facts)}.md",
        )

    def _base(self, settings: Settings, facts: ModelFacts) -> str:
        """The instructions that belong to the model, unless the user or the client has set others."""
        if settings.base_instructions is not None:
            return settings.base_instructions
        return self._around.load_prompt(_base_name(facts))

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

    def documents(self, settings: Settings) -> tuple[context.Document, ...]:
        """The same files with what they say."""
        return self._around.instructions.find(settings).documents

    def problems(self, settings: Settings) -> tuple[str, ...]:
        """What the user should know before the first word: instruction files and skills that were cut or could not be read, a
        window that is only assumed, and what a small model is good for."""
        doubt = window_doubt(settings)
        return (
            *((SMALL_MODEL,) if settings.provider.wire == "local" else ()),
            *self._around.instructions.find(settings).problems,
            *self._skills.problems(settings),
            *([doubt] if doubt else ()),
        )

    def noticed(self, thread: Thread) -> Sequence[Event]:
        """What clients should hear of since the last time this was asked."""
        return self._skills.untold(thread)

    def invocations(self, settings: Settings, warn: Callable[[str], None]) -> Invocations:
        """The skills of one turn."""
        source = self._around.skills
        room = room_for_bodies(facts_for(settings).context_window)
        return Invocations(lambda: source.find(settings), source.body, self._clock, warn, room)

    def window(self, settings: Settings) -> int | None:
        return facts_for(settings).context_window

    def room(self, settings: Settings) -> Room:
        """How long a thread may get under these settings."""
        return compaction.room(facts_for(settings).context_window, settings.auto_compact_limit)

    def summary_instruction(self, settings: Settings) -> str:
        """The words by which a summary is asked for."""
        return settings.compact_prompt or self._around.load_prompt("compact_summary")


def _base_name(facts: ModelFacts) -> str:
    return "compact" if facts.prompt == "compact" else "base"


def _dialect(facts: ModelFacts) -> str:
    return f"{facts.prompt}, {'custom' if facts.custom_tools else 'function'} tools"
