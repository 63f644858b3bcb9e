"""Checkpoints: lists and previews them, restores them and takes that back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..core.checkpoint_ops import ListCheckpoints, PreviewCheckpoint, RedoCheckpoint, RestoreCheckpoint
from ..core.errors import RequestRefused
from ..core.items import JsonObject
from .methods import Exchange, method

if TYPE_CHECKING:
    from ..core.checkpoints import Checkpoint, CheckpointList, CheckpointPlan, FilePlan, Restored, RestoreDone
    from .wire import checkpoint


@method("treadle/checkpoint/list")
async def checkpoint_list(ask: Exchange, params: checkpoint.CheckpointListParams) -> JsonObject:
    found = cast("CheckpointList", await ask.agent.submit(ListCheckpoints(params.thread_id), ask.client))
    return {
        "checkpoints": [_checkpoint(each) for each in found.checkpoints],
        "restores": [_restored(each) for each in found.restores],
    }


@method("treadle/checkpoint/preview")
async def checkpoint_preview(ask: Exchange, params: checkpoint.CheckpointPreviewParams) -> JsonObject:
    if (params.turn_id is None) == (params.restore_id is None):
        raise RequestRefused("turnId: give this or restoreId, and not both", code=-32602, data={"path": "turnId"})
    op = PreviewCheckpoint(params.thread_id, params.turn_id, params.restore_id, params.what)
    found = cast("CheckpointPlan", await ask.agent.submit(op, ask.client))
    return {"files": _files(found.files), "turns": found.turns}


@method("treadle/checkpoint/restore")
async def checkpoint_restore(ask: Exchange, params: checkpoint.CheckpointRestoreParams) -> JsonObject:
    op = RestoreCheckpoint(params.thread_id, params.turn_id, params.what, params.on_conflict)
    return _done(cast("RestoreDone", await ask.agent.submit(op, ask.client)))


@method("treadle/checkpoint/redo")
async def checkpoint_redo(ask: Exchange, params: checkpoint.CheckpointRedoParams) -> JsonObject:
    op = RedoCheckpoint(params.thread_id, params.restore_id, params.on_conflict)
    return _done(cast("RestoreDone", await ask.agent.submit(op, ask.client)))


def _checkpoint(found: Checkpoint) -> JsonObject:
    return {
        "turnId": found.turn_id,
        "createdAtMs": int(found.at * 1000),
        "preview": found.words,
        "files": found.files,
        "omitted": [{"path": each.path, "reason": each.reason} for each in found.omitted],
    }


def _restored(found: Restored) -> JsonObject:
    return {
        "restoreId": found.id,
        "turnId": found.turn_id,
        "what": found.what,
        "createdAtMs": int(found.at * 1000),
        "redoOf": found.redo_of,
    }


def _files(plans: tuple[FilePlan, ...]) -> list[JsonObject]:
    return [
        {
            "path": plan.path,
            "kind": plan.kind,
            "diff": plan.diff,
            "added": plan.added,
            "removed": plan.removed,
            "reason": plan.reason,
        }
        for plan in plans
    ]


def _done(done: RestoreDone) -> JsonObject:
    return {"restoreId": done.id, "files": _files(done.files), "turns": done.turns}
