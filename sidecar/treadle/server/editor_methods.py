"""What an editor asks beside the turns of its user: words for an action, a commit message, a review, problems handed back."""

from __future__ import annotations

from typing import cast

from ..core import handed_back
from ..core.commit_message import CommitMessage
from ..core.editor_ops import ReportProblems, StartReview, WriteCommitMessage
from ..core.handed_back import Problem
from ..core.history import TurnState
from ..core.items import JsonObject
from ..core.review import AgainstBranch, InWords, OneCommit, Staged, Target, Uncommitted
from . import action_words, project
from .action_words import MAX_CODE, Excerpt
from .methods import Exchange, method
from .wire import editor as wire

MOST_DIFF = 2_000_000
"Characters that are looked at."


@method("treadle/action/words")
async def treadle_action_words(ask: Exchange, params: wire.ActionWordsParams) -> JsonObject:
    task: str = await ask.agent.info("wording", name=f"action_{params.action}")
    if params.action == "problems":
        return {"text": f"{task}\n\n{handed_back.listed(_problems(params.problems)).strip()}"}
    cut = len(params.code) > MAX_CODE
    last = max(params.first_line, params.last_line)
    excerpt = Excerpt(params.first_line, last, params.code[:MAX_CODE], params.name[:200], cut)
    diagnostics = action_words.listed(params.diagnostics)
    return {"text": action_words.words(task, excerpt, params.path, params.language, diagnostics, note=params.note)}


@method("treadle/commitMessage")
async def treadle_commit_message(ask: Exchange, params: wire.CommitMessageParams) -> JsonObject:
    op = WriteCommitMessage(params.diff[:MOST_DIFF], tuple(params.subjects[:50]), params.begun, params.cwd, params.model)
    message = cast(CommitMessage, await ask.agent.submit(op, ask.client))
    return {"message": message.text, "leftOut": list(message.left_out)}


@method("treadle/diagnostics/report")
async def treadle_diagnostics_report(ask: Exchange, params: wire.DiagnosticsReportParams) -> JsonObject:
    op = ReportProblems(params.thread_id, params.turn_id, _problems(params.problems))
    return {"taken": await ask.agent.submit(op, ask.client)}


@method("review/start")
async def review_start(ask: Exchange, params: wire.ReviewStartParams) -> JsonObject:
    state = cast(TurnState, await ask.agent.submit(StartReview(params.thread_id, _target(params.target)), ask.client))
    return {"turn": project.turn(state.id, state.status, state.started_at), "reviewThreadId": params.thread_id}


def _target(given: wire.ReviewTarget) -> Target:
    match given:
        case wire.StagedChangesTarget():
            return Staged()
        case wire.BaseBranchTarget():
            return AgainstBranch(given.branch)
        case wire.CommitTarget():
            return OneCommit(given.sha, given.title)
        case wire.CustomTarget():
            return InWords(given.instructions)
        case _:
            return Uncommitted()


def _problems(given: list[wire.EditorProblem]) -> tuple[Problem, ...]:
    return tuple(Problem(one.path, one.line, one.column, one.severity, one.message, one.source, one.code) for one in given)
