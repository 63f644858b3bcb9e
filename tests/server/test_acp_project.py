"""Events -> session updates, as data. The package's models say what is well formed."""

from __future__ import annotations

from typing import Any

from acp.schema import SessionNotification
from hypothesis import given
from hypothesis import strategies as st

from treadle.core import diff
from treadle.core import events as e
from treadle.core.history import TurnState
from treadle.core.items import Image, Text
from treadle.core.replies import Usage
from treadle.core.views import CallCard, Card, FileChange, MessageCard, OtherCard, ReasoningCard, SummaryCard, UserCard
from treadle.server import acp_calls
from treadle.server.acp_project import INTERVAL, LIVE_TAIL, Updates, commands, replay

T, U = "thread", "turn"
LS: Any = {"view": "command", "command": "ls -l", "cwd": "/w", "actions": [{"type": "listFiles", "command": "ls -l"}]}
MAKE: Any = {"view": "command", "command": "make", "cwd": "/w", "actions": [{"type": "unknown", "command": "make"}]}


def wellformed(updates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for update in updates:
        read = SessionNotification.model_validate({"sessionId": "s", "update": update})
        kept = read.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)["update"]
        assert kept.keys() >= {key for key, value in update.items() if value is not None} - {"_meta"}, (kept, update)
    return updates


def call(view: Any, status: Any = "inProgress", name: str = "exec_command") -> CallCard:
    return CallCard("c", name, "call_1", view, status)


def began(card: Card) -> e.CardStarted:
    return e.CardStarted(T, U, card, 1.0)


def done(card: Card) -> e.CardCompleted:
    return e.CardCompleted(T, U, card, 2.0)


def delta(kind: Any, text: str, id: str = "c") -> e.CardDelta:
    return e.CardDelta(T, U, id, kind, text)


def told(*events: e.Event, terminals: bool = False, now: float = 0.0) -> list[dict[str, Any]]:
    updates = Updates(terminals=terminals)
    return wellformed([update for event in events for update in updates.of(event, now)])


@given(st.text(min_size=1), st.lists(st.integers(0, 40)))
def test_every_word_of_a_message_is_told_once(text: str, cuts: list[int]) -> None:
    edges = sorted({0, *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in zip(edges, [*edges[1:], len(text)], strict=True)]
    streamed = pieces[:-1]  # the last piece comes with the whole
    events = [began(MessageCard("m", "")), *(delta("text", piece, "m") for piece in streamed), done(MessageCard("m", text))]
    updates = told(*events)
    assert "".join(update["content"]["text"] for update in updates) == text
    assert {(update["sessionUpdate"], update["messageId"]) for update in updates} == {("agent_message_chunk", "m")}


def test_thoughts_are_told_apart_from_words_with_their_parts_set_off() -> None:
    events = [began(ReasoningCard("r")), delta("summary_part", "", "r"), delta("summary", "One.", "r")]
    events += [delta("summary_part", "", "r"), delta("summary", "Two.", "r"), done(ReasoningCard("r", ("One.", "Two.")))]
    updates = told(*events)
    assert "".join(update["content"]["text"] for update in updates) == "One.\n\nTwo."
    assert {update["sessionUpdate"] for update in updates} == {"agent_thought_chunk"}
    (whole,) = told(began(ReasoningCard("r")), done(ReasoningCard("r", content=("Raw.",))))
    assert whole["content"]["text"] == "Raw."


def test_a_command_is_a_tool_call_with_its_output_in_a_fence() -> None:
    ended = MAKE | {"output": "a\n```\nb", "exit_code": 2, "duration_ms": 5}
    start, end = told(began(call(MAKE)), done(call(ended, "completed")))
    assert start["sessionUpdate"] == "tool_call" and end["sessionUpdate"] == "tool_call_update"
    assert (start["title"], start["kind"], start["status"]) == ("`make`", "execute", "in_progress")
    assert start["rawInput"] == {"command": "make", "cwd": "/w"}
    assert end["status"] == "failed"
    assert end["rawOutput"] == {"exitCode": 2, "durationMs": 5, "output": "a\n```\nb"}
    (content,) = end["content"]
    assert content["content"]["text"] == "````\na\n```\nb\n````"


def test_kinds_tell_reading_and_searching_from_running() -> None:
    def kind(*types: str) -> str:
        actions = [{"type": each, "command": "x", "path": "a.py"} for each in types]
        return told(began(call(MAKE | {"actions": actions})))[0]["kind"]

    assert [kind("read"), kind("listFiles", "read"), kind("search", "read"), kind("read", "unknown"), kind()] == [
        *("read", "read", "search", "execute", "execute")
    ]
    (looked,) = told(began(call(MAKE | {"actions": [{"type": "read", "command": "cat a.py", "path": "a.py"}]})))
    assert looked["locations"] == [{"path": "/w/a.py"}]


def test_output_that_streams_is_told_in_its_last_part_and_not_too_often() -> None:
    updates = Updates()
    updates.of(began(call(MAKE)), 0.0)
    (first,) = wellformed(updates.of(delta("output", "one\n"), 0.0))
    assert first["content"][0]["content"]["text"] == "```\none\n```"
    assert updates.of(delta("output", "two\n"), INTERVAL / 2) == [] and updates.waiting
    (second,) = updates.due(INTERVAL)
    assert second["content"][0]["content"]["text"] == "```\none\ntwo\n```" and not updates.waiting
    for _ in range(40):
        updates.of(delta("output", "x" * 1000), INTERVAL)
    (last,) = updates.due(2 * INTERVAL)
    assert len(last["content"][0]["content"]["text"]) < LIVE_TAIL + 20
    (end,) = updates.of(done(call(MAKE | {"output": "all", "exit_code": 0}, "completed")), 1.0)
    assert end["content"][0]["content"]["text"] == "```\nall\n```"
    assert updates.due(2.0) == []


def test_a_client_with_terminals_gets_each_piece_once() -> None:
    ended = call(MAKE | {"output": "onetwo", "exit_code": 0}, "completed")
    start, one, two, end = told(began(call(MAKE)), delta("output", "one"), delta("output", "two"), done(ended), terminals=True)
    assert start["content"] == [{"type": "terminal", "terminalId": "c"}]
    assert start["_meta"] == {"terminal_info": {"terminal_id": "c", "cwd": "/w"}}
    assert [update["_meta"]["terminal_output"]["data"] for update in (one, two)] == ["one", "two"]
    assert end["_meta"] == {"terminal_exit": {"terminal_id": "c", "exit_code": 0, "signal": None}}
    *_, quick = told(began(call(MAKE)), done(ended), terminals=True)
    assert quick["_meta"]["terminal_output"] == {"terminal_id": "c", "data": "onetwo"}


def change(path: str, old: str | None, new: str | None, **more: Any) -> FileChange:
    kind: Any = "add" if old is None else "delete" if new is None else "update"
    text = diff.unified(old, new).text if old is not None and new is not None else new if old is None else old
    return {"path": path, "kind": kind, "move_path": None, "diff": text or "", **more}  # type: ignore[return-value]


def patched(*changes: FileChange, status: Any = "completed") -> dict[str, Any]:
    view: Any = {"view": "file_change", "changes": list(changes)}
    return told(began(call(view, status, "apply_patch")))[0]


def test_a_patch_shows_old_and_new_text_of_each_hunk() -> None:
    old = "".join(f"{n}\n" for n in range(30))
    new = old.replace("5\n", "five\n", 1).replace("25\n", "twenty-five\n")
    shown = patched(change("/w/a.txt", old, new))
    first, second = shown["content"]
    assert (first["path"], second["type"]) == ("/w/a.txt", "diff")
    assert "\n5\n" in first["oldText"] and "\nfive\n" in first["newText"] and "twenty-five" in second["newText"]
    assert (shown["title"], shown["kind"]) == ("Edit a.txt", "edit")
    assert shown["locations"] == [{"path": "/w/a.txt", "line": 3}]


def test_files_that_come_go_and_move_are_shown_so() -> None:
    shown = patched(change("/w/new", None, "x\n"), change("/w/old", "y\n", None))
    assert shown["content"] == [
        {"type": "diff", "path": "/w/new", "newText": "x\n"},
        {"type": "diff", "path": "/w/old", "oldText": "y\n", "newText": ""},
    ]
    assert shown["title"] == "Create new and 1 more"
    assert patched(change("/w/old", "y\n", None))["kind"] == "delete"
    moved = patched(change("/w/a", "x\n", "y\n", move_path="/w/b"))
    assert (moved["kind"], moved["title"], moved["content"][0]["path"]) == ("move", "Move a to b", "/w/b")
    assert patched(change("/w/a", "x\n", "y\n"), status="declined")["status"] == "failed"


@given(st.text("ab\n", max_size=60), st.text("ab\n", max_size=60))
def test_hunks_are_parts_of_the_texts_that_they_come_from(old: str, new: str) -> None:
    for line, before, after in acp_calls.hunks(diff.unified(old, new).text):
        assert before in old and after in new
        assert before != after
        lines = new.splitlines(keepends=True)
        assert "".join(lines[max(line - 1, 0) :]).startswith(after) or not after


def test_a_patch_that_is_being_written_is_shown_as_it_grows() -> None:
    changes: Any = (change("/w/a", None, "x\n"),)
    start, grown = told(began(call({"view": "file_change", "changes": []})), e.PatchPreviewed(T, U, "c", changes))
    assert start["title"] == "Edit files" and "content" not in start
    assert grown["toolCallId"] == "c" and grown["title"] == "Create a" and grown["content"][0]["newText"] == "x\n"


def test_a_plan_is_an_update_and_its_call_is_not_shown() -> None:
    steps: Any = (("look", "completed"), ("do", "in_progress"))
    view: Any = {"view": "tool", "tool": "update_plan", "arguments": {"plan": [{"step": "look", "status": "completed"}]}}
    card = call(view, "completed", "update_plan")
    (plan,) = told(began(card), e.PlanUpdated(T, U, None, steps), done(card))
    assert [(entry["content"], entry["status"]) for entry in plan["entries"]] == list(steps)
    (again,) = wellformed(replay([TurnState(U, cards=[card])]))
    assert again["entries"][0]["content"] == "look"


def test_a_call_of_a_server_shows_its_parts_and_its_error() -> None:
    view: Any = {"view": "mcp", "server": "fs", "tool": "read", "arguments": {"p": 1}}
    parts = [{"type": "text", "text": "hi"}, {"type": "image", "data": "QQ==", "mimeType": "image/png"}, {"type": "odd"}]
    given = view | {"result": {"content": parts, "structured": None}}
    (good,) = told(began(call(given, "completed")))
    assert (good["title"], good["kind"], good["rawInput"]) == ("fs: read", "other", {"p": 1})
    assert [content["content"]["type"] for content in good["content"]] == ["text", "image"]
    assert good["content"][0]["content"]["text"] == "```\nhi\n```", "no picture, link or heading of a server's is drawn"
    (bad,) = told(began(call(view | {"error": "no"}, "completed")))
    assert (bad["status"], bad["content"][0]["content"]["text"]) == ("failed", "```\nno\n```")


def test_what_is_too_long_is_cut() -> None:
    long = "x" * 1_000_000
    view: Any = {"view": "tool", "tool": "t", "arguments": {"a": long}, "result": long}
    (cut,) = told(began(call(view, "completed", "t")))
    assert len(str(cut)) < 200_000
    assert len(told(began(call(MAKE | {"command": long})))[0]["title"]) < 1000


def test_what_json_has_no_word_for_is_told_as_text() -> None:
    (odd,) = told(began(call({"view": "tool", "tool": "t", "arguments": '{"a": NaN}'}, name="t")))
    assert odd["rawInput"] == '{"a": NaN}'
    (named,) = told(began(call({"view": "tool", "tool": "t", "arguments": '{"a": "NaN"}'}, name="t")))
    assert named["rawInput"] == {"a": "NaN"}


def test_what_the_provider_did_and_summaries_are_calls_that_are_over() -> None:
    action = {"type": "search", "query": "acp"}
    search, summary = told(done(OtherCard("w", "web_search_call", {"action": action})), done(SummaryCard("s")))
    assert (search["kind"], search["title"], search["status"]) == ("fetch", "Search the web: acp", "completed")
    assert (summary["kind"], summary["status"]) == ("think", "completed")


def test_a_turn_that_ends_leaves_no_call_open() -> None:
    events = [began(call(MAKE)), delta("output", "x"), e.TurnCompleted(T, U, 1_700_000_000.0, "interrupted")]
    *_, closed, dated = told(*events)
    assert (closed["toolCallId"], closed["status"]) == ("c", "failed")
    assert dated == {"sessionUpdate": "session_info_update", "updatedAt": "2023-11-14T22:13:20+00:00"}


def test_tokens_names_and_troubles_are_told() -> None:
    tokens = Usage(100, 50, 10, 5, 110)
    used, named, retry, warned, progress = told(
        e.UsageUpdated(T, U, tokens, tokens, 1000),
        e.ThreadNamed(T, "About"),
        e.ErrorReported(T, U, e.ErrorInfo("Trying again."), will_retry=True),
        e.WarningReported("Careful.", T),
        e.ProgressReported("Loading."),
    )
    assert (used["used"], used["size"]) == (110, 1000)
    assert named == {"sessionUpdate": "session_info_update", "title": "About"}
    assert [note["sessionUpdate"] for note in (retry, warned, progress)] == [
        *("agent_thought_chunk", "agent_message_chunk", "agent_thought_chunk")
    ]
    assert len({note["messageId"] for note in (retry, warned, progress)}) == 3
    assert told(e.UsageUpdated(T, U, tokens, tokens, None), e.ErrorReported(T, U, e.ErrorInfo("x"), will_retry=False)) == []


def test_a_conversation_is_replayed_whole_and_in_order() -> None:
    picture = Image("data:image/png;base64,QQ==")
    cards: list[Card] = [
        UserCard("u", (Text("look"), picture)),
        ReasoningCard("r", ("Hm.",)),
        call(MAKE | {"output": "ok", "exit_code": 0}, "completed"),
        MessageCard("m", "Done."),
        SummaryCard("s"),
    ]
    updates = wellformed(replay([TurnState(U, "completed", cards=cards)]))
    assert [update["sessionUpdate"] for update in updates] == [
        *("user_message_chunk", "user_message_chunk", "agent_thought_chunk", "tool_call", "agent_message_chunk", "tool_call")
    ]
    assert updates[1]["content"] == {"type": "image", "mimeType": "image/png", "data": "QQ=="}
    assert updates[3]["status"] == "completed" and updates[3]["content"]


def test_commands_are_the_summary_and_the_skills() -> None:
    from treadle.core.skills import FoundSkills, Skill  # noqa: PLC0415

    skill = Skill("review", "Reviews code at length.", "/s/SKILL.md", "user", "/s", short_description="Review")
    off = Skill("off", "x", "/o/SKILL.md", "user", "/o", enabled=False)
    (update,) = wellformed([commands(FoundSkills((skill, off)))])
    assert [(command["name"], command["description"]) for command in update["availableCommands"]][1:] == [("review", "Review")]
    assert update["availableCommands"][0]["name"] == "compact"
