"""config.toml over real files: which layer wins, what a mistake costs (one sentence, never the start), who may say what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.config_home import KEY, ConfigHome, only
from treadle.adapters.config import load, parse_override
from treadle.adapters.config_files import KeyLines, nested
from treadle.core.settings import SandboxPolicy


@pytest.fixture
def machine(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def test_without_any_file_the_defaults_hold(machine: ConfigHome) -> None:
    loaded = machine.load()
    settings = loaded.settings
    assert loaded.warnings == ()
    assert (settings.model, settings.provider.id, settings.provider.base_url) == (
        "gpt-5.5",
        "openai",
        "https://api.openai.com/v1",
    )
    assert (settings.approval_policy, settings.sandbox) == ("on-request", SandboxPolicy("read-only"))
    assert (settings.doc_max_bytes, settings.root_markers) == (32768, (".git",))


def test_each_layer_wins_over_the_one_below(machine: ConfigHome) -> None:
    machine.system.write_text('model = "system"\nmodel_verbosity = "low"\nmodel_context_window = 1')
    assert machine.load().settings.model == "system"
    machine.user(machine.trust() + '[profiles.p]\nmodel = "profile"')
    machine.user('model = "user"\nmodel_context_window = 2\n[profiles.p]\nmodel = "profile"\n' + machine.trust())
    assert machine.load().settings.model == "user"
    machine.project('model = "root"\nmodel_context_window = 3')
    assert machine.load().settings.model == "root"
    machine.project('model = "near"', machine.cwd)
    assert machine.load().settings.model == "near"
    assert machine.load(profile="p").settings.model == "profile"
    settings = machine.load(profile="p", model="override").settings
    assert (settings.model, settings.context_window, settings.verbosity) == ("override", 3, "low")


EVERY_KEY = """
model_reasoning_effort = "high"
model_reasoning_summary = "detailed"
model_verbosity = "low"
approval_policy = "never"
sandbox_mode = "workspace-write"
model_instructions_file = "me.md"
developer_instructions = "Use tabs."
model_context_window = 100000
model_auto_compact_token_limit = 80000
tool_output_token_limit = 5000
project_doc_max_bytes = 0
project_doc_fallback_filenames = ["CLAUDE.md"]
project_root_markers = [".hg"]
allow_login_shell = false
some_future_key = { a = 1 }
[sandbox_workspace_write]
writable_roots = ["/data", "relative"]
network_access = true
exclude_tmpdir_env_var = true
exclude_slash_tmp = true
[shell_environment_policy]
inherit = "core"
ignore_default_excludes = true
exclude = ["AWS_*"]
include_only = ["PATH"]
[shell_environment_policy.set]
CI = "1"
[local]
model_path = "weights.gguf"
size = "0.5b"
context = 8192
threads = 2
"""


def test_every_key_reaches_its_setting(machine: ConfigHome) -> None:
    (machine.home / "me.md").write_text("Be brief.\n")
    machine.user(EVERY_KEY)
    loaded = machine.load()
    settings = loaded.settings
    assert (settings.effort, settings.reasoning_summary, settings.verbosity) == ("high", "detailed", "low")
    assert settings.approval_policy == "never"
    assert settings.sandbox == SandboxPolicy("workspace-write", ("/data",), True, True, True)
    assert (settings.base_instructions, settings.developer_instructions) == ("Be brief.", "Use tabs.")
    assert (settings.context_window, settings.auto_compact_limit, settings.tool_output_tokens) == (100_000, 80_000, 5_000)
    assert (settings.doc_max_bytes, settings.doc_fallback_names, settings.root_markers) == (0, ("CLAUDE.md",), (".hg",))
    assert settings.allow_login_shell is False
    environment = settings.shell_environment
    assert (environment.inherit, environment.ignore_default_excludes) == ("core", True)
    assert (environment.exclude, environment.include_only, environment.set) == (("AWS_*",), ("PATH",), (("CI", "1"),))
    assert settings.local.model_path == str(machine.home / "weights.gguf")
    assert (settings.local.size, settings.local.context, settings.local.threads) == ("0.5b", 8192, 2)
    (problem,) = loaded.warnings
    assert "'relative' is not an absolute path" in problem.sentence()


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ('model = "a"\nmodel_verbosity = low\n', 2, "model_verbosity", "is not valid TOML"),
        ('[model_providers.x]\nbase_url = "\n', 2, "model_providers.x.base_url", "is not valid TOML"),
        ('model = "a"\nmodel = "b"\n', 2, "model", "is not valid TOML"),
        ('model = "a"\n[table\n', 2, "model", "is not valid TOML"),
    ],
)
def test_a_broken_file_is_named_with_line_and_key(machine: ConfigHome, text: str, line: int, key: str, words: str) -> None:
    path = machine.user(text)
    problem = only(machine.load())
    assert (problem.file, problem.line, problem.key) == (str(path), line, key)
    assert words in problem.message
    assert problem.sentence().startswith(f"{path}:{line}: {key}: ")


def test_a_file_broken_later_keeps_its_last_good_content(machine: ConfigHome) -> None:
    machine.user('model = "good"')
    assert machine.load().settings.model == "good"
    machine.user('model = "better')
    loaded = machine.load()
    assert loaded.settings.model == "good"
    assert "The last good version of it stays in force." in only(loaded).message
    machine.user('model = "better"')
    assert machine.load().settings.model == "better"
    assert machine.load().warnings == ()
    (machine.home / "config.toml").unlink()
    assert machine.load().settings.model == "gpt-5.5"


def test_a_broken_file_does_not_take_the_other_layers_along(machine: ConfigHome) -> None:
    machine.system.write_text('model = "system"')
    machine.user("model = ")
    assert machine.load().settings.model == "system"


def broken(machine: ConfigHome, how: str) -> None:
    path = machine.home / "config.toml"
    match how:
        case "toml":
            machine.user("model_provider = = 'mine'")
        case "bytes":
            path.write_bytes(b"x = '\xff'")
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "dangling":
            path.symlink_to("nowhere")
        case _:
            path.symlink_to(path)


@pytest.mark.parametrize("how", ["toml", "bytes", "folder", "fifo", "dangling", "loop"])
def test_a_file_that_cannot_be_read_at_the_start_lets_nothing_below_it_stand_in(machine: ConfigHome, how: str) -> None:
    machine.system.write_text('model_provider = "openai"\nsandbox_mode = "danger-full-access"\napproval_policy = "never"')
    broken(machine, how)
    loaded = machine.load()
    settings = loaded.settings
    assert only(loaded).file == str(machine.home / "config.toml")
    assert (settings.provider.id, settings.provider.base_url) == ("unreadable-config", "")
    assert "config.toml" in (settings.provider.refusal or "")
    assert "-c model_provider=" in (settings.provider.refusal or "")
    assert (settings.sandbox.mode, settings.sandbox.network, settings.approval_policy) == ("read-only", False, "on-request")
    named = machine.load(model_provider="openai", sandbox_mode="workspace-write", approval_policy="never").settings
    assert (named.provider.refusal, named.provider.id) == (None, "openai")
    assert (named.sandbox.mode, named.approval_policy) == ("workspace-write", "never")
    assert "config.toml" in (machine.load(model_provider="mine").settings.provider.refusal or "")
    (machine.home / "config.toml").rmdir() if how == "folder" else (machine.home / "config.toml").unlink()
    machine.user("")
    assert machine.load().settings.provider.id == "openai"


def test_an_unread_file_of_the_machine_or_a_folder_counts_only_where_nothing_above_it_speaks(machine: ConfigHome) -> None:
    machine.system.write_text("sandbox_mode = ")
    assert machine.load().settings.provider.refusal
    machine.user('model_provider = "ollama"\nsandbox_mode = "danger-full-access"\n' + machine.trust())
    assert machine.load().settings.provider.refusal is None
    assert machine.load().settings.sandbox.mode == "danger-full-access"
    machine.project("sandbox_mode = ")
    assert machine.load().settings.provider.id == "ollama"
    assert machine.load().settings.sandbox.mode == "read-only"


def test_bytes_that_are_not_text_and_a_folder_of_that_name_are_said(machine: ConfigHome) -> None:
    path = machine.home / "config.toml"
    path.write_bytes(b'model = "a"\nx = "\xff"')
    assert (only(machine.load()).line, "not UTF-8" in only(machine.load()).message) == (2, True)
    path.unlink()
    path.mkdir()
    assert "cannot be read" in only(machine.load()).message


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("a = 1\nmodel = 3\n", 2, "model", "must be a string, not '3'"),
        ("model_context_window = true", 1, "model_context_window", "whole number"),
        ("project_doc_max_bytes = -1", 1, "project_doc_max_bytes", "whole number from 0"),
        ('[sandbox_workspace_write]\nnetwork_access = "yes"\n', None, None, ""),
        ('sandbox_mode = "yolo"', 1, "sandbox_mode", "one of read-only, workspace-write, danger-full-access"),
        ('approval_policy = "untrusted"', 1, "approval_policy", "on-request is used"),
        ("approval_policy = { granular = { rules = true } }", 1, "approval_policy", "must be one of"),
        ('project_doc_fallback_filenames = ["a", 1]', 1, "project_doc_fallback_filenames", "a list of strings"),
        ('model_instructions_file = "gone.md"', 1, "model_instructions_file", "cannot be read"),
        ('profile = "gone"', 1, "profile", "there is no profile 'gone'"),
        ("\n[shell_environment_policy]\nset = 3", 3, "shell_environment_policy.set", "a table of strings"),
        ("\n[shell_environment_policy.set]\nA = 3", 3, "shell_environment_policy.set.A", "must be a string"),
        ("[local]\ncontext = 10", 2, "local.context", "from 2048"),
        ('[model_providers.openai]\nbase_url = "http://evil"', 1, "model_providers.openai", "cannot be redefined"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_skipped(
    machine: ConfigHome, text: str, line: int | None, key: str | None, words: str
) -> None:
    path = machine.user(text)
    loaded = machine.load()
    if line is None:
        assert loaded.warnings == (), "only read where it matters"
        return
    problem = only(loaded)
    assert (problem.file, problem.line, problem.key) == (str(path), line, key)
    assert words in problem.message
    assert loaded.settings.approval_policy == "on-request"
    assert loaded.settings.provider.base_url == "https://api.openai.com/v1"


def test_a_wrong_value_lets_the_layer_below_speak(machine: ConfigHome) -> None:
    machine.system.write_text('model = "system"')
    machine.user("model = 3")
    assert machine.load().settings.model == "system"


@pytest.mark.parametrize(
    ("level", "mode", "model"),
    [("trusted", "workspace-write", "project"), ("untrusted", "workspace-write", "gpt-5.5"), (None, "read-only", "gpt-5.5")],
)
def test_trust_decides_over_the_sandbox_and_the_folders_own_file(
    machine: ConfigHome, level: str | None, mode: str, model: str
) -> None:
    machine.user(machine.trust(level) if level else "")
    machine.project('model = "project"')
    loaded = machine.load()
    assert (loaded.trust, loaded.settings.sandbox.mode, loaded.settings.model) == (level, mode, model)
    assert bool(loaded.warnings) == (level != "trusted")


def test_a_folders_own_file_never_says_where_requests_go(machine: ConfigHome) -> None:
    machine.user(machine.trust())
    path = machine.project(
        'model = "fine"\nmodel_provider = "evil"\nopenai_base_url = "http://evil"\n'
        '[model_providers.evil]\nbase_url = "http://evil"\n[local]\npython = "./evil"\n[projects."/"]\ntrust_level = "trusted"\n'
    )
    loaded = machine.load()
    assert loaded.settings.model == "fine"
    assert loaded.settings.provider.base_url == "https://api.openai.com/v1"
    assert "local" not in loaded.settings.extra
    assert {problem.key for problem in loaded.warnings} == {
        *("model_provider", "openai_base_url", "model_providers", "local", "projects")
    }
    assert {problem.file for problem in loaded.warnings} == {str(path)}


def test_a_worktree_is_trusted_with_its_repository(machine: ConfigHome, tmp_path: Path) -> None:
    main = tmp_path / "main"
    (machine.root / ".git").rmdir()
    (machine.root / ".git").write_text(f"gitdir: {main}/.git/worktrees/w\n")
    machine.user(f'[projects."{main}"]\ntrust_level = "trusted"')
    back = main / ".git" / "worktrees" / "w" / "gitdir"
    back.parent.mkdir(parents=True)
    back.write_text(f"{machine.root}/.git\n")
    assert machine.load().trust == "trusted"
    back.write_text(os.path.relpath(machine.root / ".git", back.parent))
    assert machine.load().trust == "trusted"


@pytest.mark.parametrize("back", [None, "/elsewhere/.git\n", ""])
def test_a_folder_that_only_says_that_it_is_a_worktree_is_not_trusted(
    machine: ConfigHome, tmp_path: Path, back: str | None
) -> None:
    main = tmp_path / "main"
    (main / ".git" / "worktrees" / "w").mkdir(parents=True)
    if back is not None:
        (main / ".git" / "worktrees" / "w" / "gitdir").write_text(back)
    (machine.root / ".git").rmdir()
    (machine.root / ".git").write_text(f"gitdir: {main}/.git/worktrees/w\n")
    machine.user(f'[projects."{main}"]\ntrust_level = "trusted"')
    assert machine.load().trust is None


def test_a_folder_that_turns_the_sandbox_off_is_named(machine: ConfigHome) -> None:
    machine.user(machine.trust())
    path = machine.project('sandbox_mode = "danger-full-access"')
    loaded = machine.load()
    assert loaded.settings.sandbox.mode == "danger-full-access"
    (problem,) = loaded.warnings
    assert problem.sentence().startswith(f"{path}:1: sandbox_mode: turns the sandbox off")


def test_the_users_own_file_is_not_taken_for_a_folders(tmp_path: Path) -> None:
    home = tmp_path / ".codex"
    home.mkdir()
    (home / "config.toml").write_text(f'model = "u"\n[projects."{tmp_path}"]\ntrust_level = "trusted"')
    loaded = load(codex_home=home, cwd=str(tmp_path), overrides={}, environ=KEY, system=tmp_path / "none")
    assert loaded.warnings == ()


def test_overrides_reach_into_tables(machine: ConfigHome) -> None:
    machine.user('[sandbox_workspace_write]\nwritable_roots = ["/a"]')
    overrides = {"sandbox_mode": "workspace-write", "sandbox_workspace_write__network_access": True, "ask_before_edits": True}
    settings = machine.load(**overrides).settings
    assert (settings.sandbox.writable_roots, settings.sandbox.network) == (("/a",), True)
    assert settings.extra["ask_before_edits"] is True


def test_nothing_is_written_into_the_home(machine: ConfigHome) -> None:
    machine.user('model = "a"')
    machine.load()
    assert [path.name for path in machine.home.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a.b=1", "a.b", 1),
        ("model=gpt-5.5", "model", "gpt-5.5"),
        ('model="gpt-5.5"', "model", "gpt-5.5"),
        ("x=true", "x", True),
        ("x=[1, 2]", "x", [1, 2]),
        ("x={a=1}", "x", {"a": 1}),
        ("x=a=b", "x", "a=b"),
        ("x=", "x", ""),
    ],
)
def test_an_override_is_toml_or_else_text(text: str, key: str, value: object) -> None:
    assert parse_override(text) == (key, value)


@pytest.mark.parametrize("text", ["novalue", "=1", " =1"])
def test_an_override_needs_a_key_and_a_value(text: str) -> None:
    with pytest.raises(ValueError, match="key=value"):
        parse_override(text)


def test_dotted_keys_nest_and_may_be_quoted() -> None:
    assert nested({'p."/a.b".t': 1, "p.c": 2, "x": {"y": 1}, "x.z": 2}) == {
        "p": {"/a.b": {"t": 1}, "c": 2},
        "x": {"y": 1, "z": 2},
    }


def test_the_line_of_a_key_is_found() -> None:
    text = 'a = 1\n[t."x.y"]\nb = 2\nc.d = 3\n[[list]]\ne = 1\n'
    assert [KeyLines(text).of(key) for key in [("a",), ("t", "x.y", "b"), ("t", "x.y", "c", "d"), ("list", "e")]] == [1, 3, 4, 6]
    assert KeyLines(text).of(("t", "x.y", "missing")) == 2
    assert KeyLines(text).of(("nowhere",)) is None


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(allow_nan=False)),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.text(max_size=5), below, max_size=3)),
    max_leaves=5,
)
TABLES = ["model_providers", "profiles", "projects", "shell_environment_policy", "local", "approval_policy"]
INSIDE = ["model_providers.m", "model_providers.m.http_headers", "shell_environment_policy.set", "local.size"]
PLAIN = ["model", "model_provider", "sandbox_mode", "profile", "project_root_markers", "model_instructions_file"]
KEYS = st.sampled_from([*TABLES, *INSIDE, *PLAIN])


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_value_whatsoever_stops_the_start(overrides: dict[str, Any]) -> None:
    nowhere = Path("/nonexistent")
    loaded = load(codex_home=nowhere, cwd="/", overrides=overrides, environ={}, system=nowhere)
    assert all(problem.sentence() for problem in loaded.warnings)
