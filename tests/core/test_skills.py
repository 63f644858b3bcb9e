"""The list of skills within its budget, which skills a message names, and the body of a named one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle import prompts
from treadle.core.context import Situation, changes, told
from treadle.core.items import Context
from treadle.core.settings import Provider, Settings
from treadle.core.skills import (
    MAX_BODY_BYTES,
    MAX_DESCRIPTION,
    MAX_NAME,
    Budget,
    Listing,
    Named,
    Skill,
    body_section,
    budget,
    invoked,
    listing,
    named_in,
    ordered,
    split,
)

PERMISSIONS = prompts.load("permissions")
NOW = Situation(
    Settings("/w", "m", Provider("p", "P", "https://example.invalid")), PERMISSIONS, skills_wording=prompts.load("skills")
)


def skill(name: str, description: str = "Does it.", root: str = "/home/u/.agents/skills", **more: object) -> Skill:
    return Skill(name, description, f"{root}/{name}/SKILL.md", more.pop("scope", "user"), root, **more)  # type: ignore[arg-type]


def many(count: int, length: int, root: str = "/home/u/.agents/skills") -> list[Skill]:
    return [skill(f"skill-{number:03}", "x" * length, root) for number in range(count)]


def room(lines: tuple[str, ...]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def section(skills: tuple[Skill, ...], *, compact: bool = False, before: dict[str, str] | None = None) -> str | None:
    """The text of the skills section that is new."""
    now = replace(NOW, skills=listing(skills, Budget(8_000)), compact=compact)
    found = {one.name: one.text for _, sections in changes(before or {}, now) for one in sections}
    return found.get("skills")


def test_each_skill_is_one_line_with_its_path() -> None:
    assert listing([skill("a", "Does a."), skill("b", "Does b.")], Budget(1_000)).lines == (
        "- a: Does a. (file: /home/u/.agents/skills/a/SKILL.md)",
        "- b: Does b. (file: /home/u/.agents/skills/b/SKILL.md)",
    )


def test_a_disabled_skill_and_one_that_only_the_user_may_name_are_not_listed() -> None:
    found = listing([skill("off", enabled=False), skill("quiet", implicit=False), skill("on")], Budget(1_000))
    assert [line[:4] for line in found.lines] == ["- on"]


def test_the_order_is_system_admin_repo_user_then_name_then_path() -> None:
    mixed = [skill(name, scope=scope) for name in ("b", "a") for scope in ("user", "repo", "admin", "system")]
    again = [*mixed, skill("a", root="/a", scope="user")]
    assert [(one.scope, one.name, one.root[:3]) for one in ordered(again)] == [
        ("system", "a", "/ho"),
        ("system", "b", "/ho"),
        ("admin", "a", "/ho"),
        ("admin", "b", "/ho"),
        ("repo", "a", "/ho"),
        ("repo", "b", "/ho"),
        ("user", "a", "/a"),
        ("user", "a", "/ho"),
        ("user", "b", "/ho"),
    ]


@pytest.mark.parametrize(
    ("max_tokens", "window", "expected"),
    [
        (None, 100_000, Budget(8_000)),
        (None, 10_000_000, Budget(40_000)),
        (500, 100_000, Budget(2_000)),
        (50_000, 100_000, Budget(40_000)),
        (None, None, Budget(8_000, in_bytes=False)),
    ],
)
def test_the_budget_is_the_setting_or_two_percent_of_the_window_or_8000_characters(
    max_tokens: int | None, window: int | None, expected: Budget
) -> None:
    assert budget(max_tokens, window) == expected


def test_over_budget_long_descriptions_are_cut_to_the_same_length_and_short_ones_stay() -> None:
    skills = [*many(20, 400), skill("tiny", "Short.")]
    found = listing(skills, Budget(4_000))
    assert room(found.lines) <= 4_000
    assert found.lines[-1].startswith("- tiny: Short. (")
    lengths = {len(line) for line in found.lines[:-1]}
    assert len(lengths) == 1
    assert "…" in found.lines[0]
    assert found.roots == ()
    assert found.warning is None
    # one more character for each would not have fitted
    assert room(found.lines) + 20 > 4_000


def test_well_over_budget_the_folders_get_short_names() -> None:
    deep = "/home/somebody/a/very/long/way/down/to/the/skills/of/this/project/.agents/skills"
    found = listing(many(20, 400, deep), Budget(2_000))
    assert found.roots == (f"- r1 = {deep}",)
    assert found.lines[0].endswith("(file: r1/skill-000/SKILL.md)")
    assert room(found.lines) + room(found.roots) <= 2_000
    assert found.warning is None
    assert found.left_out == ()


def test_far_over_budget_entries_are_left_out_from_the_end_and_the_user_is_told() -> None:
    found = listing(many(200, 400), Budget(1_000))
    assert room(found.lines) + room(found.roots) <= 1_000
    assert found.lines[0] == "- skill-000 (file: r1/skill-000/SKILL.md)"
    assert len(found.lines) + len(found.left_out) == 200
    assert found.left_out[-1].name == "skill-199"
    assert found.warning is not None
    assert f"{len(found.left_out)} of 200 skills" in found.warning
    assert "skills.max_context_tokens" in found.warning


def test_when_no_description_tells_anything_the_user_is_told() -> None:
    found = listing(
        many(20, 400), Budget(room(tuple(f"- skill-{n:03} (file: r1/skill-{n:03}/SKILL.md)" for n in range(20))) + 40)
    )
    assert found.left_out == ()
    assert found.warning is not None


def test_a_budget_in_characters_counts_characters() -> None:
    wide = [skill("w", "漢" * 100)]
    assert "…" not in listing(wide, Budget(160, in_bytes=False)).lines[0]
    cut = listing(wide, Budget(160)).lines
    assert "漢" * 100 not in cut[0]
    assert room(cut) <= 160


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=MAX_NAME), st.text(max_size=MAX_DESCRIPTION)), max_size=30),
    st.integers(0, 3_000),
    st.booleans(),
)
def test_whatever_the_skills_the_list_stays_within_its_budget(skills: list[tuple[str, str]], limit: int, in_bytes: bool) -> None:
    known = ordered(skill(f"{number}{name}"[:MAX_NAME], text) for number, (name, text) in enumerate(skills))
    found = listing(known, Budget(limit, in_bytes))
    assert Budget(limit, in_bytes).fits([*found.roots, *found.lines])
    assert len(found.lines) + len(found.left_out) == len(known)
    assert bool(found.left_out) <= bool(found.warning)
    assert listing(known, Budget(limit, in_bytes)) == found


def test_the_section_stands_between_agents_md_and_the_environment() -> None:
    now = replace(NOW, skills=Listing(("- a: b (file: /c)",)))
    (_, (_, sections)) = changes({}, now)
    assert [one.name for one in sections] == ["skills", "environment"]
    text = sections[0].text
    assert text.startswith("<skills_instructions>\n## Skills\n")
    assert text.endswith("\n</skills_instructions>")
    assert "\n### Available skills\n- a: b (file: /c)\n\n### How to use skills\n" in text
    assert "### Skill roots" not in text


def test_without_skills_and_for_a_small_model_there_is_no_section() -> None:
    assert section(()) is None
    assert section((skill("a"),), compact=True) is None


def test_a_change_says_that_it_replaces_and_is_told_once() -> None:
    first = section((skill("a"),))
    assert first is not None
    assert section((skill("a"),), before={"skills": first}) is None
    second = section((skill("a", "Something else."),), before={"skills": first})
    assert second is not None
    assert second.startswith("The skills changed. This list replaces the one given before.\n\n<skills_instructions>")
    assert section((skill("a", "Something else."),), before={"skills": second}) is None
    gone = section((), before={"skills": second})
    assert gone == "The skills listed before are no longer there."
    assert section((), before={"skills": gone}) is None
    assert section((skill("a"),), before={"skills": gone}) == first


def test_a_message_names_skills_by_token_and_by_link_in_order() -> None:
    text = "First $one, then [$two words](/s/two/SKILL.md) and ($three) and $one-more: done. [$four](skill:///s/../s/four)"
    assert named_in(text) == [
        Named("one"),
        Named("two words", "/s/two/SKILL.md"),
        Named("three"),
        Named("one-more"),
        Named("four", "/s/four"),
    ]


@pytest.mark.parametrize("text", ["cost: 5$", "US$one", "$$one", r"\$one", "${one}", "$(one)", "one", "$", "a [$one]() b$one"])
def test_what_only_looks_like_a_name_is_none(text: str) -> None:
    names = [named.name for named in named_in(text) if not named.path]
    assert names in ([], ["one"] if text.startswith("a [") else [])


SKILLS = [skill("one"), skill("two"), skill("PATH"), skill("Home"), skill("xdg_data", root="/x"), skill("off", enabled=False)]


@pytest.mark.parametrize("name", ["One", "on", "ones", "PATH", "Home", "HOME", "xdg_data", "off", ""])
def test_a_bare_name_must_fit_exactly_and_not_look_like_a_variable(name: str) -> None:
    assert invoked([Named(name)], SKILLS) == ([], [])


def test_a_bare_name_that_fits_two_skills_means_neither_but_a_path_tells_them_apart() -> None:
    twins = [skill("one"), skill("one", root="/other")]
    assert invoked([Named("one")], twins) == ([], [])
    assert invoked([Named("one", "/other/one/SKILL.md")], twins) == ([twins[1]], [])
    assert invoked([Named("one", "/other/one")], twins) == ([twins[1]], [])
    assert invoked([Named("one")], [twins[0], replace(twins[1], enabled=False)]) == ([twins[0]], [])


def test_each_skill_comes_once_and_a_path_that_is_not_there_is_reported() -> None:
    one, two = SKILLS[:2]
    wanted = [
        Named("two"),
        Named("one"),
        Named("two", two.path),
        Named("lost", "/nowhere/SKILL.md"),
        Named("off", SKILLS[5].path),
    ]
    assert invoked(wanted, SKILLS) == ([two, one], [wanted[3], wanted[4]])


def test_a_skill_that_the_model_may_not_pick_itself_can_be_named() -> None:
    quiet = skill("quiet", implicit=False)
    assert invoked([Named("quiet")], [quiet]) == ([quiet], [])


def test_the_body_is_wrapped_with_name_and_path() -> None:
    made = body_section(skill("a<b"), "\n# Do\nthis\n")
    assert made.name == "skill:a<b"
    assert made.source == "/home/u/.agents/skills/a<b/SKILL.md"
    assert made.text == (
        "<skill>\n<name>a&lt;b</name>\n<path>/home/u/.agents/skills/a&lt;b/SKILL.md</path>\n# Do\nthis\n</skill>"
    )


def test_a_long_body_is_cut_between_characters_and_says_so() -> None:
    text = body_section(skill("a"), "é" * MAX_BODY_BYTES).text
    assert text.count("é") == MAX_BODY_BYTES // 2
    assert "read the rest in the file" in text
    assert "read the rest" not in body_section(skill("a"), "e" * MAX_BODY_BYTES).text


def test_a_body_told_as_context_is_no_section_that_is_compared() -> None:
    item = Context("i", 0.0, "user", (body_section(skill("a"), "x"),))
    assert section((skill("b"),), before=told([item])) == section((skill("b"),))


@pytest.mark.parametrize(
    ("text", "front", "body"),
    [
        ("---\na: 1\n---\nbody\n", "a: 1", "body\n"),
        ("\ufeff---\r\na: 1\r\n---\r\nbody", "a: 1\r", "body"),
        ("---\n---\n", "", ""),
        ("---\na: 1\n", None, "---\na: 1\n"),
        ("a: 1\n---\n", None, "a: 1\n---\n"),
        ("", None, ""),
    ],
)
def test_front_matter_is_between_two_lines_of_dashes(text: str, front: str | None, body: str) -> None:
    assert split(text) == (front, body)
