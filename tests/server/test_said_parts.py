"""What the user said keeps its marks: mentions, skills, and stretches that stand for something come back as they were sent."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from treadle.core.items import Text, UserMessage, decode, encode
from treadle.core.queue import Queued
from treadle.core.queue import decode as decode_queued
from treadle.core.queue import encode as encode_queued
from treadle.server.cards import user_input
from treadle.server.inputs import content
from treadle.server.wire.item import UserInput

PARTS: list[dict[str, Any]] = [
    {
        "type": "text",
        "text": "öffne @a.py now",
        "text_elements": [{"byteRange": {"start": 7, "end": 12}, "placeholder": "@a.py"}],
    },
    {"type": "mention", "name": "a.py", "path": "/w/a.py"},
    {"type": "skill", "name": "release", "path": "/w/SKILL.md"},
]


async def _said(parts: list[dict[str, Any]]):
    return await content(TypeAdapter(list[UserInput]).validate_python(parts))


async def test_marks_come_back_as_they_were_sent() -> None:
    assert user_input(await _said(PARTS)) == PARTS


async def test_marks_survive_the_disk_and_the_queue() -> None:
    said = await _said(PARTS)
    message = UserMessage("u", 1.0, "t", said)
    assert decode(encode(message)) == message
    queued = Queued("q", 1.0, said, None, {})
    assert decode_queued(encode_queued(queued)) == queued


async def test_a_mark_outside_the_text_is_dropped_and_the_words_stay() -> None:
    ranges = [(-1, 2), (3, 3), (2, 99), (0, 2)]
    elements = [{"byteRange": {"start": start, "end": end}} for start, end in ranges]
    (part,) = await _said([{"type": "text", "text": "words", "text_elements": elements}])
    assert isinstance(part, Text)
    assert part.text == "words"
    assert [(element.start, element.end) for element in part.elements] == [(0, 2)]


def test_threads_from_before_marks_still_read() -> None:
    part = '{"text":"hi","skill":null,"type":"text"}'
    message = decode(f'{{"id":"u","at":1.0,"turn_id":"t","content":[{part}],"client_id":null,"type":"user_message"}}')
    assert isinstance(message, UserMessage)
    assert message.content == (Text("hi"),)
