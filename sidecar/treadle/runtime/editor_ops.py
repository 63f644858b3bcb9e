"""What an editor asks beside the turns of its user: reviews, words for a commit, and new problems handed back to the model.

Problems enter the thread as one developer message before the running turn's next request, and are dropped with the turn: nothing
that the model has read is ever changed. Each problem is told once a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from ..core import commit_message, handed_back, review
from ..core.commit_message import CommitMessage
from ..core.editor_ops import EditorOp, ReportProblems, StartReview, WriteCommitMessage
from ..core.errors import RequestRefused
from ..core.events import ProblemsTold
from ..core.handed_back import Problem
from ..core.history import TurnState
from ..core.items import Section, Text, TurnStatus
from ..core.ops import StartTurn
from ..core.record import mutable
from ..core.redaction import Redactor
from . import once
from .assembly import World
from .loaded import Loaded
from .ports import Client
from .threads import Threads
from .turns import Turns

MOST_WAITING = 100
"Problems of one turn that nobody has told the model yet."
MOST_TOLD = 500
"Problems that one turn's model is told at all."


@mutable
class _Turn:
    id: str
    waiting: list[Problem] = field(default_factory=list[Problem])
    known: set[tuple[str, str, str, str]] = field(default_factory=set[tuple[str, str, str, str]])


class EditorOps:
    def __init__(self, world: World, threads: Threads, turns: Turns) -> None:
        self._world = world
        self._threads = threads
        self._turns = turns
        self._running: dict[str, _Turn] = {}
        "Turns with problems, by their threads."
        world.asides.append(self._aside)
        turns.ended.append(self._ended)

    async def answer(self, op: EditorOp, client: Client) -> TurnState | CommitMessage | int:
        """Raises RequestRefused or TreadleError."""
        match op:
            case StartReview():
                return await self._review(op, client)
            case WriteCommitMessage():
                return await self._commit_message(op)
            case ReportProblems():
                return self._report(op)

    async def _review(self, op: StartReview, client: Client) -> TurnState:
        if not review.is_safe(op.target):
            raise RequestRefused("this is no name of a branch or a commit", code=-32602)
        wording: str = await self._world.info("wording", name="review")
        words = wording.replace("{task}", review.task(op.target))
        return await self._turns.start(StartTurn(op.thread_id, (Text(words),), review=review.label(op.target)), client)

    async def _commit_message(self, op: WriteCommitMessage) -> CommitMessage:
        settings = once.settings(self._world, op.cwd, op.model)
        redactor = Redactor(self._world.environment.secrets(settings))
        diff = commit_message.shown(redactor.feed(op.diff) + redactor.rest())
        if not diff.text.strip():
            raise RequestRefused("there are no changes to write about", code=-32602)
        instruction: str = await self._world.info("wording", name="commit_message")
        asked = await once.ask(
            self._world, settings, lambda tail: commit_message.request(instruction, diff, op.subjects, op.begun, tail)
        )
        text = commit_message.cleaned(asked)
        if not text:
            raise RequestRefused("the model gave no message: try again")
        return CommitMessage(text, diff.left_out)

    def _report(self, op: ReportProblems) -> int:
        loaded = self._threads.get(op.thread_id)
        runner = loaded.runner
        if runner is None or runner.turn_id != op.turn_id or runner.closed:
            return 0
        turn = self._running.get(op.thread_id)
        if turn is None or turn.id != op.turn_id:
            turn = self._running[op.thread_id] = _Turn(op.turn_id)
        fresh = 0
        for problem in op.problems:
            if problem.key in turn.known or len(turn.waiting) >= MOST_WAITING or len(turn.known) >= MOST_TOLD:
                continue
            turn.known.add(problem.key)
            turn.waiting.append(problem)
            fresh += 1
        return fresh

    def _aside(self, thread_id: str) -> Sequence[Section]:
        turn = self._running.get(thread_id)
        if turn is None or not turn.waiting:
            return []
        told, turn.waiting = tuple(turn.waiting), []
        self._threads.get(thread_id).audience.notify(ProblemsTold(thread_id, turn.id, told))
        return [handed_back.section(told)]

    def _ended(self, loaded: Loaded, _turn_id: str, _status: TurnStatus) -> None:
        self._running.pop(loaded.thread.id, None)
