"""Items folded into cards: what a client draws of a thread that it did not watch."""

from __future__ import annotations

from treadle.core.events import ErrorInfo
from treadle.core.history import turns
from treadle.core.items import ModelItem, Text, ToolOutput, TurnBegan, TurnEnded, UserMessage, dumps
from treadle.core.views import CallCard, MessageCard, OtherCard, ReasoningCard, UserCard


def model_item(item_id: str, kind: str, payload: dict[str, object], **more: object) -> ModelItem:
    return ModelItem(item_id, 1.0, "t1", kind, dumps(payload), **more)  # type: ignore[arg-type]


def test_a_whole_turn() -> None:
    view = {"view": "command", "command": "ls", "cwd": "/", "exit_code": 0}
    (turn,) = turns(
        [
            TurnBegan("b", 1.0, "t1"),
            UserMessage("u", 1.0, "t1", (Text("hi"),), "client-1"),
            model_item("r", "reasoning", {"summary": [{"text": "why"}], "content": [{"text": "deep"}]}),
            model_item("c", "function_call", {"arguments": '{"cmd":"ls"}'}, call_id="k", name="exec_command"),
            ToolOutput("o", 2.0, "t1", "k", "out", detail=view),
            model_item("w", "web_search_call", {"query": "x"}),
            model_item("m", "message", {"content": [{"text": "done"}, {"refusal": "!"}], "phase": "final_answer"}),
            TurnEnded("e", 3.0, "t1", "failed", {"message": "no", "code": "server", "status": 500, "details": None}),
        ]
    )
    assert (turn.status, turn.started_at, turn.completed_at) == ("failed", 1.0, 3.0)
    assert turn.error == ErrorInfo("no", "server", 500)
    assert turn.cards == [
        UserCard("u", (Text("hi"),), "client-1"),
        ReasoningCard("r", ("why",), ("deep",)),
        CallCard("c", "exec_command", "k", view, "completed"),  # type: ignore[arg-type]
        OtherCard("w", "web_search_call", {"query": "x"}),
        MessageCard("m", "done!", "final_answer"),
    ]


def test_a_part_of_thoughts_without_text_is_drawn_as_nothing() -> None:
    (turn,) = turns([model_item("r", "reasoning", {"summary": [{"text": None}, {"text": "why"}], "content": [{}]})])
    assert turn.cards == [ReasoningCard("r", ("", "why"), ("",))]


def test_a_call_without_an_output_is_in_progress() -> None:
    (turn,) = turns([model_item("c", "function_call", {"arguments": "{}"}, call_id="k", name="tool")])
    assert turn.status == "inProgress"
    assert turn.cards == [CallCard("c", "tool", "k", {"view": "tool", "tool": "tool", "arguments": "{}"}, "inProgress")]


def test_a_command_that_no_tool_has_drawn_still_shows_its_line() -> None:
    payload = {"arguments": '{"cmd":"make","workdir":"/w"}'}
    (turn,) = turns([model_item("c", "function_call", payload, call_id="k", name="exec_command")])
    view = {"view": "command", "command": "make", "cwd": "/w"}
    assert turn.cards == [CallCard("c", "exec_command", "k", view, "inProgress")]  # type: ignore[arg-type]
    (turn,) = turns([model_item("c", "function_call", {"arguments": "[1"}, call_id="k", name="exec_command")])
    assert isinstance(turn.cards[0], CallCard)
    assert turn.cards[0].view["view"] == "tool"


def test_an_output_without_a_call_is_passed_over() -> None:
    (turn,) = turns([TurnBegan("b", 1.0, "t1"), ToolOutput("o", 2.0, "t1", "nobody", "out")])
    assert turn.cards == []
