"""SKILL.md, AGENTS.md and hooks.json as nobody should write them: left out with a reason, bounded in what the model reads."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.common import cases, fuzzed
from fuzz.growth import grows_evenly
from treadle.adapters.instructions import InstructionFiles
from treadle.adapters.skill_file import Unusable, read_body, read_skill
from treadle.core.hooks import parse
from treadle.core.settings import Provider, Settings
from treadle.core.skills import MAX_BODY_BYTES, MAX_DESCRIPTION, MAX_NAME, Skill, body_section, budget, listing

WORDS = [
    "---\n",
    "name: a\n",
    "description: b\n",
    "name:",
    "description:",
    " ",
    "\n",
    "- ",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!python/object:os.system ",
    "!!binary ",
]
WORDS += [
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "|\n",
    ">\n",
    "? ",
    ": ",
    "#",
    "\t",
    "\0",
    "é",
    "\ufeff",
    "%YAML 9.9\n",
    "2024-13-45",
    "0x",
    "1e999",
    "9" * 5_000,
]
WORDS += [
    "metadata:\n  short-description: c\n",
    "\r\n",
    "...\n",
    "~",
    "@",
    "`",
    "\x85",
    "\u2028",
    "!!set {a}",
    "!!timestamp 2024-99-99",
    "name: [" * 20,
]


def read(data: bytes) -> Skill | None:
    """The skill, or None for one that is left out with a sentence."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "SKILL.md")
        Path(path).write_bytes(data)
        os.mkdir(os.path.join(folder, "agents"))
        Path(folder, "agents", "openai.yaml").write_bytes(data)
        try:
            parsed = read_skill(path, "user", folder, has_interface=True)
        except Unusable as wrong:
            assert 0 < len(str(wrong)) < 400, str(wrong)
            return None
        skill = parsed.skill
        assert len(skill.name) <= MAX_NAME and 0 < len(skill.description) <= MAX_DESCRIPTION
        json.dumps(skill.interface)
        assert len(body_section(skill, read_body(path)).text.encode()) <= MAX_BODY_BYTES + 8_192
        room = budget(100, None)
        assert room.fits([*listing([skill] * 50, room).lines])
        return skill


@pytest.mark.parametrize("path", cases("skills", "*.md"))
def test_files_with_tricks_are_left_out(path: Path) -> None:
    assert read(path.read_bytes()) is None


@fuzzed(150)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=25).map("".join).map(str.encode))
def test_any_bytes_are_a_skill_or_a_reason(data: bytes) -> None:
    read(data)
    read(b"---\n" + data + b"\n---\nbody")


@pytest.mark.parametrize("word", [*WORDS[6:16], "a: &a [*a]\n", "- - ", "{a: ", "? - "], ids=ascii)
def test_no_front_matter_takes_long(word: str) -> None:
    grown = grows_evenly(read, lambda size: b"---\n" + (word * size * (40 // len(word) + 1)).encode() + b"\n---\n", 120)
    assert grown


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["command", "(", "x" * 300, "\0", "*", "rm"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["hooks", "matcher", "command", "type", "timeout", "PreToolUse", "Stop", "async", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@fuzzed(150)
@given(
    JSON
    | st.dictionaries(
        st.sampled_from(["PreToolUse", "Stop", "Odd"]),
        st.lists(st.fixed_dictionaries({"matcher": JSON, "hooks": st.lists(JSON, max_size=2)}), max_size=2),
    )
)
def test_any_table_is_hooks_or_sentences(table: Any) -> None:
    hooks, problems = parse(table, "hooks.json", project=True)
    assert all(hook.project and hook.command and 0 < hook.timeout <= 3600 for hook in hooks)
    assert all(len(problem) < 400 for problem in problems)


@fuzzed(100)
@given(st.binary(max_size=300) | st.text(max_size=50).map(lambda text: text.encode("utf-8", "replace")), st.integers(0, 60))
def test_any_instructions_stay_within_their_room(data: bytes, room: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "AGENTS.md").write_bytes(data)
        settings = Settings(cwd=folder, model="m", provider=Provider("p", "P", "http://localhost"), doc_max_bytes=room)
        found = InstructionFiles(Path(folder, "none")).find(settings)
        # a byte that is no text is shown by three
        assert sum(len(document.text.encode()) for document in found.documents) <= room * 3
        assert all(problem.strip() for problem in found.problems)
