"""What the model reads of skills, word by word, and what clients hear: real briefing and wording, skills at fixed places."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import pytest

from fakes.snapshots import readable, snapshot
from fakes.world import FrozenClock
from treadle import prompts
from treadle.core.context import Document
from treadle.core.events import SkillsChanged, WarningReported
from treadle.core.items import Context, Notes, Summary, Text, UserMessage
from treadle.core.settings import LocalModel, Provider, SandboxPolicy, Settings
from treadle.core.skills import FoundSkills, Skill, SkillError, ordered
from treadle.core.thread import Thread
from treadle.runtime.briefing import Surroundings, ThreadBriefing
from treadle.runtime.skills import Invocations
from treadle.tools import builtin

PROVIDER = Provider("openai", "OpenAI", "https://example.invalid/v1")
SETTINGS = Settings("/home/ada/engine", "gpt-5.5", PROVIDER, sandbox=SandboxPolicy("workspace-write"))
MINE, OURS = "/home/ada/.agents/skills", "/home/ada/engine/.agents/skills"
JOBS = {
    "changelog": "Writes the entry of a change into CHANGELOG.md, in the project's words and under the right heading.",
    "deploy": "Puts a tagged version on the servers, watches the first ten minutes and takes it back when errors rise. Use it "
    "only when the user asks for a release, never for a preview.",
    "migrate": "Writes, checks and rehearses a change of the database schema, with the way back, on a copy of last night's data.",
    "pdf": "Reads and fills PDF forms.",
    "profile": "Finds out where the time goes: records a profile, draws the flame graph and names the three costliest calls.",
    "review": "Reviews a branch as the team does: risks first, style last, every finding with a line and a way out.",
}


@dataclasses.dataclass(frozen=True)
class Found:
    documents: tuple[Document, ...] = (Document("/home/ada/engine/AGENTS.md", "Use tabs."),)
    problems: tuple[str, ...] = ()

    def find(self, settings: Settings) -> Found:
        return self


class Source:
    """Skills that a test sets. `bodies` by path; an OSError in it is raised."""

    def __init__(self, skills: Sequence[Skill] = (), errors: Sequence[SkillError] = ()) -> None:
        self.found = FoundSkills(ordered(skills), tuple(errors))
        self.bodies: dict[str, str | OSError] = {}

    def find(self, settings: Settings) -> FoundSkills:
        return self.found

    def body(self, skill: Skill) -> str:
        body = self.bodies.get(skill.path, f"Steps of {skill.name}.")
        if isinstance(body, OSError):
            raise body
        return body

    def forget(self) -> None:
        pass


def skill(name: str, root: str = OURS, description: str | None = None) -> Skill:
    scope = "user" if root == MINE else "repo"
    return Skill(name, description or JOBS.get(name, "Does it."), f"{root}/{name}/SKILL.md", scope, root)


def ours() -> list[Skill]:
    return [skill(name) for name in JOBS] + [skill("translate", MINE, "Translates texts of the interface.")]


def briefing(source: Source) -> ThreadBriefing:
    around = Surroundings(Found(), prompts.load, "bash", lambda at: ("2026-01-01", "UTC"), skills=source)
    return ThreadBriefing(FrozenClock(), around, builtin)


def turn(brief: ThreadBriefing, thread: Thread, words: str, settings: Settings = SETTINGS) -> list[str]:
    """What a turn puts in front of its first request; the warnings that the user gets."""
    warnings: list[str] = []
    thread.append(*brief.news(thread, settings, sandboxed=True))
    follow = brief.invocations(settings, warnings.append).follow
    thread.append(*follow([UserMessage(f"u{len(thread.items)}", 0.0, "t", (Text(words),))]))
    return warnings


def golden(name: str, brief: ThreadBriefing, thread: Thread, settings: Settings = SETTINGS) -> None:
    request = json.loads(thread.prompt.request(brief.tail(settings)).body())
    snapshot(name, readable(request))


def test_the_prompt_with_skills_within_their_budget() -> None:
    brief, thread = briefing(Source(ours())), Thread("t")
    assert brief.problems(SETTINGS) == ()
    assert turn(brief, thread, "Please $review my branch.") == []
    golden("skills.txt", brief, thread)


@pytest.mark.parametrize(
    ("tokens", "name", "warns"), [(250, "shortened", False), (160, "aliased", False), (70, "left_out", True)]
)
def test_the_prompt_with_skills_over_their_budget(tokens: int, name: str, warns: bool) -> None:
    settings = dataclasses.replace(SETTINGS, skills_max_tokens=tokens)
    brief, thread = briefing(Source(ours())), Thread("t")
    assert turn(brief, thread, "Go.", settings) == []
    assert bool(brief.problems(settings)) is warns
    golden(f"skills_{name}.txt", brief, thread, settings)


def test_the_prompt_after_a_skill_changed_in_mid_thread() -> None:
    source = Source(ours())
    brief, thread = briefing(source), Thread("t")
    turn(brief, thread, "Go.")
    before = list(thread.prompt.request({}).fragments)
    source.found = FoundSkills(ordered([skill("pdf", description="Reads PDFs, and no longer fills them.")]))
    turn(brief, thread, "Go on.")
    assert list(thread.prompt.request({}).fragments)[: len(before)] == before
    golden("skills_changed.txt", brief, thread)


def test_a_small_local_model_is_told_of_no_skills_but_may_be_given_one() -> None:
    local = Provider("local", "Local", "", wire="local", custom_tools=False)
    settings = dataclasses.replace(SETTINGS, model="qwen2.5-coder-0.5b", provider=local, local=LocalModel())
    brief, thread = briefing(Source(ours(), [SkillError("/x", "it is broken")])), Thread("t")
    assert not [problem for problem in brief.problems(settings) if problem.startswith("/x")]
    turn(brief, thread, "$pdf", settings)
    assert set(thread.told) >= {"environment", "skill:pdf"}
    assert "skills" not in thread.told


def test_a_model_with_a_window_that_nobody_knows_gets_8000_characters_of_list() -> None:
    settings = dataclasses.replace(SETTINGS, model="somebodys-model")
    many = [skill(f"s{number:03}", description="d" * 300) for number in range(60)]
    brief, thread = briefing(Source(many)), Thread("t")
    turn(brief, thread, "Go.", settings)
    lines = [line for line in thread.told["skills"].splitlines() if line.startswith("- s0")]
    assert len(lines) == 60
    assert 7_900 < sum(len(line) + 1 for line in lines) <= 8_000


def test_clients_hear_of_a_change_and_of_a_new_problem_once() -> None:
    source = Source(ours())
    brief, thread = briefing(source), Thread("t")
    turn(brief, thread, "Go.")
    assert brief.noticed(thread) == []
    source.found = FoundSkills(source.found.skills, (SkillError("/x/SKILL.md", "its description is missing"),))
    for _ in range(2):
        turn(brief, thread, "Go on.")
    told = [SkillsChanged("t"), WarningReported("/x/SKILL.md was left out: its description is missing.", "t")]
    assert brief.noticed(thread) == told
    assert brief.noticed(thread) == []
    assert len([item for item in thread.items if isinstance(item, Context)]) == 2


def test_a_skill_that_cannot_be_read_is_left_out_with_a_warning_and_tried_again() -> None:
    source = Source([skill("pdf"), skill("review")])
    source.bodies[f"{OURS}/pdf/SKILL.md"] = PermissionError(13, "Permission denied")
    brief, thread = briefing(source), Thread("t")
    (warning,) = turn(brief, thread, "$pdf $review")
    assert warning == f"The skill {OURS}/pdf/SKILL.md cannot be read (Permission denied): $pdf is not used."
    assert "skill:review" in thread.told
    assert "skill:pdf" not in thread.told
    del source.bodies[f"{OURS}/pdf/SKILL.md"]
    assert turn(brief, thread, "$pdf") == []
    assert "skill:pdf" in thread.told


def test_one_turn_takes_in_what_there_is_room_for_and_says_what_it_did_not() -> None:
    source = Source([skill(name) for name in ("a", "b", "c")])
    source.bodies = {f"{OURS}/{name}/SKILL.md": name * 8_000 for name in "abc"}
    settings = dataclasses.replace(SETTINGS, context_window=17_000)
    brief, thread = briefing(source), Thread("t")
    warnings = turn(brief, thread, "$a $b $c", settings)
    assert thread.told.keys() & {"skill:a", "skill:b", "skill:c"} == {"skill:a", "skill:b"}
    assert warnings == ["The skills of this turn leave no room for another: $c is not used."]


def test_what_a_turn_has_taken_in_is_given_again_when_a_new_epoch_has_lost_it() -> None:
    brief, thread = briefing(Source([skill("pdf"), skill("review")])), Thread("t")
    invocations = brief.invocations(SETTINGS, [].append)
    thread.append(*brief.news(thread, SETTINGS, sandboxed=True))
    thread.append(*invocations.follow([UserMessage("u", 0.0, "t", (Text("$pdf $review"),))]))
    before = thread.told["skill:pdf"]
    assert invocations.again(thread.told) == []
    thread.append(Summary("s", 0.0, "t", "short", ()))
    thread.append(*brief.news(thread, SETTINGS, sandboxed=True), *invocations.again(thread.told))
    assert [name for name in thread.told if name.startswith("skill:")] == ["skill:pdf", "skill:review"]
    assert thread.told["skill:pdf"] == before
    assert invocations.again(thread.told) == []


def test_pinned_notes_and_words_without_a_skill_pass_untouched_and_nothing_is_looked_up() -> None:
    def never() -> FoundSkills:
        raise AssertionError("no need to look")

    follow = Invocations(never, Source().body, FrozenClock(), [].append).follow
    items = [Notes("n", 0.0, ("$pdf",)), UserMessage("u", 0.0, "t", (Text("just words"),))]
    assert follow(items) == items
