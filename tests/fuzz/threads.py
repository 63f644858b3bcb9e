"""Threads for fuzzing: valid ones of every kind of item, and what a bad disk or another program makes of their lines."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from treadle.core.effective import effective, turn_ids, undoable
from treadle.core.items import (
    Context,
    Element,
    Image,
    Injected,
    Item,
    ModelItem,
    Notes,
    Opening,
    Reverted,
    Section,
    Summary,
    Text,
    ToolOutput,
    TurnBegan,
    TurnEnded,
    UsageReported,
    UserCommand,
    UserMessage,
    dumps,
)
from treadle.core.thread import Thread

TEXTS = st.text(max_size=12) | st.sampled_from(["", "\0", "\ud800", "\u2028", "a b\nc", "```", "<b>", "é" * 40, "x" * 5_000])
OBJECTS = st.dictionaries(st.text(max_size=4), st.none() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2), max_size=3)
VIEWS = st.sampled_from(
    [
        {},
        {"view": "command", "command": "ls", "output": "x", "exit_code": 1},
        {"view": "file_change", "changes": [{"path": "/a", "kind": "update", "move_path": None, "diff": "-a\n+b\n", "added": 1}]},
        {"view": "tool", "tool": "echo", "arguments": "{}"},
    ]
)
PARTS = st.lists(
    st.builds(Text, TEXTS, elements=st.lists(st.builds(Element, st.integers(0, 9), st.integers(0, 9)), max_size=1).map(tuple))
    | st.builds(Image, st.just("data:image/png;base64,AA=="), path=st.none() | TEXTS),
    max_size=3,
).map(tuple)
STEPS = [
    "begin",
    "end",
    "say",
    "message",
    "reasoning",
    "odd",
    "call",
    "output",
    "usage",
    "context",
    "opening",
    "summary",
    "notes",
]
STEPS += ["injected", "command", "revert", "undo", "begin", "call", "output", "message"]


class Growing:
    """A thread to which only valid items are added."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.items: list[Item] = []
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"i{self.count}"

    @property
    def turn(self) -> str | None:
        return Thread("t", self.items).open_turn

    def step(self, kind: str) -> None:
        made = self.of_turn(kind) if self.turn is not None else self.between(kind)
        self.items += [] if made is None else [made]

    def between(self, kind: str) -> Item | None:
        draw, at = self.draw, float(self.count)
        match kind:
            case "begin":
                return TurnBegan(self.new(), at, f"turn{self.count}", {"cwd": "/ws"}, draw(st.booleans()))
            case "revert":
                ids = turn_ids(effective(self.items))
                return Reverted(self.new(), at, draw(st.sampled_from(ids))) if ids else None
            case "undo":
                marker = undoable(self.items)
                return Reverted(self.new(), at, marker.before, undoes=marker.id) if marker else None
        return self.anywhere(kind)

    def anywhere(self, kind: str) -> Item | None:
        draw, at = self.draw, float(self.count)
        match kind:
            case "context":
                sections = draw(st.lists(st.builds(Section, st.sampled_from(["agents_md", "skill:x", "odd"]), TEXTS), max_size=2))
                return Context(self.new(), at, "developer", tuple(sections))
            case "opening":
                return Opening(self.new(), at, "m", "p", draw(TEXTS), "[]")
            case "notes":
                return Notes(self.new(), at, tuple(draw(st.lists(TEXTS, max_size=2))))
            case "injected":
                return Injected(self.new(), at, dumps({"type": "message", "content": draw(TEXTS)}))
        return None

    def of_turn(self, kind: str) -> Item | None:
        draw, at, turn = self.draw, float(self.count), self.turn or ""
        unanswered = Thread("t", self.items).unanswered
        match kind:
            case "end" if not unanswered:
                status = draw(st.sampled_from(["completed", "failed", "interrupted"]))
                error = {"message": draw(TEXTS), "code": "server", "status": 500, "details": None} if status == "failed" else None
                return TurnEnded(self.new(), at, turn, status, error)
            case "say":
                return UserMessage(self.new(), at, turn, draw(PARTS))
            case "command":
                return UserCommand(self.new(), at, turn, draw(TEXTS), detail=draw(VIEWS))
            case "message" | "reasoning" | "odd":
                return ModelItem(self.new(), at, turn, kind, dumps(self.payload(kind)))
            case "call":
                custom = draw(st.booleans())
                kind, key = ("custom_tool_call", "input") if custom else ("function_call", "arguments")
                id = self.new()
                said = {"type": kind, "call_id": id, "name": "echo", key: draw(TEXTS)}
                return ModelItem(id, at, turn, kind, dumps(said), id, "echo")
            case "output" if unanswered:
                call = draw(st.sampled_from(unanswered))
                custom = call.kind == "custom_tool_call"
                return ToolOutput(self.new(), at, turn, call.call_id or "", draw(TEXTS), custom, detail=draw(VIEWS))
            case "usage":
                counts = draw(st.lists(st.integers(0, 10**6), min_size=5, max_size=5))
                return UsageReported(self.new(), at, turn, *counts)
            case "summary" if not unanswered:
                said = dumps({"type": "message", "role": "user", "content": [{"type": "input_text", "text": draw(TEXTS)}]})
                return Summary(self.new(), at, turn, draw(TEXTS), (said,))
        return self.anywhere(kind)

    def payload(self, kind: str) -> dict[str, Any]:
        text = self.draw(TEXTS)
        match kind:
            case "message":
                return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
            case "reasoning":
                return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}], "encrypted_content": "ENC"}
        return {"type": "odd", **self.draw(OBJECTS)}


@st.composite
def threads(draw: st.DrawFn, longest: int = 25) -> list[Item]:
    """Items as a real thread could have them, in any order that is valid; the last turn may be open."""
    growing = Growing(draw)
    for kind in draw(st.lists(st.sampled_from(STEPS), max_size=longest)):
        growing.step(kind)
    return growing.items


ODD_VALUES: list[Any] = [None, True, -1, 1.5, "x", "\ud800", [], {}, [[]], {"type": "text"}, 10**30, "9" * 50, ["x"]]


@st.composite
def damaged(draw: st.DrawFn, lines: list[str]) -> list[str]:
    """The lines with a few of them dropped, doubled, moved, cut, or changed in a field."""
    lines = list(lines)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(lines) - 1, 0)))
        way = draw(st.sampled_from(["drop", "double", "swap", "cut", "flip", "type", "field", "lose", "add", "garbage", "raw"]))
        lines[at : at + 1] = _harmed(draw, way, lines, at)
    return lines


def _harmed(draw: st.DrawFn, way: str, lines: list[str], at: int) -> list[str]:
    if not lines or way == "garbage":
        return [
            *lines[at : at + 1],
            draw(st.sampled_from(["", "null", "[]", "3", "{}", '"x"', "{", "\0", "[" * 3_000, '{"type":[]}'])),
        ]
    line = lines[at]
    match way:
        case "drop":
            return []
        case "double":
            return [line, line]
        case "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[other], line = line, lines[other]
            return [line]
        case "cut":
            return [line[: draw(st.integers(0, len(line)))]]
        case "flip":
            place = draw(st.integers(0, max(len(line) - 1, 0)))
            return [line[:place] + draw(st.sampled_from('x"{}[],:0\\é')) + line[place + 1 :]]
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    if not isinstance(data, dict) or not data:
        return [line]
    key = draw(st.sampled_from(sorted(data)))
    match way:
        case "type":
            data["type"] = draw(st.sampled_from(["of_tomorrow", "notes", "tool_output", None, 3, []]))
        case "field":
            data[key] = draw(st.sampled_from(ODD_VALUES))
        case "lose":
            del data[key]
        case "add":
            data["of_tomorrow"] = 1
        case "raw" if "raw" in data:
            data["raw"] = draw(st.sampled_from(["", "{", "[]", "null", "3", '"x"', '{"content": 3}', '{"summary": [3]}', "{}"]))
    return [json.dumps(data)]
