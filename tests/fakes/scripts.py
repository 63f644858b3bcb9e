"""Turns that tests in other processes ask for by name."""

from __future__ import annotations

import asyncio
import os

from treadle.core.asking import Approval
from treadle.core.events import ApprovalSettled, CardCompleted, CardDelta, CardStarted
from treadle.core.views import CallCard, CommandView, MessageCard

from .agent import AT, Stage, hello

VIEW: CommandView = {"view": "command", "command": "make", "cwd": "/workspace", "actions": [], "output": None, "exit_code": None}


async def approval(stage: Stage) -> None:
    """One command that needs a yes; what was decided is what it prints."""
    call = CallCard("call-1", "exec_command", "c1", VIEW, "inProgress")
    stage.say(CardStarted(stage.thread_id, stage.turn_id, call, AT))
    question = Approval("approval-1", stage.thread_id, stage.turn_id, call.id, AT, "command", "May it?", VIEW)
    decision = await stage.client.ask(question)
    stage.say(ApprovalSettled(stage.thread_id, "approval-1"))
    said = f"{decision.verdict} for {decision.scope}" if decision.scope else decision.verdict
    said += f": {decision.rule}" if decision.rule else ""
    done = CommandView(**VIEW | {"output": said, "exit_code": 0, "duration_ms": 5})
    status = "completed" if decision.verdict == "accept" else "declined"
    stage.say(CardCompleted(stage.thread_id, stage.turn_id, CallCard(call.id, call.name, call.call_id, done, status), AT))
    stage.message("message-1", said)


async def endless(stage: Stage) -> None:
    """Runs until it is interrupted."""
    stage.message("message-1", "working")
    await asyncio.Event().wait()


async def flood(stage: Stage) -> None:
    """As many deltas as FLOOD says, in batches of FLOOD_BATCH, as fast as they go."""
    count, batch = int(os.environ.get("FLOOD", "1000")), int(os.environ.get("FLOOD_BATCH", "50"))
    stage.say(CardStarted(stage.thread_id, stage.turn_id, MessageCard("message-1", "", complete=False), AT))
    delta = CardDelta(stage.thread_id, stage.turn_id, "message-1", "text", 'word "quoted" ')
    for _ in range(count // batch):
        stage.say(*[delta] * batch)
        await asyncio.sleep(0)
    stage.say(CardCompleted(stage.thread_id, stage.turn_id, MessageCard("message-1", delta.text * count), AT))


async def noisy(stage: Stage) -> None:
    """Something prints to standard output, which is the protocol's alone."""
    os.write(1, b"stray words on descriptor 1\n")
    stage.message("message-1", "unharmed")


__all__ = ["approval", "endless", "flood", "hello", "noisy"]
