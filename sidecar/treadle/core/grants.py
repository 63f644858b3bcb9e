"""A remembered yes of the user: what it is about, how far it reaches, and how it reads.

A grant is about something structured (the words a command begins with, files below a folder, a tool of an MCP server, a host),
never about the text of a line. Its `text` is what the user reads and may edit; what it means is parsed from it anew each time.
Pure; where grants are kept is the store's business, and which of them count for a thread is runtime/grants.py's.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from .record import frozen

GrantScope: TypeAlias = Literal["thread", "workspace", "always"]
"this thread, until it is deleted; every thread in this folder; everywhere."
GrantKind: TypeAlias = Literal["command", "exact_command", "files", "mcp", "network", "degraded"]


@frozen
class Subject:
    """What a yes is about."""

    kind: GrantKind
    text: str
    """command: the first words, shell-quoted, as `npm test`. exact_command: the whole line, for one that no words stand for.
    files: an absolute path, of a file or, with / at its end, of everything below a folder. mcp: SERVER/TOOL, or SERVER/* for all
    of a server. network: a host or a pattern of hosts, as `*.example.com`. degraded: running with less protection than asked."""
    outside: bool = False
    "The yes covers a run without a sandbox. A yes to a confined run is no yes to that."
    cwd: str | None = None
    "exact_command only: the folder in which it runs."
    deny: bool = False
    "network only: a remembered no. It wins over every yes."


@frozen
class Grant:
    id: str
    scope: GrantScope
    subject: Subject
    created_at: float
    workspace: str | None = None
    """The folder: of scope `workspace` always, of scope `thread` for a command. A yes to a command holds for runs in this folder
    and below."""
    thread_id: str | None = None
    "For scope `thread`."


@frozen
class Offer:
    """One way to say yes to an approval and be asked less: what would be stored, and for how long."""

    scope: GrantScope
    subject: Subject
    editable: bool = False
    "The user may change the subject's text before saying yes."
