"""The login shell is asked once; commands get what it sets and none of its noise."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from treadle.adapters import login
from treadle.adapters.login import CommandEnvironment
from treadle.core.settings import Provider, Settings, ShellEnvironment

SETTINGS = Settings("/", "m", Provider("p", "P", ""))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that answers is waited for as long as it takes."""
    monkeypatch.setattr(login, "PATIENCE", 60.0)


def environment(home: Path, profile: str, **more: str) -> CommandEnvironment:
    (home / ".bash_profile").write_text(profile)
    own = {"HOME": str(home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/bash", "TREADLE_HOME": "/x", **more}
    return CommandEnvironment(own, lambda settings: ({"MY_PROVIDER"}, []))


async def test_what_the_profile_sets_reaches_commands(tmp_path: Path) -> None:
    profile = "echo noise\nexport PATH=/opt/tool/bin:$PATH GREETING='two\nlines' SOME_TOKEN=x\nexport FROM=$TREADLE_HOME"
    found = environment(tmp_path, profile, MY_PROVIDER="secret-value")
    before, done = found.variables(SETTINGS)
    assert not done
    assert "GREETING" not in before
    found.start()
    await found.asked()
    variables, done = found.variables(SETTINGS)
    assert done
    assert variables["PATH"] == "/opt/tool/bin:/usr/bin:/bin" or variables["PATH"].startswith("/opt/tool/bin:")
    assert variables["GREETING"] == "two\nlines"
    assert variables["FROM"] == ""
    assert not {"SOME_TOKEN", "MY_PROVIDER", "TREADLE_HOME", "SHLVL", "PWD"} & set(variables)
    await found.close()


async def test_a_key_is_found_under_another_name_in_a_login_shell_that_does_not_know_the_key(tmp_path: Path) -> None:
    found = environment(tmp_path, "", OPENAI_API_KEY="secret-value", COPY="it is secret-value.")
    found = CommandEnvironment(found._own, lambda settings: ({"OPENAI_API_KEY"}, []))
    found.start()
    await found.asked()
    variables, done = found.variables(SETTINGS)
    assert done
    assert "secret-value" not in "".join(variables.values())


async def test_keys_that_an_editor_hands_over_reach_no_command_whatever_they_are_called(tmp_path: Path) -> None:
    keys = {"TREADLE_KEYS": "GATEWAY,OTHER", "GATEWAY": "word-of-the-gateway", "OTHER": "word-of-another"}
    found = environment(tmp_path, "export COPY=again:$GATEWAY", **keys)
    settings = dataclasses.replace(SETTINGS, shell_environment=ShellEnvironment(ignore_default_excludes=True))
    for _ in range(2):
        variables, _ = found.variables(settings)
        assert not {"GATEWAY", "OTHER", "TREADLE_KEYS"} & set(variables)
        assert "word-of" not in "".join(variables.values())
        found.start()
        await found.asked()
    assert {"word-of-the-gateway", "word-of-another"} <= set(found.secrets(settings)), "nor are they in what commands print"
    await found.close()


async def test_threads_without_login_shells_keep_the_plain_variables(tmp_path: Path) -> None:
    found = environment(tmp_path, "export GREETING=hi")
    found.start()
    await found.asked()
    variables, done = found.variables(dataclasses.replace(SETTINGS, allow_login_shell=False))
    assert not done
    assert "GREETING" not in variables


@pytest.mark.parametrize("profile", ["exit 3", "exec sleep 600", "exec > /dev/null"])
async def test_a_profile_that_does_not_answer_is_given_up(tmp_path: Path, profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "PATIENCE", 0.5)
    found = environment(tmp_path, profile)
    found.start()
    await found.asked()
    assert found.variables(SETTINGS)[1] is False


async def test_closing_ends_a_shell_that_is_still_being_asked(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    found = environment(tmp_path, f"mkfifo {ready}; read line < {ready}")
    found.start()
    await found.close()
    assert found.variables(SETTINGS)[1] is False
