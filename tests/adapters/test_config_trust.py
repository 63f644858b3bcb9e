"""What an editor's user says of the open workspace, and what lies under config.toml: which wins, and what a no takes away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.config_home import KEY, ConfigHome
from treadle.adapters.config import Loaded, Trust, load
from treadle.adapters.config_trust import editor_trust
from treadle.core.policy import NO_GRANTS, RESTRICTED, CallMcp, Deny, Harmless, RunCommand, WriteFiles, decide
from treadle.core.settings import SandboxPolicy, Settings

SERVER = '[mcp_servers.s]\ncommand = "server"\n'
HOOK = '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "true"\n'


@pytest.fixture
def machine(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def loaded(machine: ConfigHome, trust: Trust | None, defaults: dict[str, Any] | None = None, **overrides: Any) -> Loaded:
    return load(
        codex_home=machine.home,
        cwd=str(machine.cwd),
        overrides=overrides,
        environ=KEY,
        files=machine.files,
        system=machine.system,
        defaults=defaults,
        editor_trust=trust,
    )


def test_a_folder_that_the_editor_trusts_may_be_written_and_its_own_file_is_read(machine: ConfigHome) -> None:
    machine.project('model = "of the folder"')
    settings = loaded(machine, "trusted").settings
    assert (settings.sandbox.mode, settings.model) == ("workspace-write", "of the folder")


def test_what_the_user_configured_about_a_folder_outranks_the_yes_of_the_editor(machine: ConfigHome) -> None:
    machine.user(machine.trust("untrusted"))
    machine.project('model = "of the folder"')
    assert loaded(machine, "trusted").settings.model != "of the folder"


def test_a_no_of_the_editor_outranks_everything_that_the_user_configured(machine: ConfigHome) -> None:
    machine.user('model = "mine"\nsandbox_mode = "danger-full-access"\n' + SERVER + HOOK + machine.trust())
    machine.project('model = "of the folder"\n')
    assert loaded(machine, None).settings.hooks, "the hook is one"
    settings = loaded(machine, "untrusted").settings
    assert settings.model == "mine"
    assert settings.restricted
    assert settings.sandbox == SandboxPolicy("read-only")
    assert (settings.mcp_servers, settings.hooks, settings.network, settings.doc_max_bytes) == ((), (), None, 0)


def test_a_default_of_the_editor_holds_until_any_file_says_something(machine: ConfigHome) -> None:
    ours = {"ask_before_edits": True, "model": "default"}
    assert loaded(machine, "trusted", ours).settings.extra["ask_before_edits"] is True
    assert loaded(machine, "trusted", ours).settings.model == "default"
    machine.system.write_text("ask_before_edits = false")
    machine.user('model = "mine"')
    assert loaded(machine, "trusted", ours).settings.extra["ask_before_edits"] is False
    assert loaded(machine, "trusted", ours).settings.model == "mine"


def test_an_override_without_a_value_leaves_the_file_in_force(machine: ConfigHome) -> None:
    machine.user('model = "mine"\nsandbox_mode = "read-only"')
    settings = loaded(machine, "trusted", model=None, sandbox_mode=None).settings
    assert (settings.model, settings.sandbox.mode) == ("mine", "read-only")


def test_an_override_without_a_value_does_not_stand_in_for_a_file_that_cannot_be_read(machine: ConfigHome) -> None:
    machine.user("sandbox_mode = [")
    assert loaded(machine, "trusted", sandbox_mode=None).settings.sandbox.mode == "read-only"


def test_servers_and_hooks_can_be_turned_off_as_a_whole(machine: ConfigHome) -> None:
    machine.user(SERVER + HOOK)
    settings = loaded(machine, None, **{"treadle.mcp_enabled": False, "treadle.hooks_enabled": False}).settings
    assert (settings.mcp_servers, settings.hooks) == ((), ())


def test_the_editor_speaks_of_the_folders_that_are_open_and_of_what_is_below(tmp_path: Path) -> None:
    (tmp_path / "open" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "open")
    trusted = [str(tmp_path / "link")]
    assert editor_trust(str(tmp_path / "open" / "sub"), restricted=False, trusted=trusted) == "trusted"
    assert editor_trust(str(tmp_path / "open2"), restricted=False, trusted=trusted) is None
    assert editor_trust(str(tmp_path), restricted=False, trusted=trusted) is None
    assert editor_trust(str(tmp_path / "open"), restricted=True, trusted=trusted) == "untrusted"


@pytest.mark.parametrize("wish", [RunCommand("ls", "/w"), WriteFiles(("/w/a",)), CallMcp("s", "t", read_only=True)])
def test_nothing_is_done_in_a_restricted_folder_whatever_a_client_sets(machine: ConfigHome, wish: Any) -> None:
    settings: Settings = replace(loaded(machine, "untrusted").settings, sandbox=SandboxPolicy("danger-full-access"))
    grants = NO_GRANTS.remember(wish)
    assert decide(wish, settings, grants, sandbox_available=True) == Deny(RESTRICTED)
    assert not isinstance(decide(Harmless(), settings, grants, sandbox_available=True), Deny)
