"""apply_patch: the model's way to change files.

`prepare` reads every file and computes every result in memory, so a patch that does not fit touches nothing and its errors go
back to the model; `run` commits all files or none. Whether the write is allowed is decided between the two, by policy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from typing import cast

from ..core import diff, patch
from ..core.errors import ToolFailure, TreadleError
from ..core.items import JsonObject
from ..core.policy import WriteFiles
from ..core.views import FileChange, FileChangeView
from ..runtime.ports import Call, FileState, Plan, Scope, ToolResult

NAME = "apply_patch"
MAX_PATCH_CHARS = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `run` writes: the files as they were read, as they shall be, and the lines of the answer."""

    before: tuple[FileState, ...]
    after: tuple[FileState, ...]
    summary: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one operation does. `path` is the target as the model wrote it."""

    letter: str
    path: str
    before: tuple[FileState, ...]
    after: tuple[FileState, ...]
    change: FileChange


class ApplyPatch:
    name = NAME
    parallel = False

    def spec(self, custom_tools: bool) -> JsonObject:
        if custom_tools:
            grammar = {"type": "grammar", "syntax": "lark", "definition": _text("apply_patch.lark")}
            return {"type": "custom", "name": NAME, "description": _text("apply_patch.md"), "format": grammar}
        schema: JsonObject = {
            "type": "object",
            "properties": {"input": {"type": "string", "description": "The whole patch, from *** Begin Patch to *** End Patch."}},
            "required": ["input"],
            "additionalProperties": False,
        }
        return {
            "type": "function",
            "name": NAME,
            "description": _text("apply_patch.md"),
            "strict": False,
            "parameters": schema,
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        return await plan(call.arguments if call.custom else _input(call.arguments), scope.settings.cwd, scope)

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        prepared: Prepared = plan.data
        try:
            await scope.files.commit(prepared.before, prepared.after, scope.policy)
        except TreadleError as error:
            raise ToolFailure(f"apply_patch failed, no file was changed: {error.sentence()}") from error
        except OSError as error:
            raise ToolFailure(f"apply_patch failed, no file was changed: {_reason(error)}") from error
        return ToolResult("\n".join(("Success. Updated the following files:", *prepared.summary)) + "\n", plan.view)


async def plan(text: str, base: str, scope: Scope) -> Plan:
    """What the patch `text` would do, paths relative to the directory `base`. Raises ToolFailure."""
    try:
        if len(text) > MAX_PATCH_CHARS:
            raise patch.PatchError(f"Invalid patch: it is longer than {MAX_PATCH_CHARS} characters; split it")
        operations = patch.parse(text)
        targets = _targets(operations, base, scope)
        outcomes = [await _outcome(operation, base, targets, scope) for operation in operations]
    except patch.PatchError as error:
        raise ToolFailure(f"apply_patch verification failed: {error}") from error
    view: FileChangeView = {"view": "file_change", "changes": [outcome.change for outcome in outcomes]}
    prepared = Prepared(
        before=tuple(state for outcome in outcomes for state in outcome.before),
        after=tuple(state for outcome in outcomes for state in outcome.after),
        summary=tuple(f"{o.letter} {o.path}" for letter in "AMD" for o in outcomes if o.letter == letter),
    )
    return Plan(view, WriteFiles(tuple(dict.fromkeys(targets.values()))), prepared)


def _input(arguments: str) -> str:
    try:
        parsed = json.loads(arguments)
    except ValueError as error:
        raise ToolFailure(f"failed to parse function arguments: {error}") from error
    text: object = parsed
    if isinstance(parsed, dict):
        text = cast("JsonObject", parsed).get("input")
    if not isinstance(text, str):
        raise ToolFailure("failed to parse function arguments: `input` must be a string that holds the patch")
    return text


def _targets(operations: Iterable[patch.Operation], base: str, scope: Scope) -> dict[str, str]:
    """Path as written -> real path, for every file that would change. No real path may be the target of two operations."""
    found: dict[str, str] = {}
    owners: dict[str, int] = {}
    for index, operation in enumerate(operations):
        paths = [operation.path]
        if isinstance(operation, patch.Update) and operation.move_to:
            paths.append(operation.move_to)
        for path in paths:
            if "\0" in path:
                raise patch.PatchError("Invalid patch: a path holds a NUL character")
            leaves = isinstance(operation, patch.Delete) or (
                isinstance(operation, patch.Update) and operation.move_to is not None
            )
            real = found[path] = _real(scope, _absolute(base, path), link=leaves and path == operation.path)
            if owners.setdefault(real, index) != index:
                raise patch.PatchError(f"multiple operations target {real}: put all changes to one file under one header")
    return found


def _absolute(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))


def _real(scope: Scope, path: str, *, link: bool) -> str:
    """Symlinks resolved; with `link` all but the last step, for a file that goes away: the link goes, not what it names."""
    if not link:
        return scope.files.resolve(path)
    folder, name = os.path.split(path)
    return os.path.join(scope.files.resolve(folder), name)


async def _outcome(operation: patch.Operation, base: str, targets: dict[str, str], scope: Scope) -> _Outcome:
    path, shown = targets[operation.path], _absolute(base, operation.path)
    match operation:
        case patch.Add():
            return await _added(operation, path, shown, scope)
        case patch.Delete():
            before = await _read(path, "delete", scope)
            content = diff.printable(before.data or b"")
            change = FileChange(
                path=shown, kind="delete", move_path=None, diff=content, added=0, removed=diff.count_lines(content)
            )
            return _Outcome("D", operation.path, (before,), (FileState(path, None),), change)
        case patch.Update():
            before = await _read(path, "update", scope)
            data = _edited(before, operation, shown)
            changed = diff.unified(diff.printable(before.data or b""), diff.printable(data))
            change = FileChange(
                path=shown, kind="update", move_path=None, diff=changed.text, added=changed.added, removed=changed.removed
            )
            target = targets[operation.move_to] if operation.move_to else path
            if operation.move_to is None or target == path:
                return _Outcome("M", operation.path, (before,), (FileState(path, data, before.mode),), change)
            there = await _read(target, "move to", scope, absent_ok=True)
            change["move_path"] = _absolute(base, operation.move_to)
            after = (FileState(path, None), FileState(target, data, before.mode))
            return _Outcome("M", operation.move_to, (before, there), after, change)


async def _added(operation: patch.Add, path: str, shown: str, scope: Scope) -> _Outcome:
    before = await _read(path, "add", scope, absent_ok=True)
    data = operation.content.encode()
    if before.data is None:
        added = diff.count_lines(operation.content)
        change = FileChange(path=shown, kind="add", move_path=None, diff=operation.content, added=added, removed=0)
    else:
        # The user must see what an overwritten file loses.
        changed = diff.unified(diff.printable(before.data), operation.content)
        change = FileChange(
            path=shown, kind="update", move_path=None, diff=changed.text, added=changed.added, removed=changed.removed
        )
    return _Outcome("A", operation.path, (before,), (FileState(path, data, before.mode),), change)


async def _read(path: str, verb: str, scope: Scope, *, absent_ok: bool = False) -> FileState:
    try:
        state = await scope.files.read(path)
    except OSError as error:
        raise patch.PatchError(f"Failed to read file to {verb} {path}: {_reason(error)}") from error
    if state.data is None and not absent_ok:
        raise patch.PatchError(f"Failed to read file to {verb} {path}: No such file or directory")
    return state


def _edited(before: FileState, operation: patch.Update, shown: str) -> bytes:
    data = before.data or b""
    if not operation.chunks:
        return data
    if b"\0" in data:
        raise patch.PatchError(f"Failed to update {shown}: it is not a text file")
    # Bytes that are not UTF-8 go through untouched; the patch cannot hold such bytes itself.
    text = data.decode("utf-8", "surrogateescape")
    return patch.apply(text, operation.chunks, shown).encode("utf-8", "surrogateescape")


def _reason(error: OSError) -> str:
    if not error.strerror:
        return str(error)
    return f"{error.strerror}: {error.filename}" if error.filename else error.strerror


@cache
def _text(name: str) -> str:
    return package_files(__package__ or "treadle.tools").joinpath(name).read_text("utf-8")
