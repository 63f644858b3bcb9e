"""What a client does with a thread between and during its turns, one function a deed; `DEEDS` says how often each is done.

A deed ends when the thread is idle again. What may be refused, since something else was quicker, is counted; all else raises.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from .client import Message, Refused
from .model import SoakModel
from .talk import Talk

_numbers = itertools.count(1)
Deed = Callable[[Talk, SoakModel], Awaitable[None]]
PATIENCE = (3.0, 12.0)
"Seconds that the user waits for a turn before it is interrupted."


def words(said: str) -> list[Message]:
    return [{"type": "text", "text": f"{said}, {next(_numbers)}.", "text_elements": []}]


async def may(talk: Talk, method: str, **params: Any) -> Message | None:
    """Call it; None when it was refused."""
    try:
        return await talk.call(method, **params)
    except Refused as refused:
        if refused.code not in (-32600, -32602):
            raise
        talk.counted[f"refused: {method}"] += 1
        return None


async def settle(talk: Talk) -> None:
    await talk.until_idle(talk.rng.uniform(*PATIENCE))


async def begin(talk: Talk, said: str = "Work on") -> str:
    """Starts a turn; its id."""
    for _ in range(5):
        answer = await may(talk, "turn/start", input=words(said))
        if answer is not None:
            talk.begun(answer["turn"]["id"])
            return answer["turn"]["id"]
        await asyncio.sleep(0.1)  # a message of the queue was quicker, and its turn is about to begin
        await settle(talk)
    raise AssertionError("turn/start is refused again and again, and no turn runs")


async def turn(talk: Talk, model: SoakModel) -> None:
    await begin(talk)
    await settle(talk)


async def interrupted(talk: Talk, model: SoakModel) -> None:
    """At a random moment, perhaps twice, perhaps too late."""
    id = await begin(talk)
    for _ in range(talk.rng.choice((1, 1, 2))):
        await asyncio.sleep(talk.rng.choice((0.0, 0.05, 0.3, 1.0)))
        if await may(talk, "turn/interrupt", turnId=id) is not None:
            talk.counted["interrupts"] += 1
    await settle(talk)


async def steered(talk: Talk, model: SoakModel) -> None:
    id = await begin(talk)
    for _ in range(2):
        await asyncio.sleep(talk.rng.uniform(0, 0.5))
        if await may(talk, "turn/steer", expectedTurnId=id, input=words("Faster")) is not None:
            talk.counted["steers"] += 1
    await settle(talk)


async def queued(talk: Talk, model: SoakModel) -> None:
    """Messages that wait for the turn's end: each becomes a turn of its own, but for one that is taken out again."""
    await begin(talk)
    ids: list[str] = []
    for n in range(3):
        said = words("Afterwards")
        answer = await may(talk, "thread/queue/add", input=said, clientUserMessageId=f"q{talk.turns}-{n}")
        ids += [answer["queuedSubmission"]["id"]] if answer else []
        talk.counted["queued"] += 1
    if ids:
        await may(talk, "thread/queue/delete", queuedSubmissionId=talk.rng.choice(ids))
    if talk.rng.random() < 0.3:
        waiting = (await talk.call("thread/queue/list"))["data"]
        if waiting:
            await may(talk, "treadle/queue/promote", id=waiting[-1]["id"])
    for _ in range(8):
        await settle(talk)
        waiting = (await talk.call("thread/queue/list"))["data"]
        if not waiting and talk.turn is None:
            return
        if talk.turn is None and not talk.busy:  # an interrupt stops the queue
            await may(talk, "thread/queue/start")
    for left in waiting:
        await may(talk, "thread/queue/delete", queuedSubmissionId=left["id"])
    await settle(talk)


async def compacted(talk: Talk, model: SoakModel) -> None:
    if await may(talk, "thread/compact/start") is not None:
        await settle(talk)


async def shell(talk: Talk, model: SoakModel) -> None:
    """The user's own command in the thread."""
    line = talk.rng.choice(("echo by hand", "seq 1 50000", "sleep 0.3; exit 4", f"exec sleep {model.sleep}"))
    began = talk.turns
    if await may(talk, "thread/shellCommand", command=line, timeoutMs=2_000) is None:
        return
    while talk.turns == began and talk.client.process.returncode is None:
        talk.changed.clear()
        await talk.changed.wait()


async def executed(talk: Talk, model: SoakModel) -> None:
    """A command of the client's, in no thread: plain, streamed, or with input and an end from outside."""
    client, id = talk.client, f"p{next(_numbers)}"
    where: dict[str, Any] = {"cwd": str(talk.work.folder), "timeoutMs": 60_000}  # the usual ten seconds may pass before it runs
    luck = talk.rng.random()
    if luck < 0.4:
        done = await client.call("command/exec", command=["seq", "1", "2000"], **where)
        assert done["exitCode"] == 0, done
    elif luck < 0.7:
        said = client.call("command/exec", command=["cat"], processId=id, streamStdin=True, streamStdoutStderr=True, **where)
        task = asyncio.create_task(said)
        await asyncio.sleep(0.05)
        data = base64.b64encode(b"typed\n" * 1000).decode()
        await client.call("command/exec/write", processId=id, deltaBase64=data, closeStdin=True)
        assert (await task)["exitCode"] == 0
    else:
        said = client.call("command/exec", command=["sleep", model.sleep], processId=id, tty=talk.rng.random() < 0.5, **where)
        task = asyncio.create_task(said)
        await asyncio.sleep(0.1)
        await client.call("command/exec/terminate", processId=id)
        assert (await task)["exitCode"] != 0
    talk.counted["commands of the client"] += 1


async def reverted(talk: Talk, model: SoakModel) -> None:
    turns = (await talk.call("thread/turns/list", limit=4, itemsView="notLoaded"))["data"]
    if len(turns) < 4:  # not before the first: nothing would be left to extend
        return
    model.taken_back(talk.id)
    if await may(talk, "thread/revert", beforeTurnId=talk.rng.choice(turns[:3])["id"]) is None:
        return
    talk.counted["reverts"] += 1
    if talk.rng.random() < 0.4:
        await may(talk, "treadle/revert/undo")


async def restored(talk: Talk, model: SoakModel) -> None:
    """The files, the conversation or both as they were before a turn; perhaps not for long."""
    listed = (await talk.call("treadle/checkpoint/list"))["checkpoints"]
    if len(listed) < 3:
        return
    to = talk.rng.choice(listed[1:][-4:])["turnId"]
    what = talk.rng.choice(("files", "files", "both", "conversation"))
    await may(talk, "treadle/checkpoint/preview", turnId=to, what=what)
    model.taken_back(talk.id)
    on_conflict = talk.rng.choice(("abort", "skip")) if what == "files" else "abort"
    done = await may(
        talk, "treadle/checkpoint/restore", turnId=to, what=what, onConflict="abort" if what != "files" else on_conflict
    )
    if done is None or done["restoreId"] is None:
        return
    talk.counted["restores"] += 1
    if talk.rng.random() < 0.4:
        model.taken_back(talk.id)
        await may(talk, "treadle/checkpoint/redo", restoreId=done["restoreId"], onConflict="abort")


async def chosen(talk: Talk, model: SoakModel) -> None:
    """Changes of the agent are kept, hunk by hunk."""
    files = (await talk.call("treadle/hunk/list"))["files"]
    if files:
        await may(talk, "treadle/hunk/keep", path=files[0]["path"])
    await may(talk, "treadle/hunk/keep")


async def read(talk: Talk, model: SoakModel) -> None:
    """Page by page, in every way there is."""
    client = talk.client
    await talk.call("thread/read", includeTurns=talk.rng.random() < 0.3)
    cursor: str | None = None
    for _ in range(4):
        page = await talk.call("thread/turns/list", limit=3, cursor=cursor, itemsView=talk.rng.choice(("full", "summary")))
        talk.counted["pages"] += 1
        if not (cursor := page["nextCursor"]):
            break
    await talk.call("thread/items/list", limit=20, sortDirection="desc")
    await client.call("thread/list", limit=20, archived=talk.rng.random() < 0.5)
    await client.call("thread/search", searchTerm=talk.rng.choice(("slow", "SUMMARY", "quick 1")), limit=5)
    await talk.call("treadle/ledger/read", limit=10)
    await talk.call("treadle/context/read")
    await may(talk, "treadle/prompt/read")
    if talk.rng.random() < 0.2:
        await talk.call("treadle/thread/export", format=talk.rng.choice(("markdown", "jsonl")))
    await talk.call("thread/name/set", name=f"Soaked {next(_numbers)}")


async def cleaned(talk: Talk, model: SoakModel) -> None:
    """Commands in the background are ended: one, then all."""
    running = (await talk.call("thread/backgroundTerminals/list"))["data"]
    if running:
        await may(talk, "thread/backgroundTerminals/terminate", processId=running[0]["processId"])
    await talk.call("thread/backgroundTerminals/clean")


async def foreign(talk: Talk, model: SoakModel) -> None:
    """MCP servers by the client itself."""
    await talk.call("mcpServerStatus/list")
    await talk.call("mcpServer/tool/call", server="steady", tool="echo", arguments={"text": "by the client"})
    if talk.rng.random() < 0.1:
        await talk.client.call("config/mcpServer/reload")
    talk.counted["MCP calls of the client"] += 1


async def rejoined(talk: Talk, model: SoakModel) -> None:
    """The client looks away, perhaps in the middle of a turn, and comes back."""
    if talk.rng.random() < 0.5:
        await begin(talk)
        await asyncio.sleep(talk.rng.uniform(0, 0.5))
    talk.watched = False
    await talk.call("thread/unsubscribe")
    talk.forget()
    await asyncio.sleep(talk.rng.uniform(0, 1.0))
    await resume(talk)
    talk.counted["rejoined"] += 1
    await settle(talk)
    talk.watched = True


async def resume(talk: Talk) -> None:
    """Take up a thread as it is."""
    told = talk.told
    answer = await talk.call("thread/resume")
    turns = answer["thread"]["turns"]
    if talk.told == told:  # else it was told of something newer before the answer was read
        talk.busy = answer["thread"]["status"]["type"] == "active"
    if turns and turns[-1]["status"] == "inProgress":
        talk.begun(turns[-1]["id"])


DEEDS: tuple[tuple[int, Deed], ...] = (
    (36, turn),
    (10, interrupted),
    (8, steered),
    (4, queued),
    (3, compacted),
    (3, shell),
    (4, executed),
    (3, reverted),
    (4, restored),
    (2, chosen),
    (6, read),
    (3, cleaned),
    (2, foreign),
    (5, rejoined),
)
