"""`treadle threads`: what is kept of every conversation, to look at, to take along and to delete. Needs no server.

Nothing is loaded or run. Only delete and prune change anything; a thread that is open in another process is left alone. Exit
status: 0 done, 1 nothing was found or it could not be done, 2 the command line made no sense.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from .command_line import THREADS_HELP, Usage

if TYPE_CHECKING:
    from .core.keeping import ExportFormat
    from .runtime.answers import SearchPage, ThreadPage, ThreadState
    from .runtime.ports import ThreadMeta

ACTIONS = ("list", "search", "show", "export", "delete", "prune")
_SWITCHES = {
    "--all": ("list", "search"),
    "--archived": ("list", "search"),
    "--json": ("list", "search", "show", "prune"),
    "--dry-run": ("prune",),
    "--yes": ("delete", "prune"),
}
_VALUES = {
    "--cwd": ("list", "search"),
    "--limit": ("list", "search"),
    "--format": ("export",),
    "--output": ("export",),
}
_SHORT = {"-y": "--yes", "-o": "--output"}
_EVERY = 1_000_000
_TITLE = 80


@dataclass
class ThreadsLine:
    """The words after `treadle threads`, understood."""

    action: str = ""
    words: tuple[str, ...] = ()
    help: bool = False
    json: bool = False
    all: bool = False
    archived: bool = False
    dry_run: bool = False
    yes: bool = False
    cwd: str | None = None
    limit: int = _EVERY
    format: ExportFormat | None = None
    output: str | None = None


def parse(words: list[str]) -> ThreadsLine:
    line, plain, given, rest = ThreadsLine(), list[str](), list[str](), list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=") if word.startswith("--") else (_SHORT.get(word, word), "", "")
        if name == "--" and not equals:
            plain += rest
            break
        if name in ("-h", "--help"):
            return ThreadsLine(help=True)
        if name in _SWITCHES and not equals:
            setattr(line, name[2:].replace("-", "_"), True)
            given.append(name)
        elif name in _VALUES:
            if not equals and not rest:
                raise Usage(f"threads: {word} needs a value")
            _take(line, name, value if equals else rest.pop(0))
            given.append(name)
        elif word.startswith("-") and word != "-":
            raise Usage(f"threads: no such option: {word}")
        else:
            plain.append(word)
    return _placed(line, plain, given)


def _take(line: ThreadsLine, name: str, value: str) -> None:
    if name == "--limit":
        if not value.isdecimal() or int(value) < 1:
            raise Usage(f"--limit {value}: expected a number from 1")
        line.limit = int(value)
    elif name == "--format":
        if value not in ("markdown", "jsonl"):
            raise Usage(f"--format {value}: expected markdown or jsonl")
        line.format = value
    else:
        setattr(line, name[2:], value)


def _placed(line: ThreadsLine, plain: list[str], given: list[str]) -> ThreadsLine:
    if not plain or plain[0] not in ACTIONS:
        raise Usage(f"threads: expected {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}" + (f", not {plain[0]}" if plain else ""))
    line.action, line.words = plain[0], tuple(plain[1:])
    for name in given:
        if line.action not in (_SWITCHES | _VALUES)[name]:
            raise Usage(f"threads {line.action}: {name} belongs to {' and '.join((_SWITCHES | _VALUES)[name])}")
    wanted = {"list": 0, "prune": 0, "show": 1, "export": 1}.get(line.action)
    if wanted is not None and len(line.words) > wanted:
        raise Usage(f"threads {line.action}: one word too many: {line.words[wanted]}")
    if wanted != 0 and not line.words:
        what = "words to look for" if line.action == "search" else "the id of a thread; `treadle threads list --all` shows them"
        raise Usage(f"threads {line.action}: give {what}")
    return line


def main(words: list[str], overrides: dict[str, Any]) -> int:
    try:
        line = parse(words)
    except Usage as error:
        return _complain(f"{error}\nTry: treadle threads --help", 2)
    if line.help:
        sys.stdout.write(THREADS_HELP)
        return 0
    from .core.errors import TreadleError  # noqa: PLC0415

    try:
        code = _do(line, _Agent(overrides))
        sys.stdout.flush()
    except TreadleError as error:
        return _complain(error.sentence(), 1)
    except Usage as error:
        return _complain(str(error), 2)
    except BrokenPipeError:
        # who reads has had enough; what is still in the buffer must not raise again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:  # of standard output: all else has words of its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return _complain(f"what was found cannot be printed: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    return code


class _Agent:
    """Asked one thing at a time."""

    def __init__(self, overrides: dict[str, Any]) -> None:
        from . import app  # noqa: PLC0415 - all adapters come with it

        self._app, self._options = app, app.Options(overrides, "threads")

    def ask(self, op: Any) -> Any:
        return asyncio.run(self._app.look(self._options, op))


def _do(line: ThreadsLine, agent: _Agent) -> int:
    match line.action:
        case "list":
            return _list(line, agent)
        case "search":
            return _search(line, agent)
        case "show":
            return _show(line, agent)
        case "export":
            return _export(line, agent)
        case "delete":
            return _delete(line, agent)
        case _:
            return _prune(line, agent)


def _list(line: ThreadsLine, agent: _Agent) -> int:
    from .core.ops import ListThreads  # noqa: PLC0415
    from .server import project  # noqa: PLC0415

    op = ListThreads(limit=line.limit, cwds=_folders(line), archived=line.archived, by_update=True)
    page = cast("ThreadPage", agent.ask(op))
    if line.json:
        return _print([json.dumps([project.thread(state) for state in page.threads], indent=2)])
    if not page.threads:
        return _complain("no threads" + ("" if line.all else " of this folder; --all shows those of all folders"), 1)
    return _print(_row(state.meta, folder=line.all) for state in page.threads)


def _search(line: ThreadsLine, agent: _Agent) -> int:
    from .core.keeping import SearchThreads  # noqa: PLC0415
    from .server import project  # noqa: PLC0415

    op = SearchThreads(" ".join(line.words), None, line.limit, _folders(line), line.archived, by_update=True)
    page = cast("SearchPage", agent.ask(op))
    if not page.whole:
        sys.stderr.write("treadle: threads of an older version are being indexed, this once\n")
    while not page.whole:
        page = cast("SearchPage", agent.ask(op))
    if line.json:
        rows = [
            {"thread": project.thread(found.state), "snippet": found.snippet.text, "marks": found.snippet.marks}
            for found in page.found
        ]
        return _print([json.dumps(rows, indent=2)]) or int(not rows)
    if not page.found:
        return _complain("nothing was found" + ("" if line.all else "; --all looks in all folders"), 1)
    bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for found in page.found:
        _print([_row(found.state.meta, folder=line.all), "    " + _marked(found.snippet.text, found.snippet.marks, bold)])
    return 0


def _show(line: ThreadsLine, agent: _Agent) -> int:
    from .core.keeping import ExportThread  # noqa: PLC0415
    from .core.ops import ReadThread  # noqa: PLC0415
    from .server import project  # noqa: PLC0415

    if line.json:
        state = cast("ThreadState", agent.ask(ReadThread(line.words[0], include_turns=True)))
        return _print([json.dumps(project.thread(state, with_turns=True), indent=2)])
    text = cast(str, agent.ask(ExportThread(line.words[0], folded=False)))
    return _print(_plain(part) for part in text.rstrip("\n").split("\n"))


def _export(line: ThreadsLine, agent: _Agent) -> int:
    from .core.keeping import ExportThread  # noqa: PLC0415

    jsonl = line.format == "jsonl" or (line.format is None and (line.output or "").endswith(".jsonl"))
    text = cast(str, agent.ask(ExportThread(line.words[0], "jsonl" if jsonl else "markdown", longest=None)))
    data = text.encode("utf-8", "backslashreplace")
    path = line.output
    if path is None or path == "-":
        sys.stdout.buffer.write(data)
        return 0
    # never half a file under the name that was asked for
    partial, begun = f"{path}.partial", False
    try:
        with open(partial, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            begun = True
            file.write(data)
        os.replace(partial, path)
    except OSError as error:
        if begun:
            with contextlib.suppress(OSError):
                os.unlink(partial)
        return _complain(f"{path} cannot be written: {error.strerror}", 1)
    return 0


def _delete(line: ThreadsLine, agent: _Agent) -> int:
    from .core.keeping import DeleteThread  # noqa: PLC0415
    from .core.ops import ReadThread  # noqa: PLC0415

    metas = [cast("ThreadState", agent.ask(ReadThread(thread_id))).meta for thread_id in dict.fromkeys(line.words)]
    if not _sure(line, metas):
        return 1
    for meta in metas:
        agent.ask(DeleteThread(meta.id))
    return _print([f"{_count(metas)} deleted."])


def _prune(line: ThreadsLine, agent: _Agent) -> int:
    from .core.keeping import PruneThreads  # noqa: PLC0415

    beyond = cast("list[ThreadMeta]", agent.ask(PruneThreads(dry_run=True)))
    if line.json and (line.dry_run or not beyond):
        return _print([json.dumps([{"id": meta.id, "updatedAt": int(meta.updated_at)} for meta in beyond], indent=2)])
    if not beyond:
        return _print(["All threads are within the limits of [treadle.history]."])
    if line.dry_run:
        return _print(_row(meta, folder=True) for meta in beyond)
    if not _sure(line, beyond):
        return 1
    gone = cast("list[ThreadMeta]", agent.ask(PruneThreads()))
    if line.json:
        return _print([json.dumps([{"id": meta.id, "updatedAt": int(meta.updated_at)} for meta in gone], indent=2)])
    return _print([f"{_count(gone)} deleted."])


def _sure(line: ThreadsLine, metas: list[ThreadMeta]) -> bool:
    if line.yes:
        return True
    if not sys.stdin.isatty():
        raise Usage("nobody is there to ask: give --yes")
    for meta in metas:
        sys.stderr.write(_row(meta, folder=True) + "\n")
    sys.stderr.write(f"Delete {_count(metas)} for good? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _folders(line: ThreadsLine) -> tuple[str, ...]:
    return () if line.all else (os.path.realpath(line.cwd or os.getcwd()),)


def _count(metas: list[ThreadMeta]) -> str:
    return "1 thread" if len(metas) == 1 else f"{len(metas):,} threads"


def _row(meta: ThreadMeta, *, folder: bool) -> str:
    when = datetime.fromtimestamp(meta.updated_at).strftime("%Y-%m-%d %H:%M")
    title = " ".join((meta.name or meta.preview or "(nothing was said)").split())
    title = title if len(title) <= _TITLE else title[: _TITLE - 1] + "…"
    return _plain(f"{meta.id}  {when}  {title}" + (f"  {meta.cwd}" if folder else ""))


def _marked(text: str, marks: Iterable[tuple[int, int]], bold: bool) -> str:
    out, at = "", 0
    for start, end in marks:
        if start >= at:
            mark = _plain(text[start:end])
            out += _plain(text[at:start]) + (f"\033[1m{mark}\033[0m" if bold else mark)
            at = end
    return out + _plain(text[at:])


def _plain(line: str) -> str:
    """Without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign == "\t" else "\N{REPLACEMENT CHARACTER}" for sign in line)


def _print(lines: Iterable[str]) -> int:
    # a lone surrogate or a narrow locale must not end in a traceback
    for line in lines:
        sys.stdout.buffer.write((line + "\n").encode("utf-8", "backslashreplace"))
    return 0


def _complain(sentence: str, code: int) -> int:
    sys.stderr.write(f"treadle: {sentence}\n")
    return code
