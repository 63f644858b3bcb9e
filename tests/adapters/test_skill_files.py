"""Skills on a real disk: where they are looked for, what is left out and why, and how little a second look costs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from treadle.adapters import skill_file
from treadle.adapters import skills as module
from treadle.adapters.instructions import InstructionFiles
from treadle.adapters.skills import SkillFiles
from treadle.core.settings import Provider, Settings, SkillRule
from treadle.core.skills import FoundSkills, SkillError

PROVIDER = Provider("p", "P", "https://example.invalid")


class Disk:
    """A workspace with a .git, a home, $CODEX_HOME and a folder of the machine, below one scratch path."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.root, self.home, self.codex, self.admin = base / "ws", base / "home", base / "codex", base / "etc"
        self.cwd = self.root / "a" / "b"
        self.cwd.mkdir(parents=True)
        (self.root / ".git").mkdir()
        self.rules: tuple[SkillRule, ...] = ()
        # a clock far from every file's: what is on disk counts as old
        self.files = SkillFiles(self.codex, self.home, self.admin, now_ns=lambda: 0)

    def skill(self, where: Path, name: str, text: str | None = None, *, description: str = "Does it.") -> Path:
        path = where / name / "SKILL.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\nname: {name}\ndescription: {description}\n---\nDo {name}.\n" if text is None else text)
        return path

    def mine(self, name: str = "one", text: str | None = None) -> Path:
        return self.skill(self.home / ".agents" / "skills", name, text)

    def find(self) -> FoundSkills:
        return self.files.find(Settings(str(self.cwd), "m", PROVIDER, skill_rules=self.rules))

    def names(self) -> list[str]:
        return [skill.name for skill in self.find().skills]

    def error(self) -> SkillError:
        found = self.find()
        (error,) = found.errors
        return error


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_every_skills_folder_from_the_project_root_down_and_of_the_user_and_the_machine_is_searched(disk: Disk) -> None:
    disk.skill(disk.root / ".agents" / "skills", "root-agents")
    disk.skill(disk.root / ".codex" / "skills", "root-codex")
    disk.skill(disk.root / "a" / ".agents" / "skills", "middle")
    disk.skill(disk.cwd / ".codex" / "skills", "deep")
    disk.skill(disk.codex / "skills", "codex-home")
    disk.skill(disk.admin, "machine")
    disk.mine("mine")
    disk.skill(disk.root / "beside" / ".agents" / "skills", "beside")
    disk.skill(disk.base / ".agents" / "skills", "above")
    found = disk.find()
    assert [(skill.scope, skill.name) for skill in found.skills] == [
        ("admin", "machine"),
        ("repo", "deep"),
        ("repo", "middle"),
        ("repo", "root-agents"),
        ("repo", "root-codex"),
        ("user", "codex-home"),
        ("user", "mine"),
    ]
    assert found.errors == ()
    assert found.skills[1].path == str(disk.cwd / ".codex" / "skills" / "deep" / "SKILL.md")


def test_a_skill_says_its_name_descriptions_and_body(disk: Disk) -> None:
    front = "name: 'pdf: tools'\ndescription: >\n  Reads\n  PDFs.\nmetadata:\n  short-description: PDFs\n  version: 3\n"
    text = f"---\n{front}---\n\n# Go\n"
    path = disk.mine("folder", text)
    (skill,) = disk.find().skills
    assert (skill.name, skill.description, skill.short_description) == ("pdf: tools", "Reads PDFs.", "PDFs")
    assert (skill.path, skill.root) == (str(path), str(disk.home / ".agents" / "skills"))
    assert disk.files.body(skill) == "\n# Go\n"
    path.unlink()
    with pytest.raises(OSError, match="No such file"):
        disk.files.body(skill)


def test_a_skill_without_a_name_is_named_after_its_folder(disk: Disk) -> None:
    disk.mine("unnamed", "---\ndescription: x\n---\n")
    assert disk.names() == ["unnamed"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "does not begin with YAML front matter"),
        ("# no front matter\n", "does not begin with YAML front matter"),
        ("---\nname: x\ndescription: never closed\n", "does not begin with YAML front matter"),
        ("---\nname: x\n---\n", "description is missing"),
        ("---\nname: x\ndescription: '  '\n---\n", "description is missing"),
        ("---\ndescription: use when: asked\n---\n", "YAML is broken in line 2"),
        ("---\ndescription: [a, b\n---\n", "YAML is broken"),
        ("---\n\tname: x\n---\n", "YAML is broken"),
        ("---\n- a\n- b\n---\n", "not a table"),
        ("---\njust words\n---\n", "not a table"),
        ("---\nname: 3\ndescription: x\n---\n", "name must be a text"),
        ("---\nname: x\ndescription: [y]\n---\n", "description must be a text"),
        ("---\nname: x\ndescription: y\nmetadata:\n  short-description: 1\n---\n", "short-description must be a text"),
        (f"---\nname: {'n' * 65}\ndescription: x\n---\n", "name is 65 characters long; at most 64"),
        (f"---\nname: x\ndescription: {'d' * 1025}\n---\n", "description is 1025 characters long; at most 1024"),
        ("---\ndescription: x\nwhen: 2024-13-45\n---\n", "YAML cannot be used"),
        ("---\ndescription: x\nn: !!int ''\n---\n", "YAML cannot be used"),
        ("---\ndescription: !!python/object/apply:os.getcwd []\n---\n", "YAML is broken"),
        ("---\ndescription: &a [*a]\n---\n", "description must be a text"),
        (f"---\ndescription: {'[' * 3000}\n---\n", "YAML"),
        (f"---\ndescription: {'[' * 30000}\n---\n", "YAML cannot be used"),
        (f"---\ndescription: {'- ' * 1500}x\n---\n", "YAML"),
        (f"---\n{'# padding' * 9000}\ndescription: x\n---\n", "does not begin with YAML front matter"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_its_reason_and_the_others_load(disk: Disk, text: str, problem: str) -> None:
    path = disk.mine("bad", text)
    disk.mine("good")
    assert disk.names() == ["good"]
    assert disk.error().path == str(path)
    assert problem in disk.error().message


WORDS = st.text(st.sampled_from("abeflnorstuy AZ09.,:;#'\"-_/[]{}&*!|>%@`?~=<\\\t\xa0\x85\u2028é漢"), max_size=12)


@given(
    st.lists(st.tuples(st.sampled_from(["name", "description", "on", "y", "a-b", "a b", "3"]), WORDS), max_size=4), st.booleans()
)
@example([("name", "off")], False)
@example([("description", "use it: well")], False)
@example([("description", "a #b")], False)
@example([("description", "a:b#c")], True)
def test_plain_words_mean_the_same_without_the_parser(pairs: list[tuple[str, str]], crlf: bool) -> None:
    text = ("\r\n" if crlf else "\n").join(f"{key}: {words}" for key, words in pairs)
    mine = skill_file.plain(text)
    assert mine is None or mine == (yaml.safe_load(text) or {})


def test_the_usual_front_matter_needs_no_parser() -> None:
    usual = "name: pdf-tools\ndescription: Reads PDFs, fills (some) forms; asks http://x/y#z.\n"
    assert skill_file.plain(usual) == {"name": "pdf-tools", "description": "Reads PDFs, fills (some) forms; asks http://x/y#z."}
    assert skill_file.plain("metadata:\n  short-description: x") is None


def test_files_that_are_no_text_files_are_left_out_with_their_reason(disk: Disk) -> None:
    folder = disk.home / ".agents" / "skills"
    (disk.skill(folder, "binary")).write_bytes(b"---\nname: x\0\n---\n")
    (folder / "folder" / "SKILL.md").mkdir(parents=True)
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "pipe" / "SKILL.md")
    (folder / "dangling").mkdir()
    (folder / "dangling" / "SKILL.md").symlink_to("nowhere")
    disk.mine("good")
    assert disk.names() == ["good"]
    reasons = {Path(error.path).parent.name: error.message for error in disk.find().errors}
    assert reasons == {
        "binary": "it is not a text file",
        "folder": "it is not a regular file",
        "pipe": "it is not a regular file",
        "dangling": "it cannot be read (No such file or directory)",
    }


def test_a_skills_folder_that_is_a_file_is_an_error_and_none_at_all_is_not(disk: Disk) -> None:
    assert disk.find() == FoundSkills()
    disk.admin.write_text("")
    assert disk.error() == SkillError(str(disk.admin), "it cannot be read (Not a directory)")


def test_odd_bytes_in_a_text_are_replaced(disk: Disk) -> None:
    disk.mine().write_bytes(b"---\ndescription: caf\xe9\n---\n")
    assert disk.find().skills[0].description == "caf�"


def test_hidden_folders_are_passed_over(disk: Disk) -> None:
    disk.skill(disk.codex / "skills" / ".system", "bundled")
    disk.skill(disk.codex / "skills" / "x" / ".git", "odd")
    assert disk.names() == []


def test_six_folders_deep_is_found_and_seven_is_not(disk: Disk) -> None:
    disk.skill(disk.admin / "1" / "2" / "3" / "4" / "5", "six")
    disk.skill(disk.admin / "1" / "2" / "3" / "4" / "5" / "6", "seven")
    assert disk.names() == ["six"]


def test_symlinked_folders_are_followed_but_not_in_a_circle_and_each_skill_counts_once(disk: Disk) -> None:
    elsewhere = disk.skill(disk.base / "elsewhere", "linked")
    folder = disk.root / ".agents" / "skills"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(elsewhere.parent)
    (folder / "again").symlink_to(elsewhere.parent)
    (folder / "circle").symlink_to(folder)
    (folder / "self").symlink_to("self")
    disk.home.mkdir()
    (disk.home / ".agents").symlink_to(disk.root / ".agents")
    found = disk.find()
    assert [(skill.scope, skill.path) for skill in found.skills] == [("repo", str(elsewhere))]
    assert found.errors == ()
    assert disk.files.dirs_read < 10


def test_a_folder_beyond_the_limits_is_cut_and_says_so(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        disk.skill(disk.admin, f"s{number:02}")
    monkeypatch.setattr(module, "MAX_DIRS", 11)
    assert disk.names() == [f"s{number:02}" for number in range(10)]
    assert "more than 11 folders" in disk.error().message
    monkeypatch.setattr(module, "MAX_DIRS", 2000)
    monkeypatch.setattr(module, "MAX_ENTRIES", 15)
    disk.files.forget()
    assert len(disk.names()) < 12
    assert "15 files" in disk.error().message


def test_the_file_beside_it_says_whether_the_model_may_pick_it_and_how_it_is_shown(disk: Disk) -> None:
    beside = disk.mine().parent / "agents" / "openai.yaml"
    beside.parent.mkdir()
    beside.write_text(
        "interface:\n  display_name: One\n  icon_small: ./small.png\n  brand_color: '#112233'\n"
        "policy:\n  allow_implicit_invocation: false\n"
    )
    (skill,) = disk.find().skills
    assert not skill.implicit
    icon = str(beside.parent.parent / "small.png")
    assert skill.interface == {"displayName": "One", "iconSmall": icon, "brandColor": "#112233"}


@pytest.mark.parametrize(
    "text", ["policy: [", "policy: 3", "policy:\n  allow_implicit_invocation: maybe", "interface:\n  display_name: 1"]
)
def test_a_broken_file_beside_it_is_an_error_and_the_skill_stays(disk: Disk, text: str) -> None:
    beside = disk.mine().parent / "agents" / "openai.yaml"
    beside.parent.mkdir()
    beside.write_text(text)
    assert disk.names() == ["one"]
    assert disk.error().path == str(beside)


def test_a_rule_turns_off_by_name_by_file_or_by_folder_and_the_last_one_wins(disk: Disk) -> None:
    one, two = disk.mine("one"), disk.mine("two")
    off = SkillRule(enabled=False, name="one")
    rules = {
        (off,): ["two"],
        (SkillRule(enabled=False, path=str(one)),): ["two"],
        (SkillRule(enabled=False, path=str(two.parent)),): ["one"],
        (off, SkillRule(enabled=True, path=str(one))): ["one", "two"],
        (SkillRule(enabled=False, name="One"),): ["one", "two"],
    }
    for rule, expected in rules.items():
        disk.rules = rule
        assert [skill.name for skill in disk.find().skills if skill.enabled] == expected


def test_without_a_change_the_same_object_comes_back_and_no_folder_is_read(disk: Disk) -> None:
    disk.mine()
    disk.skill(disk.cwd / ".agents" / "skills", "two")
    first, read = disk.find(), disk.files.dirs_read
    assert read > 0
    for _ in range(3):
        assert disk.find() is first
    assert disk.files.dirs_read == read


def test_a_new_an_edited_and_a_removed_skill_are_noticed_and_only_their_folder_is_read(disk: Disk) -> None:
    path = disk.mine()
    disk.skill(disk.admin, "machine")
    disk.find()
    path.write_text("---\nname: one\ndescription: Does it differently now.\n---\n")
    read = disk.files.dirs_read
    assert disk.find().skills[1].description == "Does it differently now."
    assert disk.files.dirs_read == read + 2
    disk.mine("another")
    assert disk.names() == ["machine", "another", "one"]
    beside = path.parent / "agents" / "openai.yaml"
    beside.parent.mkdir()
    beside.write_text("policy:\n  allow_implicit_invocation: false\n")
    assert [skill.implicit for skill in disk.find().skills] == [True, True, False]
    path.unlink()
    assert disk.names() == ["machine", "another"]
    disk.skill(disk.cwd / ".codex" / "skills", "late")
    assert disk.names() == ["machine", "late", "another"]


def test_a_repaired_file_loads_again(disk: Disk) -> None:
    path = disk.mine("one", "broken")
    assert disk.error().path == str(path)
    disk.mine("one")
    assert disk.find().errors == ()
    assert disk.names() == ["one"]


def test_a_file_as_young_as_the_look_at_it_is_looked_at_again(disk: Disk) -> None:
    path = disk.mine()
    young = SkillFiles(disk.codex, disk.home, disk.admin, now_ns=lambda: path.stat().st_ctime_ns)
    settings = Settings(str(disk.cwd), "m", PROVIDER)
    first, read = young.find(settings), young.dirs_read
    assert young.find(settings) is first
    assert young.dirs_read > read


def test_two_folders_of_work_do_not_disturb_each_other(disk: Disk) -> None:
    disk.skill(disk.cwd / ".agents" / "skills", "deep")
    settings = Settings(str(disk.cwd), "m", PROVIDER)
    above = dataclasses.replace(settings, cwd=str(disk.root))
    for _ in range(2):
        assert [skill.name for skill in disk.files.find(settings).skills] == ["deep"]
        assert disk.files.find(above).skills == ()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """A workspace of 50,000 files in 500 folders; work is done four folders down."""
    disk = Disk(tmp_path_factory.mktemp("large"))
    disk.cwd = disk.root / "d000" / "x" / "y"
    for folder in range(500):
        place = disk.root / f"d{folder:03}"
        place.mkdir()
        for file in range(100):
            os.close(os.open(place / f"f{file:02}.txt", os.O_CREAT | os.O_WRONLY))
    disk.cwd.mkdir(parents=True)
    for folder in (disk.root, disk.root / "d000", disk.cwd):
        (folder / "AGENTS.md").write_text("Be careful.")
    for number in range(20):
        (disk.skill(disk.root / ".agents" / "skills", f"s{number:02}").parent / "scripts").mkdir()
    return disk


class Calls:
    """How often the file system was asked, by name of the call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: dict[str, int] = {}
        for name in ("stat", "lstat", "scandir", "listdir", "open"):
            monkeypatch.setattr(os, name, self._counted(name))

    def _counted(self, name: str) -> object:
        real = getattr(os, name)

        def call(*args: object, **more: object) -> object:
            self.made[name] = self.made.get(name, 0) + 1
            return real(*args, **more)

        return call

    def taken(self) -> dict[str, int]:
        made, self.made = self.made, {}
        return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    yield Calls(monkeypatch)


def test_in_a_tree_of_50000_files_only_the_chain_and_the_skills_folders_are_looked_at(large: Disk, calls: Calls) -> None:
    settings = Settings(str(large.cwd), "m", PROVIDER)
    files = SkillFiles(large.codex, large.home, large.admin, now_ns=lambda: 0)
    instructions = InstructionFiles(large.codex)
    assert len(files.find(settings).skills) == 20
    assert len(instructions.find(settings).documents) == 3
    cold = calls.taken()
    assert cold["scandir"] == files.dirs_read == 1 + 2 * 20
    assert cold.get("listdir", 0) == 0
    assert cold["open"] == 20 + 3
    assert cold["stat"] < 300
    files.find(settings)
    instructions.find(settings)
    warm = calls.taken()
    assert warm.keys() <= {"stat", "lstat"}
    assert sum(warm.values()) < 150
