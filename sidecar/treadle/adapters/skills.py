"""Skills in force for a folder: found on disk, parsed once, looked at again by a stat of each folder and file.

Looks only into skills folders, never through the workspace; each is walked to a fixed depth and count, hidden folders are left
out, symlinks are followed but never in a circle. A file that cannot be used is left out with an error of its own.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from pathlib import Path
from typing import TypeAlias

from ..core.record import mutable
from ..core.settings import Settings, SkillRule
from ..core.skills import FoundSkills, Skill, SkillError, SkillScope, ordered
from .instructions import chain
from .skill_file import INTERFACE, Parsed, Unusable, read_body, read_skill

MAX_DEPTH = 6
"Below a skills folder."
MAX_DIRS = 2000
"A skills folder."
MAX_ENTRIES = 100_000
"Files and folders looked at in one skills folder."
FILE = "SKILL.md"
ADMIN = Path("/etc/codex/skills")
_IN_PROJECT = (".agents/skills", ".codex/skills")
_REMEMBERED, _MOST_PARSED = 64, 10_000
_RACY_NS = 20_000_000
"A stamp this young does not prove that nothing changes within the same tick of the file system's clock."

_Stamp: TypeAlias = tuple[int, int, int, int] | None


@mutable
class _Root:
    """What one skills folder held. `watched`: everything that a change of it would show in."""

    skills: tuple[Skill, ...] = ()
    errors: tuple[SkillError, ...] = ()
    watched: dict[str, _Stamp] = field(default_factory=dict[str, _Stamp])


@mutable
class _Walk:
    """One pass through a skills folder."""

    dirs: int = 0
    entries: int = 0
    watched: dict[str, _Stamp] = field(default_factory=dict[str, _Stamp])
    files: list[str] = field(default_factory=list[str])
    errors: list[SkillError] = field(default_factory=list[SkillError])


class SkillFiles:
    """Finds the skills for the settings of a thread, and reads the one that is asked for."""

    def __init__(
        self, codex_home: Path, home: Path | None, admin: Path = ADMIN, *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._now_ns = now_ns
        self._own: tuple[tuple[str, SkillScope], ...] = (
            *([(str(home / ".agents" / "skills"), "user")] if home else []),
            (str(codex_home / "skills"), "user"),
            (str(admin), "admin"),
        )
        self._roots: OrderedDict[tuple[str, SkillScope], _Root] = OrderedDict()
        self._parsed: dict[str, tuple[tuple[_Stamp, _Stamp], Parsed | str]] = {}
        self._known: OrderedDict[tuple[object, ...], tuple[list[_Root], FoundSkills]] = OrderedDict()
        self.dirs_read = 0
        "Folders listed so far: what a look costs when something changed."

    def find(self, settings: Settings) -> FoundSkills:
        """What there is now. The same object as the last time when nothing changed."""
        roots = [self._root(path, scope) for path, scope in self._folders(settings)]
        key = (settings.cwd, settings.root_markers, settings.skill_rules)
        known = self._known.get(key)
        if known is not None and len(known[0]) == len(roots) and all(a is b for a, b in zip(known[0], roots, strict=True)):
            self._known.move_to_end(key)
            return known[1]
        found = _merged(roots, settings.skill_rules)
        if known is not None and known[1] == found:
            found = known[1]
        self._known[key] = roots, found
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    def body(self, skill: Skill) -> str:
        """The text of a skill as it is now. Raises OSError."""
        return read_body(skill.path)

    def forget(self) -> None:
        """Look at everything anew the next time."""
        self._roots.clear()
        self._parsed.clear()

    def _folders(self, settings: Settings) -> Iterator[tuple[str, SkillScope]]:
        """Where skills may be, the nearest to the work first: of one file that is found twice, the first counts."""
        for folder in () if settings.restricted else reversed(chain(settings.cwd, settings.root_markers)):
            for below in _IN_PROJECT:
                path = os.path.join(folder, below)
                if path not in (own for own, _ in self._own):
                    yield path, "repo"
        yield from self._own

    def _root(self, path: str, scope: SkillScope) -> _Root:
        known = self._roots.get((path, scope))
        if known is not None and all(_stamp(name) == stamp for name, stamp in known.watched.items()):
            self._roots.move_to_end((path, scope))
            return known
        root = self._roots[path, scope] = self._read(path, scope)
        while len(self._roots) > _REMEMBERED * 4:
            self._roots.popitem(last=False)
        return root

    def _read(self, path: str, scope: SkillScope) -> _Root:
        walk = _Walk()
        began = self._now_ns()
        self._walk(path, walk)
        if not walk.dirs:
            return _Root(watched=walk.watched)
        real_root = os.path.realpath(path)
        skills: list[Skill] = []
        for file in walk.files:
            parsed = self._parse(file, scope, real_root, walk)
            if isinstance(parsed, str):
                walk.errors.append(SkillError(file, parsed))
                continue
            skills.append(replace(parsed.skill, scope=scope, root=real_root))
            if parsed.problem:
                walk.errors.append(SkillError(os.path.join(os.path.dirname(file), INTERFACE), parsed.problem))
        watched = {name: None if stamp is None else _settled(stamp, began) for name, stamp in walk.watched.items()}
        return _Root(tuple(skills), tuple(walk.errors), watched)

    def _walk(self, root: str, walk: _Walk) -> None:
        """Breadth first, so that a limit loses the deepest."""
        seen: set[tuple[int, int]] = set()
        waiting = deque([(root, 0)])
        while waiting:
            folder, depth = waiting.popleft()
            stamp = walk.watched[folder] = _stamp(folder)
            if stamp is None or stamp[2:] in seen:
                continue
            seen.add(stamp[2:])
            below = self._list(folder, walk) if walk.dirs < MAX_DIRS else None
            if below is None:
                message = f"it holds more than {MAX_DIRS} folders or {MAX_ENTRIES} files; skills beyond them are not found"
                walk.errors.append(SkillError(root, message))
                return
            if depth < MAX_DEPTH:
                waiting.extend((path, depth + 1) for path in below)

    def _list(self, folder: str, walk: _Walk) -> list[str] | None:
        """The folders in `folder`, sorted; None when there is too much to look at."""
        walk.dirs += 1
        self.dirs_read += 1
        folders: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    walk.entries += 1
                    if walk.entries > MAX_ENTRIES:
                        return None
                    if entry.name == FILE:
                        walk.files.append(entry.path)
                    elif not entry.name.startswith(".") and _is_folder(entry):
                        folders.append(entry.path)
        except OSError as error:
            walk.errors.append(SkillError(folder, f"it cannot be read ({error.strerror})"))
        return sorted(folders)

    def _parse(self, file: str, scope: SkillScope, root: str, walk: _Walk) -> Parsed | str:
        interface = os.path.join(os.path.dirname(file), INTERFACE)
        stamps = walk.watched[file], walk.watched[interface] = _stamp(file), _stamp(interface)
        known = self._parsed.get(file)
        if known is not None and known[0] == stamps:
            return known[1]
        try:
            parsed: Parsed | str = read_skill(os.path.realpath(file), scope, root, has_interface=stamps[1] is not None)
        except Unusable as wrong:
            parsed = str(wrong)
        now = self._now_ns()
        if all(stamp is None or _settled(stamp, now) == stamp for stamp in stamps):
            if len(self._parsed) >= _MOST_PARSED:
                self._parsed.clear()
            self._parsed[file] = stamps, parsed
        return parsed


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _stamp(path: str) -> _Stamp:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    # a folder's size and change time move with what is in it; the last two say which file it is
    return found.st_ctime_ns, found.st_size, found.st_dev, found.st_ino


def _settled(stamp: tuple[int, int, int, int], now: int) -> _Stamp:
    """The stamp, made to differ from the next one when it is too young to be trusted."""
    return stamp if abs(now - stamp[0]) > _RACY_NS else (-1, *stamp[1:])


def _merged(roots: list[_Root], rules: tuple[SkillRule, ...]) -> FoundSkills:
    skills: dict[str, Skill] = {}
    errors: dict[str, SkillError] = {}
    for root in roots:
        for skill in root.skills:
            skills.setdefault(skill.path, skill)
        for error in root.errors:
            errors.setdefault(os.path.realpath(error.path), error)
    places = [(rule, os.path.realpath(rule.path) if rule.path else None) for rule in rules]
    return FoundSkills(ordered(_ruled(skill, places) for skill in skills.values()), tuple(errors.values()))


def _ruled(skill: Skill, rules: list[tuple[SkillRule, str | None]]) -> Skill:
    for rule, place in rules:
        if rule.name == skill.name or (place is not None and place in (skill.path, os.path.dirname(skill.path))):
            skill = replace(skill, enabled=rule.enabled)
    return skill
