"""The ops about grants and rules: listed, changed, explained. Runs nothing and asks nobody.

A change is written whole or not at all; what is refused is named by its place in the request, with the reason in words. Works
on the store alone, too: a thread need not be loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ..core.errors import RequestRefused
from ..core.events import GrantsChanged
from ..core.grants import Grant
from ..core.ops import CheckRule, GrantChange, ListRules, WriteRules
from ..core.settings import Settings
from ..core.subjects import checked, collect
from . import overrides as over
from .answers import RuleCheck, RuleList
from .assembly import World
from .damage import sound
from .loaded import Loaded
from .ports import Client

BAD = -32602
_MOST_CHANGES = 1_000


async def answer(
    world: World, threads: Mapping[str, Loaded], op: ListRules | WriteRules | CheckRule
) -> RuleList | RuleCheck | list[Grant]:
    match op:
        case ListRules():
            return _list(world, threads, op)
        case WriteRules():
            return _write(world, threads, op)
        case CheckRule():
            return await _check(world, threads, op)


def told_to(threads: Mapping[str, Loaded]) -> Callable[[str | None], None]:
    """Tells every client of every loaded thread, once each, that the list of grants is another one: after the answer to the
    request that changed it."""

    def tell(thread_id: str | None) -> None:
        asyncio.get_running_loop().call_soon(tell_now, thread_id)

    def tell_now(thread_id: str | None) -> None:
        clients: dict[int, Client] = {id(client): client for one in threads.values() for client in one.audience.clients}
        for client in clients.values():
            client.notify([GrantsChanged(thread_id)])

    return tell


def _list(world: World, threads: Mapping[str, Loaded], op: ListRules) -> RuleList:
    settings, problems = _settings(world, threads, op.thread_id, op.cwd)
    if op.thread_id is None and op.cwd is None:
        grants = list(world.grants.all())
    else:
        grants = world.grants.counting(op.thread_id, (settings.cwd, *settings.roots))
    return RuleList(grants, settings.rules, tuple(problem for problem in problems if ".rules" in problem))


def _write(world: World, threads: Mapping[str, Loaded], op: WriteRules) -> list[Grant]:
    if len(op.changes) > _MOST_CHANGES:
        raise RequestRefused(f"changes: at most {_MOST_CHANGES} at once", code=BAD, data={"path": "changes"})
    before = {grant.id: grant for grant in world.grants.all()}
    after = dict(before)
    for number, change in enumerate(op.changes):
        _apply(world, threads, f"changes.{number}", change, after)
    put = [grant for id, grant in after.items() if before.get(id) != grant]
    unkept = frozenset(loaded.thread.id for loaded in threads.values() if not loaded.durable)
    gone = [id for id in before if id not in after]
    if put or gone:
        world.grants.write(put, gone, unkept=unkept)
    return list(world.grants.all())


def _apply(world: World, threads: Mapping[str, Loaded], place: str, change: GrantChange, grants: dict[str, Grant]) -> None:
    if change.op == "add":
        if change.scope is None or change.subject is None:
            raise _refused(place, "subject" if change.scope else "scope", "an added grant needs a scope and a subject")
        old = Grant(world.clock.new_id(), change.scope, change.subject, world.clock.now())
    else:
        known = grants.get(change.id or "")
        if known is None:
            raise _refused(place, "id", f"there is no grant {change.id}: it may have been removed meanwhile")
        old = known
    if change.op == "remove":
        del grants[old.id]
        return
    try:
        subject = checked(change.subject or old.subject, world.own)
    except ValueError as error:
        raise _refused(place, "subject.text", str(error)) from None
    scope = change.scope or old.scope
    workspace = change.workspace or old.workspace
    thread_id = (change.thread_id or old.thread_id) if scope == "thread" else None
    if scope == "workspace":
        workspace = _folder(world, place, workspace)
    elif scope == "always" or subject.kind != "command":
        workspace = None
    if scope == "thread" and not _known(world, threads, thread_id):
        raise _refused(place, "threadId", f"there is no thread {thread_id}" if thread_id else "scope thread needs a threadId")
    grants[old.id] = Grant(old.id, scope, subject, old.created_at, workspace, thread_id)


def _folder(world: World, place: str, folder: str | None) -> str:
    if not folder or not folder.startswith("/"):
        raise _refused(place, "workspace", "scope workspace needs a workspace, as an absolute path")
    try:
        return world.configure(folder, {})[0].cwd
    except RequestRefused as error:
        raise _refused(place, "workspace", error.message) from None


def _known(world: World, threads: Mapping[str, Loaded], thread_id: str | None) -> bool:
    if thread_id is None or thread_id in threads:
        return thread_id is not None
    try:
        world.store.meta(thread_id)
    except KeyError:
        return False
    return True


def _refused(place: str, field: str, why: str) -> RequestRefused:
    return RequestRefused(f"{place}.{field}: {why}", code=BAD, data={"path": f"{place}.{field}"})


async def _check(world: World, threads: Mapping[str, Loaded], op: CheckRule) -> RuleCheck:
    from ..core.explanation import explain  # noqa: PLC0415  the grammar of shell lines comes with it

    if (op.command is None) == (op.rule is None):
        raise RequestRefused("give a command or a rule", code=BAD, data={"path": "command"})
    if op.rule is not None:
        try:
            checked(op.rule, world.own)
        except ValueError as error:
            return RuleCheck(problem=str(error))
        return RuleCheck()
    settings, _ = _settings(world, threads, op.thread_id, op.cwd)
    if op.thread_id is not None:
        grants = world.grants.of(op.thread_id, settings, settings.cwd)
    else:
        grants = collect(world.grants.counting(None, (settings.cwd, *settings.roots)), settings.cwd)
    available = (await world.sandbox.status()).available
    return RuleCheck(explain(op.command or "", settings, grants, sandbox_available=available))


def _settings(
    world: World, threads: Mapping[str, Loaded], thread_id: str | None, cwd: str | None
) -> tuple[Settings, tuple[str, ...]]:
    """Those of a thread, else of a folder, else of the process's own folder; with what is wrong with the configuration."""
    if thread_id is None:
        return world.configure(cwd, {})
    loaded = threads.get(thread_id)
    if loaded is not None:
        _, problems = over.resolve(loaded.overrides, world.configure)
        return loaded.settings, problems
    try:
        meta = world.store.meta(thread_id)
    except KeyError:
        raise RequestRefused(f"no thread with the id {thread_id}") from None
    with sound(thread_id):
        kept = over.from_json(meta.settings)
    settings, problems = over.resolve(kept, world.configure)
    return settings, problems
