"""Patch text -> what it would do to the files as they are now: new contents, the diff to show, what is wished. Writes nothing.

A file that has changed since the model saw it may still be patched: the patch must fit, in one place, and the answer says so.
Where there is nothing to fit, because the file is replaced or deleted whole, the model has to look at it first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import replace

from ..core import diff, patch, patch_apply
from ..core.encoding import decoded, displayed, without_surrogates
from ..core.errors import ToolFailure
from ..core.patch import shown
from ..core.policy import WriteFiles
from ..core.record import frozen
from ..core.redaction import Redactor
from ..core.views import FileChange, FileChangeView
from ..runtime.ports import FileState, Plan, Scope

MAX_PATCH_CHARS = 4 * 1024 * 1024
MAX_DIFF_CHARS = 512 * 1024
"Of one file, as drawn; the rest is counted only."
_SMALL, _FEW = 64 * 1024, 200
"Bytes of a file, and chunks, that are applied at once: to hand them to another system thread may take longer than the work."
STALE = "it has changed since you read it (by the user, another program or a command)"


@frozen
class Prepared:
    """What is written: the files as they were read, as they shall be, and the lines of the answer."""

    before: tuple[FileState, ...]
    after: tuple[FileState, ...]
    summary: tuple[str, ...]
    notes: tuple[str, ...] = ()


@frozen
class _Outcome:
    """What one operation does. `path` is the target as the model wrote it."""

    letter: str
    path: str
    before: tuple[FileState, ...]
    after: tuple[FileState, ...]
    change: FileChange
    stale: bool = False


async def plan(text: str, base: str, scope: Scope) -> Plan:
    """What the patch `text` would do, paths relative to the directory `base`. Raises ToolFailure."""
    try:
        if len(text) > MAX_PATCH_CHARS:
            raise patch.PatchError(f"Invalid patch: it is longer than {MAX_PATCH_CHARS} characters; split it")
        operations = patch.parse(text)
        targets = _targets(operations, base, scope)
        outcomes = [await _outcome(operation, base, targets, scope) for operation in operations]
        _refuse_two_names(outcomes)
    except patch.PatchError as error:
        raise ToolFailure(f"apply_patch verification failed: {error}") from error
    view: FileChangeView = {"view": "file_change", "changes": [_redacted(outcome.change, scope.secrets) for outcome in outcomes]}
    prepared = Prepared(
        before=tuple(state for outcome in outcomes for state in outcome.before),
        after=tuple(state for outcome in outcomes for state in outcome.after),
        summary=tuple(f"{o.letter} {shown(o.path)}" for letter in "AMD" for o in outcomes if o.letter == letter),
        notes=tuple(note for outcome in outcomes for note in _notes(outcome)),
    )
    return Plan(view, WriteFiles(tuple(dict.fromkeys(targets.values()))), prepared)


def _targets(operations: Iterable[patch.Operation], base: str, scope: Scope) -> dict[str, str]:
    """Path as written -> real path, for every file that would change. No real path may be the target of two operations."""
    found: dict[str, str] = {}
    owners: dict[str, int] = {}
    for index, operation in enumerate(operations):
        paths = [operation.path]
        if isinstance(operation, patch.Update) and operation.move_to:
            paths.append(operation.move_to)
        for path in paths:
            leaves = isinstance(operation, patch.Delete) or (
                isinstance(operation, patch.Update) and operation.move_to is not None
            )
            real = found[path] = _real(scope, _absolute(base, path), link=leaves and path == operation.path)
            if owners.setdefault(real, index) != index:
                raise _twice(real)
    return found


def _twice(path: str) -> patch.PatchError:
    return patch.PatchError(f"multiple operations target {shown(path)}: put all changes to one file under one header")


def _refuse_two_names(outcomes: Iterable[_Outcome]) -> None:
    """Hard links: two names of one file would be written one over the other."""
    owners: dict[tuple[int, int], int] = {}
    for index, outcome in enumerate(outcomes):
        for state in outcome.before:
            if state.identity is not None and owners.setdefault(state.identity, index) != index:
                raise _twice(state.path)


def _absolute(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))


def _real(scope: Scope, path: str, *, link: bool) -> str:
    """Symlinks resolved; with `link` all but the last step, for a file that goes away: the link goes, not what it names."""
    if not link:
        return scope.files.resolve(path)
    folder, name = os.path.split(path)
    return os.path.join(scope.files.resolve(folder), name)


async def _outcome(operation: patch.Operation, base: str, targets: dict[str, str], scope: Scope) -> _Outcome:
    path, seen = targets[operation.path], _absolute(base, operation.path)
    match operation:
        case patch.Add():
            return await _added(operation, path, seen, scope)
        case patch.Delete():
            before = await _read(path, "delete", scope)
            _refuse_stale(before, scope, "delete")
            _refuse_unsaved(before, "delete")
            content = displayed(before.data or b"")
            change = FileChange(
                path=seen, kind="delete", move_path=None, diff=_cut(content), added=0, removed=diff.count_lines(content)
            )
            return _Outcome("D", operation.path, (before,), (FileState(path, None),), change)
        case patch.Update():
            return await _updated(operation, seen, base, targets, scope)


async def _updated(operation: patch.Update, seen: str, base: str, targets: dict[str, str], scope: Scope) -> _Outcome:
    path = targets[operation.path]
    before = await _read(path, "update", scope)
    assert before.data is not None
    stale = scope.known.changed(path, before.data)
    try:
        if len(before.data) <= _SMALL and len(operation.chunks) <= _FEW:
            data, changed = _edited(before.data, operation, seen)
        else:  # off the loop: ten megabytes take a while
            data, changed = await asyncio.to_thread(_edited, before.data, operation, seen)
    except patch.PatchError as error:
        words = str(error) if _is_in_workspace(path, scope) else error.bare
        lead = f"{shown(seen)}: {STALE}, and the patch does not fit it any more.\n" if stale else ""
        raise patch.PatchError(lead + words) from error
    change = FileChange(
        path=seen, kind="update", move_path=None, diff=_cut(changed.text), added=changed.added, removed=changed.removed
    )
    target = targets[operation.move_to] if operation.move_to else path
    if operation.move_to is None or target == path:
        after = () if data == before.data else (FileState(path, data, before.mode),)
        return _Outcome("M", operation.path, (before,), after, change, stale)
    there = await _read(target, "move to", scope, absent_ok=True)
    _refuse_stale(there, scope, "replace")
    for state, verb in ((before, "move"), (there, "replace")):
        _refuse_unsaved(state, verb)
    change["move_path"] = _absolute(base, operation.move_to)
    after = (FileState(target, data, before.mode, like=path), FileState(path, None))
    return _Outcome("M", operation.move_to, (before, there), after, change, stale)


async def _added(operation: patch.Add, path: str, seen: str, scope: Scope) -> _Outcome:
    before = await _read(path, "add", scope, absent_ok=True)
    _refuse_stale(before, scope, "replace")
    data = operation.content.encode()
    if before.data is None:
        added, content = diff.count_lines(operation.content), _cut(operation.content)
        change = FileChange(path=seen, kind="add", move_path=None, diff=content, added=added, removed=0)
    else:
        # The user must see what an overwritten file loses.
        changed = await asyncio.to_thread(diff.unified, displayed(before.data), operation.content)
        change = FileChange(
            path=seen, kind="update", move_path=None, diff=_cut(changed.text), added=changed.added, removed=changed.removed
        )
    return _Outcome("A", operation.path, (before,), (FileState(path, data, before.mode),), change)


async def _read(path: str, verb: str, scope: Scope, *, absent_ok: bool = False) -> FileState:
    try:
        state = await scope.files.read(path)
    except OSError as error:
        raise patch.PatchError(f"Failed to read file to {verb} {shown(path)}: {reason(error)}") from error
    if state.data is None and not absent_ok:
        raise patch.PatchError(f"Failed to read file to {verb} {shown(path)}: No such file or directory")
    return state


def _refuse_stale(state: FileState, scope: Scope, verb: str) -> None:
    if state.data is not None and scope.known.changed(state.path, state.data):
        raise patch.PatchError(f"Refused to {verb} {shown(state.path)}: {STALE}. Read it again first.")


def _refuse_unsaved(state: FileState, verb: str) -> None:
    """The text would be lost with the file, or stay behind in an editor without one."""
    if state.unsaved:
        words = "it has unsaved changes in the user's editor. Ask the user to save or discard them first."
        raise patch.PatchError(f"Refused to {verb} {shown(state.path)}: {words}")


def _edited(data: bytes, operation: patch.Update, path: str) -> tuple[bytes, diff.Diff]:
    """The new content, and what changes as the user should see it."""
    if not operation.chunks:
        return data, diff.Diff("", 0, 0)
    found = decoded(data)
    if found is None:
        raise patch.PatchError(f"Failed to update {shown(path)}: it is not a text file")
    made = patch_apply.edited(found.text, operation.chunks, path)
    try:
        new = found.encoded(made.text)
    except UnicodeEncodeError as error:
        char = made.text[error.start]
        raise patch.PatchError(
            f"Failed to update {shown(path)}: it is not UTF-8 but {found.codec}, which has no character {char!r}; "
            "convert the file to UTF-8 first, or write the line without it"
        ) from error
    return new, diff.unified(without_surrogates(found.text), without_surrogates(made.text), made.ranges)


def _is_in_workspace(path: str, scope: Scope) -> bool:
    """Only of such a file may a patch that does not fit tell the lines: another one may be a login."""
    policy = replace(scope.policy, mode="workspace-write") if scope.policy.mode == "read-only" else scope.policy
    return scope.files.refusal(path, policy) is None


def _redacted(change: FileChange, secrets: tuple[str, ...]) -> FileChange:
    """The diff is drawn and kept with the call, also of a patch that is declined: what is in the file may be a key of ours."""
    if secrets:
        redactor = Redactor(secrets)
        change["diff"] = redactor.feed(change.get("diff", "")) + redactor.rest()
    return change


def _cut(text: str) -> str:
    if len(text) <= MAX_DIFF_CHARS:
        return text
    return text[: text.rfind("\n", 0, MAX_DIFF_CHARS) + 1 or MAX_DIFF_CHARS]


def _notes(outcome: _Outcome) -> Iterable[str]:
    if outcome.stale:
        yield f"Note: {shown(outcome.path)} was not as you last saw it: {STALE}. The patch still fitted."
    if any(state.unsaved for state in outcome.before):
        yield (
            f"Note: {shown(outcome.path)} has unsaved changes in the user's editor. The patch was applied to those and is not "
            "on disk: commands see the older file until the user saves it."
        )


def reason(error: OSError) -> str:
    """An error of the disk in words for the model."""
    if not error.strerror:
        return shown(str(error))
    return f"{error.strerror}: {shown(str(error.filename))}" if error.filename else error.strerror


def learned(prepared: Prepared, scope: Scope) -> None:
    """The patch was applied: the model knows these files now."""
    for state in prepared.after:
        scope.known.note(state.path, state.data)
