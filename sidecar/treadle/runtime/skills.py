"""Skills while a thread runs: the body of a named one follows the words that named it, and clients hear of changes.

Finding and reading is the source's. A skill that cannot be read never stops a turn: the user is told, and the model does without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Protocol
from weakref import WeakKeyDictionary

from ..core import skills, tokens
from ..core.events import Event, SkillsChanged, WarningReported
from ..core.items import Context, Item, Section, Text, UserMessage, Waiting
from ..core.models import facts_for, known_window
from ..core.record import mutable
from ..core.settings import Settings
from ..core.skills import FoundSkills, Named, Skill
from ..core.thread import Thread
from .ports import Clock

_MOST_WARNINGS = 5


class SkillSource(Protocol):
    """adapters/skills.py."""

    def find(self, settings: Settings) -> FoundSkills:
        """The same object as the last time when nothing changed."""
        ...

    def body(self, skill: Skill) -> str:
        """Its text without the front matter. Raises OSError."""
        ...

    def forget(self) -> None:
        """Look at everything anew the next time."""
        ...


class NoSkills:
    """A source without any."""

    def find(self, settings: Settings) -> FoundSkills:
        return _NONE

    def body(self, skill: Skill) -> str:
        raise FileNotFoundError(skill.path)

    def forget(self) -> None:
        pass


_NONE = FoundSkills()


@mutable
class Invocations:
    """The skills that one turn has taken in. `warn` is told what the user should know."""

    find: Callable[[], FoundSkills]
    body: Callable[[Skill], str]
    clock: Clock
    warn: Callable[[str], None]
    room: int = skills.MAX_BODIES_BYTES
    "Bytes that this turn may still take in."
    _taken: dict[str, Section] = field(default_factory=dict[str, Section])
    "Path -> what the model was given."

    def follow(self, messages: Iterable[Waiting]) -> list[Item]:
        """The messages, each followed by the bodies of the skills that it names and that this turn does not have yet."""
        items: list[Item] = []
        for message in messages:
            items.append(message)
            sections = self._sections(_named(message)) if isinstance(message, UserMessage) else ()
            items += self._context(sections)
        return items

    def again(self, told: Mapping[str, str]) -> list[Item]:
        """What the turn has taken in and a new epoch has lost. `told`: the names of sections that the model has."""
        return self._context([section for section in self._taken.values() if section.name not in told])

    def _context(self, sections: Sequence[Section]) -> list[Item]:
        return [Context(self.clock.new_id(), self.clock.now(), "user", tuple(sections))] if sections else []

    def _sections(self, named: Sequence[Named]) -> list[Section]:
        if not named:
            return []
        invoked, missing = skills.invoked(named, self.find().skills)
        for wish in missing:
            self.warn(f"There is no skill at {wish.path}, or it is disabled: ${wish.name} is not used.")
        sections: list[Section] = []
        for skill in invoked:
            if skill.path in self._taken:
                continue
            try:
                section = skills.body_section(skill, self.body(skill))
            except OSError as error:
                self.warn(f"The skill {skill.path} cannot be read ({error.strerror or error}): ${skill.name} is not used.")
                continue
            if tokens.size(section.text) > self.room:
                self.warn(f"The skills of this turn leave no room for another: ${skill.name} is not used.")
                continue
            self.room -= tokens.size(section.text)
            self._taken[skill.path] = section
            sections.append(section)
        return sections


def _named(message: UserMessage) -> list[Named]:
    found: list[Named] = []
    for part in message.content:
        if isinstance(part, Text):
            found += [Named(part.text.removeprefix("$"), part.skill)] if part.skill else skills.named_in(part.text)
    return found


class SkillWatch:
    """What was last found for each loaded thread. Looking again costs a few stats."""

    def __init__(self, source: SkillSource) -> None:
        self._source = source
        self._seen: WeakKeyDictionary[Thread, tuple[FoundSkills, tuple[str, ...]]] = WeakKeyDictionary()
        self._untold: WeakKeyDictionary[Thread, list[Event]] = WeakKeyDictionary()

    def look(self, thread: Thread, settings: Settings) -> FoundSkills:
        """What there is now. A small model is told of none."""
        if _is_small(settings):
            return _NONE
        found = self._source.find(settings)
        before = self._seen.get(thread)
        if before is None or before[0] is not found:
            sentences = _problems(found, settings)
            self._seen[thread] = found, sentences
            if before is not None:
                fresh = [WarningReported(text, thread.id) for text in sentences if text not in before[1]]
                self._untold.setdefault(thread, []).extend([SkillsChanged(thread.id), *fresh])
        return found

    def untold(self, thread: Thread) -> list[Event]:
        """What clients should hear of since the last time this was asked."""
        return self._untold.pop(thread, [])

    def problems(self, settings: Settings) -> tuple[str, ...]:
        """Sentences for the user about what was left out."""
        return () if _is_small(settings) else _problems(self._source.find(settings), settings)


def listing(found: FoundSkills, settings: Settings) -> skills.Listing:
    """The list as it fits into the prompt."""
    return skills.listing(found.skills, skills.budget(settings.skills_max_tokens, known_window(settings)))


def _is_small(settings: Settings) -> bool:
    return facts_for(settings).prompt == "compact"


def _problems(found: FoundSkills, settings: Settings) -> tuple[str, ...]:
    texts = [f"{error.path} was left out: {error.message}." for error in found.errors[:_MOST_WARNINGS]]
    if len(found.errors) > _MOST_WARNINGS:
        texts.append(f"{len(found.errors) - _MOST_WARNINGS} more files of skills were left out; the list of skills says which.")
    warning = listing(found, settings).warning
    return (*texts, *([warning] if warning else []))
