"""What the model is told, in which order, and that it is told again only when something changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.core.context import CAPS, COMPACT_CAPS, Document, Message, Situation, changes, joined, opening_context, told
from treadle.core.items import Context
from treadle.core.settings import Provider, SandboxPolicy, Settings
from treadle.prompts import load

SETTINGS = Settings(
    cwd="/w",
    model="m",
    provider=Provider("p", "P", ""),
    sandbox=SandboxPolicy("workspace-write"),
    developer_instructions="Use tabs.",
)
DOCUMENTS = (
    Document("/h/AGENTS.md", "mine", is_global=True),
    Document("/w/AGENTS.md", "root"),
    Document("/w/a/AGENTS.md", "leaf"),
)
NOW = Situation(SETTINGS, load("permissions"), DOCUMENTS, shell="bash", date="2026-11-22", timezone="Etc/UTC")


def remembered(before: dict[str, str], messages: tuple[Message, ...]) -> dict[str, str]:
    return before | told(Context("i", 0.0, role, sections) for role, sections in messages)


def under(now: Situation, **changes: Any) -> Situation:
    return replace(now, settings=replace(now.settings, **changes))


def test_the_opening_is_one_developer_and_one_user_message_in_order() -> None:
    (first, developer), (second, user) = opening_context(NOW)
    assert (first, [section.name for section in developer]) == ("developer", ["permissions", "developer_instructions"])
    assert (second, [section.name for section in user]) == ("user", ["agents_md", "environment"])
    assert developer[0].text.startswith("<permissions instructions>\n")
    assert developer[0].text.endswith("\n</permissions instructions>")
    assert developer[1].text == "Use tabs."


def test_the_agents_md_section_is_worded_exactly() -> None:
    section = opening_context(NOW)[1][1][0]
    assert section.text == (
        "# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\nmine\n\n--- project-doc ---\n\nroot\n\nleaf\n</INSTRUCTIONS>"
    )
    assert section.source == "/h/AGENTS.md, /w/AGENTS.md, /w/a/AGENTS.md"


def test_the_environment_section_is_worded_exactly() -> None:
    section = opening_context(under(NOW, cwd="/a<b>&c", roots=("/a<b>&c", "/other")))[1][1][1]
    assert section.text == (
        "<environment_context>\n"
        "  <cwd>/a&lt;b&gt;&amp;c</cwd>\n"
        "  <workspace_roots><root>/other</root></workspace_roots>\n"
        "  <shell>bash</shell>\n"
        "  <current_date>2026-11-22</current_date>\n"
        "  <timezone>Etc/UTC</timezone>\n"
        '  <network enabled="false"/>\n'
        "</environment_context>"
    )


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("mode", ["read-only", "workspace-write", "danger-full-access", "external"])
@pytest.mark.parametrize("policy", ["on-request", "never"])
@pytest.mark.parametrize("sandboxed", [True, False, "in part"])
def test_permissions_are_worded_for_every_mode(compact: bool, mode: Any, policy: Any, sandboxed: Any) -> None:
    now = replace(under(NOW, sandbox=SandboxPolicy(mode), approval_policy=policy), compact=compact, sandboxed=sandboxed)
    text = opening_context(now)[0][1][0].text
    assert len(text) <= (COMPACT_CAPS if compact else CAPS)["permissions"]
    confined = mode in ("read-only", "workspace-write")
    if not compact:
        assert ("require_escalated" in text) == (confined and policy == "on-request")
        assert ("no working sandbox" in text) == (confined and not sandboxed)
        assert ("confines commands in part only" in text) == (confined and sandboxed == "in part")
        assert ("Writable folders: `/w`, `/tmp`." in text) == (mode == "workspace-write")


def test_nothing_is_told_twice() -> None:
    assert changes(remembered({}, opening_context(NOW)), NOW) == ()


def test_only_what_changed_is_told() -> None:
    before = remembered({}, opening_context(NOW))
    ((role, (section,)),) = changes(before, replace(NOW, date="2026-11-23"))
    assert (role, section.name) == ("user", "environment")
    ((role, (section,)),) = changes(before, under(NOW, approval_policy="never"))
    assert (role, section.name) == ("developer", "permissions")


def test_changed_instructions_say_that_they_replace_the_old_ones_once() -> None:
    before = remembered({}, opening_context(NOW))
    later = replace(NOW, documents=(Document("/w/AGENTS.md", "new"),))
    messages = changes(before, later)
    ((_, (section,)),) = messages
    assert section.text.startswith("The AGENTS.md instructions changed. These replace all")
    assert "new\n</INSTRUCTIONS>" in section.text
    assert changes(remembered(before, messages), later) == ()


def test_removed_instructions_no_longer_apply_and_may_come_back() -> None:
    before = remembered({}, opening_context(NOW))
    bare = replace(under(NOW, developer_instructions=None), documents=())
    messages = changes(before, bare)
    assert [section.text for _, sections in messages for section in sections] == [
        "The developer instructions given before no longer apply.",
        "The AGENTS.md instructions given before no longer apply.",
    ]
    after = remembered(before, messages)
    assert changes(after, bare) == ()
    back = changes(after, NOW)
    assert back[1][1][0].text.startswith("# AGENTS.md instructions for /w")
    assert changes(remembered(after, back), NOW) == ()


def test_without_documents_or_developer_words_their_sections_are_absent() -> None:
    bare = replace(under(NOW, developer_instructions="  "), documents=())
    assert [section.name for _, sections in opening_context(bare) for section in sections] == ["permissions", "environment"]


@pytest.mark.parametrize("compact", [False, True])
def test_every_section_keeps_to_its_cap_also_when_told_again(compact: bool) -> None:
    huge = replace(
        under(
            NOW, cwd="/" + "c" * 4000, roots=tuple(f"/r{n}" + "x" * 300 for n in range(30)), developer_instructions="d" * 200_000
        ),
        documents=(Document("/w/AGENTS.md", "a" * 200_000),),
        compact=compact,
    )
    caps = COMPACT_CAPS if compact else CAPS
    first = opening_context(huge)
    again = changes({name: "something else" for name in caps}, huge)
    for _, sections in first + again:
        for section in sections:
            assert len(section.text) <= caps[section.name]
    assert first[1][1][0].text.endswith("[cut: too long]\n</INSTRUCTIONS>")
    assert changes(remembered({}, first), huge) == ()
    assert changes(remembered({}, again), huge) == ()


SITUATIONS = st.builds(
    lambda docs, words, mode, date, sandboxed: replace(
        under(NOW, developer_instructions=words, sandbox=SandboxPolicy(mode)),
        documents=tuple(Document(f"/w/{n}", text) for n, text in enumerate(docs)),
        date=date,
        sandboxed=sandboxed,
    ),
    st.lists(st.sampled_from(["a", "b"]), max_size=2),
    st.sampled_from([None, "x", "y"]),
    st.sampled_from(["read-only", "workspace-write", "danger-full-access"]),
    st.sampled_from(["1", "2"]),
    st.booleans(),
)


@given(st.lists(SITUATIONS, min_size=1, max_size=6))
def test_whatever_happens_asking_again_at_once_tells_nothing(history: list[Situation]) -> None:
    memory: dict[str, str] = {}
    for now in history:
        memory = remembered(memory, changes(memory, now))
        assert changes(memory, now) == ()
        if joined(now.documents):
            assert joined(now.documents) in memory["agents_md"]


def test_the_base_prompts_are_there_and_small() -> None:
    base, compact = load("base"), load("compact")
    assert "apply_patch" in base
    assert "require_escalated" in base
    assert len(base) < 8_000
    assert len(compact) < 1_200, "about 300 tokens"


def test_pinned_notes_are_told_again_when_they_change_and_taken_back_when_they_are_gone() -> None:
    messages = opening_context(replace(NOW, notes=("Never touch /w/gen.", "Answer in French.")))
    notes = next(section for _, sections in messages for section in sections if section.name == "pinned_notes")
    assert notes.text.splitlines()[-3:] == ["- Never touch /w/gen.", "- Answer in French.", "</pinned_notes>"]
    known = remembered({}, messages)
    ((_, (fewer,)),) = changes(known, replace(NOW, notes=("Answer in French.",)))
    assert fewer.text.startswith("The pinned notes changed.")
    assert "gen" not in fewer.text
    ((_, (gone,)),) = changes(known, NOW)
    assert gone.text == "The notes pinned before no longer apply."
    assert changes({}, NOW) == opening_context(NOW)


def test_what_the_user_allowed_is_told_after_the_permissions_and_not_again_before_the_next_epoch() -> None:
    now = replace(NOW, granted=("npm test", "git [push|fetch]"))
    messages = opening_context(now)
    names = [section.name for section in messages[0][1]]
    assert names[:2] == ["permissions", "granted_commands"]
    text = messages[0][1][1].text
    assert text.startswith("<granted_commands>\nThe user has allowed some commands to run outside the sandbox")
    assert text.endswith("`npm test`, `git [push|fetch]`.\n</granted_commands>")
    told = remembered({}, messages)
    assert changes(told, replace(now, granted=("npm test",))) == ()
    assert changes(told, replace(now, granted=())) == ()
    late = remembered({}, opening_context(NOW))
    assert changes(late, now) == ()


def test_a_long_list_of_what_was_allowed_is_cut_at_a_whole_entry_and_counted() -> None:
    for words in (tuple(f"make {n}" for n in range(200)), tuple(f"make {str(n) * 90}" for n in range(1, 50))):
        (section,) = [s for s in opening_context(replace(NOW, granted=words))[0][1] if s.name == "granted_commands"]
        assert len(section.text) <= CAPS["granted_commands"]
        shown = section.text.count("`") // 2
        assert f" and {len(words) - shown} more.\n</granted_commands>" in section.text


def test_what_was_allowed_is_not_told_where_it_helps_nobody() -> None:
    for helpless in (
        under(NOW, approval_policy="never"),
        under(NOW, sandbox=SandboxPolicy("danger-full-access")),
        replace(NOW, compact=True),
    ):
        messages = opening_context(replace(helpless, granted=("npm test",)))
        assert "granted_commands" not in remembered({}, messages)
