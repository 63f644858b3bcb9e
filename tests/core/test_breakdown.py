"""What fills a context, by kind: every item has its kind, and all of them together are what the thread takes."""

from __future__ import annotations

from treadle.core import tokens
from treadle.core.breakdown import breakdown
from treadle.core.items import (
    Context,
    Item,
    ModelItem,
    Notes,
    Opening,
    Section,
    Summary,
    Text,
    ToolOutput,
    UserMessage,
    dumps,
)
from treadle.core.thread import Thread

OPENING = Opening("o", 1.0, "m", "p", "be good " * 50, '[{"name":"x"}]')
CONTEXT = Context(
    "c",
    1.0,
    "developer",
    (
        Section("permissions", "p" * 400),
        Section("environment", "e" * 40),
        Section("agents_md", "a" * 800, "/ws/AGENTS.md"),
        Section("skills", "s" * 80),
        Section("skill:deploy", "d" * 80, "/ws/.codex/skills/deploy/SKILL.md"),
        Section("pinned_notes", "n" * 120),
        Section("from a hook", "h" * 4),
    ),
)


def of_model(kind: str, **payload: object) -> ModelItem:
    return ModelItem(kind + "-1", 1.0, "t", kind, dumps({"type": kind, **payload}), call_id="k" if "call" in kind else None)


def thread(*items: Item) -> Thread:
    return Thread("t", [OPENING, CONTEXT, *items])


def test_each_section_and_item_counts_for_its_kind() -> None:
    asked = UserMessage("u", 1.0, "t", (Text("do it " * 20),))
    said = of_model("message", role="assistant", content=[{"type": "output_text", "text": "done " * 30}])
    thought = of_model("reasoning", encrypted_content="x" * 4_000, summary=[])
    called = of_model("function_call", name="x", call_id="k", arguments="{}")
    output = ToolOutput("r", 1.0, "t", "k", "o" * 4_000)
    whole = thread(asked, thought, called, output, said)
    found = breakdown(whole)
    assert found["permissions"] == 100 + 10
    assert found["instructions"] == 200
    assert found["skills"] == 20 + 20
    assert found["memory"] == 30
    assert found["other"] == 1
    assert found["base"] == tokens.estimate(OPENING.instructions)
    assert found["tools"] == tokens.estimate(OPENING.tools)
    assert found["user"] == tokens.of_item(asked)
    assert found["agent"] == tokens.of_item(said)
    assert found["reasoning"] == tokens.of_item(thought)
    assert found["calls"] == tokens.of_item(called)
    assert found["outputs"] == tokens.of_item(output)


def test_all_kinds_together_are_what_the_thread_takes_but_for_the_frames_of_context() -> None:
    whole = thread(UserMessage("u", 1.0, "t", (Text("do it"),)))
    assert sum(breakdown(whole).values()) == whole.used - tokens.FRAME


def test_a_kind_that_takes_nothing_is_not_there() -> None:
    assert breakdown(Thread("t")) == {}
    assert "reasoning" not in breakdown(thread())


def test_what_a_summary_replaced_counts_no_more() -> None:
    old = UserMessage("u", 1.0, "t", (Text("very long " * 1_000),))
    summary = Summary("s", 1.0, "t", "in short", (dumps({"type": "message", "role": "user", "content": "in short"}),))
    found = breakdown(thread(old, summary, Notes("n", 1.0, ("mind the gap",))))
    assert found == {"memory": tokens.of_item(summary)}


def test_tools_that_were_refreshed_count_once() -> None:
    again = Opening("o2", 1.0, "m", "p", OPENING.instructions, "[" + "x" * 400 + "]")
    assert breakdown(thread(again))["tools"] == tokens.estimate(again.tools)
