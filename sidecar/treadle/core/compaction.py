"""Compaction: when it is due, what is asked, what survives, and whether it helped. Pure; nothing is sent or appended here.

What survives: the user's own words, newest first within a budget; one summary, in which the one before it has been taken up, so
that summaries never nest; and all Context, which is told again because a Summary begins an epoch. Must never make a prompt longer
than the one it replaces, nor let a thread compact for ever: `futile` and `too_little` say when it would be of no use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

from . import tags, tokens, truncate
from .items import Context, Item, JsonObject, ModelItem, Summary, ToolOutput, UserMessage, dumps
from .prompt import fragment
from .record import frozen
from .thread import Thread

USER_WORDS = 20_000
"Tokens of the user's own words that are kept."
SUMMARY_WORDS = 10_000
"Tokens that the summary may have."
FULL = 0.8
"A new epoch that begins with more than this share of the limit would soon be compacted again."
IN_VAIN = 2
"So many epochs in a row that were full at once although they should not have been: another would be, too."
COMMANDS_KEPT, FILES_KEPT, LINE_BYTES = 30, 60, 200
_OUTPUT_LEFT = 500
"Tokens that are left of an output when the request for a summary is too long."
_SCRAP = 50
"Tokens; less of a message than this is not worth keeping."

PREAMBLE = (
    "The conversation so far became too long and was replaced by this summary of it. The messages of the user above are in their "
    "own words, oldest first; what the summary calls done need not be done again. Go on from here."
)
_OPEN, _CLOSE = "<conversation_summary>", "</conversation_summary>"
_HEAD_OF_RECORD = "# From the record"


@frozen
class Room:
    """How long a thread may get, in tokens."""

    window: int
    limit: int
    "Compaction is due from here on."


def room(window: int, configured: int | None = None) -> Room:
    """`configured` is model_auto_compact_token_limit; more than nine tenths of the window is never used."""
    most = window * 9 // 10
    # a limit of nothing would be reached by a thread that has not even begun
    return Room(window, max(most if configured is None else min(configured, most), 1))


def due(thread: Thread, room: Room | None) -> bool:
    """Whether the next request should be made in a new epoch. Without an Opening nothing can be asked, no summary either."""
    return room is not None and thread.opening is not None and thread.used >= room.limit


def floor(thread: Thread) -> int:
    """Tokens that no compaction can free: instructions, tools, Context, and the user's words that still await an answer."""
    head = tokens.of_item(thread.opening) if thread.opening else 0
    told = [text for name, text in thread.told.items() if name != "model_instructions"]
    return head + sum(map(tokens.estimate, told)) + sum(map(tokens.of_item, waiting(thread.epoch)))


def waiting(items: Sequence[Item]) -> list[UserMessage]:
    """The user's messages that the model has not answered to."""
    found: list[UserMessage] = []
    for item in reversed(items):
        if isinstance(item, (ModelItem, ToolOutput, Summary)):
            break
        if isinstance(item, UserMessage):
            found.append(item)
    return found[::-1]


def futile(thread: Thread, room: Room) -> bool:
    """True when even an empty summary would leave the thread too long, or when the last ones did, whatever we had estimated."""
    return (thread.in_vain >= IN_VAIN and due(thread, room)) or floor(thread) > room.limit * FULL


def too_little(thread: Thread, room: Room, replacement: Sequence[str]) -> bool:
    """True when an epoch that begins with `replacement` would be as good as full."""
    # the words that await an answer are in the replacement
    rest = floor(thread) - sum(map(tokens.of_item, waiting(thread.epoch)))
    return rest + sum(map(tokens.of_raw, replacement)) > room.limit * FULL


def kept_words(thread: Thread, room: Room) -> tuple[str, ...]:
    """The user's messages that go on into the next epoch, oldest first, as input items; the oldest of them may be cut."""
    epoch = thread.epoch
    unanswered = waiting(epoch)
    left = min(USER_WORDS, _spare(thread, room))
    found = [_fragment(message) for message in reversed(unanswered)]
    older = [_fragment(i) for i in epoch if isinstance(i, UserMessage) and all(i is not u for u in unanswered)]
    for raw in reversed([*_earlier_words(thread.summary), *older]):
        size = tokens.of_raw(raw)
        if size > left:
            scrap = _cut(raw, left)
            found.extend([scrap] if scrap else [])
            break
        found.append(raw)
        left -= size
    return tuple(reversed(found))


def _spare(thread: Thread, room: Room) -> int:
    """Tokens for the user's earlier words, and as many again for the summary, so that the new epoch is not too full."""
    return max(int((room.limit * FULL - floor(thread)) * 0.45), 0)


def _fragment(message: UserMessage) -> str:
    return fragment(message) or ""


def _earlier_words(summary: Summary | None) -> list[str]:
    if summary is None:
        return []
    if summary.kind == "local":
        return list(summary.replacement[:-1])
    return [raw for raw in summary.replacement if (entry := json.loads(raw)).get("role") == "user" and _parts(entry)]


def _cut(raw: str, budget: int) -> str | None:
    budget -= tokens.FRAME
    if budget < _SCRAP:
        return None
    text = "\n".join(str(part.get("text", "")) for part in _parts(json.loads(raw)))
    return _message(truncate.middle(text, budget))


def _parts(entry: JsonObject) -> list[JsonObject]:
    parts: Any = entry.get("content")
    if not isinstance(parts, list):
        return []
    return [cast(JsonObject, part) for part in cast("list[object]", parts) if isinstance(part, dict)]


def _message(text: str) -> str:
    return dumps({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})


def replacement(kept: Iterable[str], text: str) -> tuple[str, ...]:
    """The input items that a new epoch begins with."""
    return (*kept, _message(f"{_OPEN}\n{PREAMBLE}\n\n{text}\n{_CLOSE}"))


def rewritten(summary: Summary, text: str) -> tuple[str, ...]:
    """The same with the user's text in place of the model's."""
    return replacement(summary.replacement[:-1], capped(text))


def capped(text: str, most: int = SUMMARY_WORDS) -> str:
    """A summary as it may stand in a prompt: of bounded length, and not itself inside the marks of one."""
    while _OPEN in text or _CLOSE in text:  # what is left of two may be one
        text = text.replace(_OPEN, "").replace(_CLOSE, "")
    return truncate.middle(tags.within("conversation_summary", text.strip()), most)


def composed(thread: Thread, room: Room, words: str) -> str:
    """The summary as people and the model read it: the model's words, then what the thread itself knows for sure."""
    most = max(min(SUMMARY_WORDS, _spare(thread, room)), _SCRAP)
    known = record(thread)
    spare = max(most - tokens.estimate(known), most // 2)
    text = capped(re.sub(rf"\n*{re.escape(_HEAD_OF_RECORD)}.*", "", words, flags=re.DOTALL), spare)
    return capped(f"{text}\n\n{known}" if known else text, most)


def record(thread: Thread) -> str:
    """The last commands with how they ended, and the files changed, as the thread has them."""
    commands: list[str] = []
    for item in thread.epoch:
        if isinstance(item, ToolOutput) and item.detail.get("view") == "command":
            line = " ".join(str(item.detail.get("command", "")).split())
            commands.append(f"- `{truncate.clip(line, LINE_BYTES)}`: {_ending(item)}")
    parts: list[str] = []
    if commands:
        parts.append("Commands that were run, the last one last:\n" + "\n".join(commands[-COMMANDS_KEPT:]))
    if changed := files(thread):
        parts.append("Files that were changed:\n" + "\n".join(f"- {tags.named(path)}" for path in changed))
    return "\n\n".join([_HEAD_OF_RECORD, *parts]) if parts else ""


def _ending(output: ToolOutput) -> str:
    code: Any = output.detail.get("exit_code")
    if output.status in ("declined", "aborted"):
        return output.status
    return "still running" if code is None else f"exit code {code}"


def files(thread: Thread) -> tuple[str, ...]:
    """Files changed by patches so far, the last ones last."""
    found = dict.fromkeys(thread.summary.files if thread.summary else ())
    for item in thread.epoch:
        if isinstance(item, ToolOutput) and item.status == "completed" and item.detail.get("view") == "file_change":
            for change in item.detail.get("changes") or ():
                path = str(change.get("move_path") or change.get("path"))
                found.pop(path, None)
                found[path] = None
    return tuple(found)[-FILES_KEPT:]


def asked(fragments: Sequence[bytes], instruction: str, budget: int) -> tuple[bytes, ...]:
    """The input of the request for a summary, in at most about `budget` tokens.

    As long as the thread fits it is the thread's own input with one item more, so that the provider's cache is hit. When it does
    not, long outputs are cut, the newest first because the beginning is what is cached; then answers and calls are left out, the
    oldest first; then all else but the last summary.
    """
    closing = _message(instruction).encode()
    budget -= tokens.of_raw(closing)
    sizes = [tokens.of_raw(raw) for raw in fragments]
    if sum(sizes) <= budget:
        return (*fragments, closing)
    return (*_squeezed(list(fragments), sizes, budget), closing)


def _squeezed(fragments: list[bytes], sizes: list[int], budget: int) -> list[bytes]:
    entries: list[JsonObject] = [json.loads(raw) for raw in fragments]
    total = sum(sizes)
    for at in reversed(range(len(entries))):
        if total <= budget:
            return fragments
        output = entries[at].get("output")
        if isinstance(output, str) and sizes[at] > _OUTPUT_LEFT * 2:
            entries[at]["output"] = truncate.middle(output, _OUTPUT_LEFT)
            fragments[at] = dumps(entries[at]).encode()
            total -= sizes[at]
            sizes[at] = tokens.of_raw(fragments[at])
            total += sizes[at]
    gone: set[int] = set()
    for spare in (_is_step, _is_not_summary):
        for at, entry in enumerate(entries):
            if total <= budget:
                break
            if at not in gone and spare(entry):
                pair = _pair(entries, at)
                gone |= pair
                total -= sum(sizes[other] for other in pair)
    return [raw for at, raw in enumerate(fragments) if at not in gone]


def _is_step(entry: JsonObject) -> bool:
    return entry.get("role") not in ("user", "developer")


def _is_not_summary(entry: JsonObject) -> bool:
    return _OPEN not in str(entry.get("content")) and entry.get("type") != "compaction"


def _pair(entries: Sequence[JsonObject], at: int) -> set[int]:
    """A call goes with its output, and reasoning with what it led to."""
    call_id = entries[at].get("call_id")
    if call_id is None:
        return {at}
    return {number for number, entry in enumerate(entries) if entry.get("call_id") == call_id}


def returned(thread: Thread, items: Sequence[JsonObject]) -> tuple[str, ...]:
    """What a provider's compaction gave back, without the Context that is told again anyway. Raises ValueError for rubbish."""
    if not items or not all(isinstance(item.get("type"), str) for item in items):
        raise ValueError("no items came back")
    told = {section.text for item in thread.epoch if isinstance(item, Context) for section in item.sections}
    found = tuple(dumps(item) for item in items if not _only(item, told))
    if not found:
        raise ValueError("nothing but our own context came back")
    return found


def _only(item: JsonObject, told: set[str]) -> bool:
    parts = _parts(item)
    return item.get("role") in ("user", "developer") and bool(parts) and all(part.get("text") in told for part in parts)
