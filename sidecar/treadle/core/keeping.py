"""What may be asked of the threads that are kept, loaded or not: finding, exporting, deleting. See ops.py."""

from __future__ import annotations

from typing import Literal, TypeAlias

from .record import frozen

ExportFormat: TypeAlias = Literal["markdown", "jsonl"]


@frozen
class SearchThreads:
    """Threads in which a query is: see core/search.py. Answered with a SearchPage."""

    query: str
    cursor: str | None = None
    limit: int = 25
    cwds: tuple[str, ...] = ()
    archived: bool = False
    ascending: bool = False
    by_update: bool = False
    sources: tuple[str, ...] = ()
    "As of ListThreads."


@frozen
class FindInThread:
    """Every place of a text, upper and lower case alike, in the messages of a thread. Answered with an OccurrencePage."""

    thread_id: str
    text: str
    cursor: str | None = None
    limit: int = 50


@frozen
class ExportThread:
    """The whole thread as text. markdown: to be read; jsonl: a line about the thread, then its items as they are kept."""

    thread_id: str
    format: ExportFormat = "markdown"
    folded: bool = True
    "Of Markdown: see core/export.py."
    longest: int | None = 64_000_000
    "Characters; a longer one is refused."


@frozen
class DeleteThread:
    """Stop it if it runs, and delete everything that is kept of it. There is no way back."""

    thread_id: str


@frozen
class PruneThreads:
    """Delete threads beyond the limits of the user's configuration. Answered with the list of their ThreadMeta."""

    dry_run: bool = False
    "Only say which."


KeepingOp: TypeAlias = SearchThreads | FindInThread | ExportThread | DeleteThread | PruneThreads


def source(originator: str) -> Literal["vscode", "exec", "appServer"]:
    """The kind of client that began a thread."""
    if "vscode" in originator:
        return "vscode"
    return "exec" if originator == "treadle_exec" else "appServer"
