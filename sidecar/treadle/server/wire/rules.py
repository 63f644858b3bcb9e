"""What the user has allowed for longer than once, and the rules of files: read, changed, explained."""

from __future__ import annotations

from typing import Literal

from .base import Params, Wire

GrantScope = Literal["thread", "workspace", "always"]
SubjectKind = Literal["command", "exactCommand", "files", "mcp", "network", "degraded"]


class Subject(Wire):
    """What a yes is about; `text` is what the user reads and may edit, e.g. `npm test`."""

    kind: SubjectKind
    text: str
    outside_sandbox: bool
    cwd: str | None
    deny: bool = False
    "network only: a remembered no."


class Offer(Wire):
    """One way to say yes for longer than once. The answer names its `scope`, and a `rule` when the user edited the text."""

    scope: GrantScope
    subject: Subject
    editable: bool


class Grant(Wire):
    """A remembered yes. `workspace` is the folder of scope workspace, `threadId` the thread of scope thread."""

    id: str
    scope: GrantScope
    subject: Subject
    workspace: str | None
    thread_id: str | None
    created_at_ms: int


class FileRule(Wire):
    """A rule of a *.rules file: read-only here."""

    text: str
    decision: Literal["allow", "prompt", "forbidden"]
    justification: str | None
    source: str
    line: int


class RulesListParams(Params):
    """The grants that count for a thread, or those of a folder and everywhere; without either, all that are kept."""

    thread_id: str | None = None
    cwd: str | None = None


class RulesListResponse(Wire):
    grants: list[Grant]
    rules: list[FileRule]
    problems: list[str]
    "A sentence per rule file, or part of one, that could not be used."


class SubjectParams(Params):
    kind: SubjectKind
    text: str
    outside_sandbox: bool = False
    cwd: str | None = None
    deny: bool = False


class GrantChange(Params):
    """remove: `id`. change: `id` and what is other. add: `scope`, `subject`, and `workspace` or `threadId` as the scope asks."""

    op: Literal["add", "change", "remove"]
    id: str | None = None
    scope: GrantScope | None = None
    subject: SubjectParams | None = None
    workspace: str | None = None
    thread_id: str | None = None


class RulesWriteParams(Params):
    """All changes or none: a subject that cannot be stored refuses the whole request, with the reason."""

    changes: list[GrantChange]


class RulesWriteResponse(Wire):
    grants: list[Grant]
    "All that are kept, after the change."


class RulesCheckParams(Params):
    """What would be decided of a shell line (`command`), or whether a text could be stored as a rule (`rule`)."""

    command: str | None = None
    rule: SubjectParams | None = None
    thread_id: str | None = None
    cwd: str | None = None


class CheckedPart(Wire):
    """One command of the line."""

    words: list[str]
    verdict: Literal["allow", "ask", "deny"]
    reason: str
    rule: str | None
    source: str | None


class RulesCheckResponse(Wire):
    """`verdict` and `parts` for a command; `problem` for a rule: null when it can be stored."""

    verdict: Literal["allow", "ask", "deny"] | None
    reason: str | None
    outside_sandbox: bool
    parts: list[CheckedPart]
    problem: str | None


class RulesChangedNotification(Wire):
    """The list is another one: ask again. `threadId` is null when it is not about one thread."""

    thread_id: str | None
