"""What the model is told, when, and that nothing is told twice. With the real wording, prompts and tools."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from fakes.world import FrozenClock
from treadle import prompts
from treadle.core.context import Document
from treadle.core.items import Context, Opening, Summary
from treadle.core.settings import LocalModel, Provider, SandboxPolicy, Settings
from treadle.core.thread import Thread
from treadle.runtime.briefing import Surroundings, ThreadBriefing
from treadle.tools import builtin

PROVIDER = Provider("openai", "OpenAI", "https://example.invalid/v1")
SETTINGS = Settings("/ws", "gpt-5.5", PROVIDER, sandbox=SandboxPolicy("workspace-write"))


@dataclass(frozen=True)
class Found:
    documents: tuple[Document, ...] = ()
    problems: tuple[str, ...] = ()


class Files:
    def __init__(self) -> None:
        self.found = Found((Document("/ws/AGENTS.md", "use tabs"),))
        self.date = "2026-01-01"

    def find(self, settings: Settings) -> Found:
        return self.found


def briefing() -> tuple[ThreadBriefing, Files]:
    files = Files()
    around = Surroundings(files, prompts.load, "bash", lambda at: (files.date, "UTC"))
    return ThreadBriefing(FrozenClock(), around, builtin), files


def told(thread: Thread, brief: ThreadBriefing, settings: Settings = SETTINGS) -> list[tuple[str, ...]]:
    """What is new, as (type or role, section names...)."""
    news = brief.news(thread, settings, sandboxed=True)
    thread.append(*news)
    return [(i.role, *(s.name for s in i.sections)) if isinstance(i, Context) else (i.type,) for i in news]


def test_the_first_request_has_an_opening_then_developer_then_user() -> None:
    brief, _ = briefing()
    thread = Thread("t")
    assert told(thread, brief) == [("opening",), ("developer", "permissions"), ("user", "agents_md", "environment")]
    assert told(thread, brief) == []
    assert told(thread, brief) == []
    request = json.loads(thread.prompt.request(brief.tail(SETTINGS)).body())
    assert [tool["name"] for tool in request["tools"]][:3] == ["exec_command", "write_stdin", "apply_patch"]
    assert request["tools"][2]["type"] == "custom"
    assert request["instructions"] == prompts.load("base")
    assert request["reasoning"] == {"effort": "medium", "summary": "auto"}


def test_each_change_is_appended_alone() -> None:
    brief, files = briefing()
    thread = Thread("t")
    told(thread, brief)
    before = thread.prompt.request({}).prefix()
    files.found = Found((Document("/ws/AGENTS.md", "use spaces"),))
    assert told(thread, brief) == [("user", "agents_md")]
    assert told(thread, brief) == []
    read_only = dataclasses.replace(SETTINGS, sandbox=SandboxPolicy("read-only"))
    assert told(thread, brief, read_only) == [("developer", "permissions")]
    files.date = "2026-01-02"
    assert told(thread, brief, read_only) == [("user", "environment")]
    files.found = Found()
    assert told(thread, brief, read_only) == [("user", "agents_md")]
    assert told(thread, brief, read_only) == []
    assert thread.prompt.request({}).body().startswith(before)


def test_nothing_is_composed_anew_when_nothing_changed() -> None:
    loads: list[str] = []

    def load(name: str) -> str:
        loads.append(name)
        return prompts.load(name)

    brief = ThreadBriefing(FrozenClock(), Surroundings(Files(), load, "bash", lambda at: ("2026-01-01", "UTC")), builtin)
    thread = Thread("t")
    told(thread, brief)
    told(thread, brief)
    before = len(loads)
    for _ in range(10):
        assert told(thread, brief) == []
    assert len(loads) == before


def test_another_model_of_the_same_kind_changes_nothing_but_the_name_in_the_tail() -> None:
    brief, _ = briefing()
    thread = Thread("t")
    told(thread, brief)
    other = dataclasses.replace(SETTINGS, model="gpt-5.1")
    assert told(thread, brief, other) == []
    assert brief.tail(other)["model"] == "gpt-5.1"


def test_other_instructions_of_a_model_are_appended_and_open_the_epoch_after_a_summary() -> None:
    brief, _ = briefing()
    thread = Thread("t")
    told(thread, brief)
    before = thread.prompt.request({}).body()
    other = dataclasses.replace(SETTINGS, base_instructions="Only this.")
    assert told(thread, brief, other) == [("developer", "model_instructions")]
    assert told(thread, brief, other) == []
    assert thread.prompt.request({}).head in before
    thread.append(Summary("s", 1.0, "t", "short", ()))
    assert told(thread, brief, other) == [("opening",), ("developer", "permissions"), ("user", "agents_md", "environment")]
    assert b'"instructions":"Only this."' in thread.prompt.request({}).head
    assert told(thread, brief) == [("developer", "model_instructions")]


def test_a_model_that_needs_other_tools_begins_a_new_epoch_with_the_same_input() -> None:
    brief, _ = briefing()
    thread = Thread("t")
    told(thread, brief)
    gateway = dataclasses.replace(SETTINGS, provider=dataclasses.replace(PROVIDER, id="gateway", custom_tools=False))
    assert told(thread, brief, gateway) == [("opening",)]
    assert isinstance(thread.opening, Opening)
    assert thread.opening.provider == "gateway"


def test_a_small_local_model_gets_one_tool_and_few_words() -> None:
    brief, _ = briefing()
    thread = Thread("t")
    local = Provider("local", "Local", "", wire="local", custom_tools=False)
    settings = dataclasses.replace(SETTINGS, model="qwen2.5-coder-0.5b", provider=local, local=LocalModel())
    told(thread, brief, settings)
    request = json.loads(thread.prompt.request(brief.tail(settings)).body())
    assert [tool["name"] for tool in request["tools"]] == ["exec_command"]
    assert request["instructions"] == prompts.load("compact")
    assert "reasoning" not in request
    words = len(request["instructions"].split())
    assert words < 260


def test_a_provider_without_custom_tools_gets_apply_patch_as_a_function() -> None:
    brief, _ = briefing()
    thread = Thread("t")
    settings = dataclasses.replace(SETTINGS, provider=dataclasses.replace(PROVIDER, id="gateway", custom_tools=False))
    told(thread, brief, settings)
    request = json.loads(thread.prompt.request({}).body())
    assert {tool["type"] for tool in request["tools"]} == {"function"}
    assert "apply_patch" in [tool["name"] for tool in request["tools"]]


def test_an_output_schema_goes_into_the_tail() -> None:
    brief, _ = briefing()
    tail = brief.tail(dataclasses.replace(SETTINGS, output_schema={"type": "object"}, effort="high"))
    assert tail["reasoning"]["effort"] == "high"
    assert tail["text"]["format"]["schema"] == {"type": "object"}


def test_the_clients_own_instructions_replace_the_models() -> None:
    brief, _ = briefing()
    thread = Thread("t")
    told(thread, brief, dataclasses.replace(SETTINGS, base_instructions="Only this."))
    assert json.loads(thread.prompt.request({}).body())["instructions"] == "Only this."


def test_the_user_is_told_what_the_small_model_is_good_for() -> None:
    brief, _ = briefing()
    assert brief.problems(SETTINGS) == ()
    local = dataclasses.replace(SETTINGS, provider=Provider("local", "Local", "", wire="local"))
    assert [text[:23] for text in brief.problems(local)] == ["The small offline model"]
