"""The methods of hunks: lists, keeps and undoes the agent's changes for a client. Decides nothing."""

from __future__ import annotations

import os
from typing import cast

from ..core.encoding import without_surrogates
from ..core.hunk_ops import HunkOp, KeepHunks, ListHunks, UndoHunks
from ..core.hunks import Hunk
from ..core.items import JsonObject
from ..runtime.answers import HunkFile, HunkList
from .handshake import BadParams
from .methods import Exchange, method
from .wire import hunk

MAX_LINES = 400
"Of one side of one hunk, as it is shown."
MAX_CHARS = 2_000
"Of one line, as it is shown."
MAX_ALL_CHARS = 8 * 1024 * 1024
"Of all lines of one answer; later hunks come without."


@method("treadle/hunk/list")
async def hunk_list(ask: Exchange, params: hunk.HunkListParams) -> JsonObject:
    return await _answer(ask, ListHunks(params.thread_id, params.path, params.turn_id), params.full)


@method("treadle/hunk/keep")
async def hunk_keep(ask: Exchange, params: hunk.HunkChoiceParams) -> JsonObject:
    return await _answer(ask, KeepHunks(params.thread_id, _ids(params), params.path, params.turn_id))


@method("treadle/hunk/undo")
async def hunk_undo(ask: Exchange, params: hunk.HunkChoiceParams) -> JsonObject:
    return await _answer(ask, UndoHunks(params.thread_id, _ids(params), params.path, params.turn_id))


def _ids(params: hunk.HunkChoiceParams) -> tuple[str, ...] | None:
    return None if params.ids is None else tuple(params.ids)


async def _answer(ask: Exchange, op: HunkOp, full: bool = False) -> JsonObject:
    if op.path is not None and (not os.path.isabs(op.path) or "\0" in op.path):
        raise BadParams("path", "must be an absolute path")
    found = cast(HunkList, await ask.agent.submit(op, ask.client))
    lines = _Lines(full)
    files = [_file(file, lines) for file in found.files]
    return {"files": files, "notFollowed": found.not_followed, "problems": list(found.problems)}


class _Lines:
    """Lines as people read them, as long as there is room."""

    def __init__(self, full: bool) -> None:
        self._full = full
        self._room = MAX_ALL_CHARS

    def shown(self, lines: tuple[str, ...]) -> list[str]:
        out: list[str] = []
        for line in lines if self._full else lines[:MAX_LINES]:
            text = line.rstrip("\r\n")
            text = text if self._full else text[:MAX_CHARS]
            if len(text) > self._room:
                self._room = 0
                break
            self._room -= len(text)
            out.append(text if text.isascii() else without_surrogates(text))
        return out


def _file(file: HunkFile, lines: _Lines) -> JsonObject:
    return {
        "path": file.path,
        "kind": file.kind,
        "unsaved": file.unsaved,
        "version": file.version,
        "hunks": [_hunk(one, lines) for one in file.hunks],
        "added": sum(len(one.added) for one in file.hunks),
        "removed": sum(len(one.removed) for one in file.hunks),
        "omitted": file.omitted,
        "moved": file.moved,
    }


def _hunk(one: Hunk, lines: _Lines) -> JsonObject:
    return {
        "id": one.id,
        "baseStart": one.base_start,
        "baseLines": len(one.removed),
        "start": one.start,
        "lines": len(one.added),
        "removed": lines.shown(one.removed),
        "added": lines.shown(one.added),
        "turnIds": list(one.turns),
        "whole": one.whole,
    }
