"""AGENTS.md files in force for a thread: the user's own, one per folder from the project root down to the thread's folder, and
the same for each further folder of the workspace.

Cheap to ask again: files are read only when a stat says that something changed. A file that cannot be read, is no regular file
or holds no text is left out with a reason; it never stops a turn.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from ..core.context import Document
from ..core.record import frozen
from ..core.settings import Settings

OVERRIDE, ORDINARY = "AGENTS.override.md", "AGENTS.md"
MAX_GLOBAL_BYTES = 32 * 1024
"For the user's own file, which is not charged to the project's budget."
MAX_FOLDERS = 64
"Below the project root; a deeper chain loses its middle."
MAX_ROOTS = 20
_REMEMBERED = 32

_Stamp: TypeAlias = tuple[str, int, int, int]
"(path, time of change, size, inode); the inode is _ODD for what is there and cannot be a file to read."
_ODD = -1


@frozen
class Instructions:
    """`documents` in the order in which they are told; `problems` are sentences for the user."""

    documents: tuple[Document, ...] = ()
    problems: tuple[str, ...] = ()


class InstructionFiles:
    """Finds the instruction files for the settings of a thread."""

    def __init__(self, codex_home: Path) -> None:
        self._codex_home = str(codex_home)
        self._known: OrderedDict[tuple[object, ...], tuple[tuple[_Stamp, ...], Instructions]] = OrderedDict()

    def find(self, settings: Settings) -> Instructions:
        """What is in force now. The same object as the last time when no file changed."""
        own = tuple(_stamps(os.path.join(self._codex_home, name) for name in (OVERRIDE, ORDINARY)))
        project = tuple(_project(settings)) if settings.doc_max_bytes > 0 else ()
        key = (settings.cwd, settings.roots, settings.doc_max_bytes)
        known = self._known.get(key)
        if known is not None and known[0] == own + project:
            self._known.move_to_end(key)
            return known[1]
        found = _read(own, project, settings)
        self._known[key] = (own + project, found)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found


def _project(settings: Settings) -> Iterator[_Stamp]:
    """The winning file of every folder of the chain, root first; then those of the workspace's other folders."""
    names = dict.fromkeys((OVERRIDE, ORDINARY, *settings.doc_fallback_names))
    chains = (chain(root, settings.root_markers) for root in (settings.cwd, *settings.roots[:MAX_ROOTS]))
    for folder in dict.fromkeys(folder for folders in chains for folder in folders):
        for stamp in _stamps(os.path.join(folder, name) for name in names if name and os.path.basename(name) == name):
            yield stamp
            if stamp[-1] != _ODD:
                break


def chain(cwd: str, markers: tuple[str, ...]) -> list[str]:
    """The folders from the project root down to `cwd`; `cwd` alone where no folder above holds a marker."""
    above = [cwd, *map(str, Path(cwd).parents)]
    for depth, folder in enumerate(above):
        if any(os.path.exists(os.path.join(folder, marker)) for marker in markers):
            found = above[: depth + 1][::-1]
            return found if len(found) <= MAX_FOLDERS else found[: MAX_FOLDERS // 2] + found[-MAX_FOLDERS // 2 :]
    return [cwd]


def _stamps(paths: Iterator[str]) -> Iterator[_Stamp]:
    """Those that are there. Only a regular file, or a symlink to one, is ever opened."""
    for path in paths:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            # A link that leads nowhere or to itself: somebody meant it to be read.
            if os.path.islink(path):
                yield path, 0, 0, _ODD
            continue
        regular = stat.S_ISREG(found.st_mode)
        yield (path, found.st_ctime_ns, found.st_size, found.st_ino) if regular else (path, 0, 0, _ODD)


def _read(own: tuple[_Stamp, ...], project: tuple[_Stamp, ...], settings: Settings) -> Instructions:
    budget = settings.doc_max_bytes
    documents: list[Document] = []
    problems: list[str] = []
    problems.extend(f"{stamp[0]} is not a regular file and is not read." for stamp in own + project if stamp[-1] == _ODD)
    for path in _regular(own):
        text, _ = _text(path, MAX_GLOBAL_BYTES, problems)
        if text:
            documents.append(Document(path, text, is_global=True))
            break
    left = budget
    for path in _regular(project):
        if left <= 0:
            problems.append(f"{path} was left out: the files above it use up project_doc_max_bytes ({budget}).")
            continue
        text, used = _text(path, left, problems)
        if text:
            documents.append(Document(path, _of_folder(path, settings) + text))
            left -= used
    return Instructions(tuple(documents), tuple(problems))


def _of_folder(path: str, settings: Settings) -> str:
    """A heading for what holds in another folder of the workspace only; nothing for a file above or in the thread's own."""
    folder = os.path.dirname(path)
    return "" if Path(settings.cwd).is_relative_to(folder) else f"For the files in {folder} only:\n\n"


def _regular(stamps: tuple[_Stamp, ...]) -> list[str]:
    return [stamp[0] for stamp in stamps if stamp[-1] != _ODD]


def _text(path: str, limit: int, problems: list[str]) -> tuple[str, int]:
    """(text or "" for a file to skip, bytes used of `limit`)."""
    try:
        # O_NONBLOCK: a FIFO that took the file's place must not hang the turn.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        problems.append(f"{path} cannot be read ({error.strerror}); it was left out.")
        return "", 0
    cut = len(data) > limit
    data = data[:limit]
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(data, final=not cut)
    wrong = text.count("\ufffd") - data.count("\ufffd".encode())
    if "\0" in text or wrong * 3 > len(text):
        problems.append(f"{path} is not UTF-8 text and is not sent.")
        return "", 0
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return "", 0
    if wrong:
        problems.append(f"{path} has bytes that are not UTF-8; they are sent as \ufffd.")
    if cut:
        problems.append(f"{path} was cut: only {limit} bytes of it fit into the limit.")
    return text, len(data)
