"""Ways to say yes for longer than once to what is asked just now, the narrowest first. Pure.

Offers nothing that could not be kept (core/subjects.py refuses it) and nothing that would not answer the same question the next
time: the policy itself is asked about each.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Sequence

from .grants import Grant, GrantScope, Offer, Subject
from .policy import Allow, Ask, CallMcp, Grants, RunCommand, Wish, WriteFiles, decide
from .proposal import proposal
from .rules import RuleBook
from .settings import Settings
from .subjects import checked, collect, inside, joined

_MOST_FILES = 20
"Files that one yes may name; for more there is the folder."
_EVERYWHERE: tuple[GrantScope, ...] = ("thread", "workspace", "always")


def offers(
    wish: Wish, ask: Ask, settings: Settings, grants: Grants, *, sandboxed: bool, own: tuple[str, ...] = ()
) -> tuple[Offer, ...]:
    """For a question about this wish. `sandboxed`: there is a sandbox on this machine. `own`: see core.policy.decide."""
    found: list[Offer] = []
    for offer in _degraded() if ask.degraded else _candidates(wish, ask, settings, grants):
        try:
            offered = Offer(offer.scope, checked(offer.subject, own), offer.editable)
        except ValueError:
            continue
        if ask.degraded or isinstance(decide(wish, settings, joined(grants, _of(offered, wish)), sandboxed, own=own), Allow):
            found.append(offered)
    return tuple(found)


def host_offers(host: str) -> tuple[Offer, ...]:
    """For a question about a host that a command wants to reach."""
    try:
        subject = checked(Subject("network", host))
    except ValueError:
        return ()
    return tuple(Offer(scope, subject, editable=True) for scope in _EVERYWHERE)


def root_of(path: str, settings: Settings) -> str | None:
    """The workspace folder in which `path` lies."""
    return next((root for root in (settings.cwd, *settings.roots) if inside(path, root)), None)


def _candidates(wish: Wish, ask: Ask, settings: Settings, grants: Grants) -> Iterable[Offer]:
    match wish:
        case RunCommand():
            yield from _command(wish, ask, settings, grants)
        case WriteFiles():
            yield from _files(wish, settings)
        case CallMcp():
            subject = Subject("mcp", f"{wish.server}/{wish.tool}")
            yield from (Offer(scope, subject, editable=True) for scope in _EVERYWHERE)
        case _:
            return


def _command(wish: RunCommand, ask: Ask, settings: Settings, grants: Grants) -> Iterable[Offer]:
    scopes: list[GrantScope] = ["thread"]
    if root_of(wish.cwd, settings):
        scopes.append("workspace")
    holding = tuple(rule for rule in grants.rules if rule.outside or not ask.outside_sandbox)
    words = proposal(wish, settings.rules + RuleBook(holding))
    if words is None:
        subject = Subject("exact_command", wish.script, ask.outside_sandbox, wish.cwd)
        yield from (Offer(scope, subject) for scope in scopes)
        return
    subject = Subject("command", shlex.join(words), ask.outside_sandbox)
    yield from (Offer(scope, subject, editable=True) for scope in (*scopes, "always"))


def _files(wish: WriteFiles, settings: Settings) -> Iterable[Offer]:
    paths = sorted(dict.fromkeys(wish.paths))
    if not paths or any("\n" in path for path in paths):
        return
    if len(paths) <= _MOST_FILES:
        yield Offer("thread", Subject("files", "\n".join(paths)), editable=len(paths) == 1)
    folder = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    if len(paths) > _MOST_FILES:
        yield Offer("thread", Subject("files", f"{folder}/"), editable=True)
    # for files outside of the workspace this names a place far from it, and the user reads which
    yield Offer("workspace", Subject("files", f"{folder}/"), editable=True)


def _degraded() -> Sequence[Offer]:
    subject = Subject("degraded", "commands with less protection")
    return Offer("thread", subject), Offer("workspace", subject)


def _of(offer: Offer, wish: Wish) -> Grants:
    cwd = wish.cwd if isinstance(wish, RunCommand) else None
    return collect([Grant("", offer.scope, offer.subject, 0.0)], cwd)
