"""[treadle.network] and the tables of Codex: which layers count, what is on, and patterns that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.config_home import ConfigHome, only
from treadle.core.settings import NetworkSettings


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path)


def test_there_is_no_proxy_unless_somebody_configures_it(home: ConfigHome) -> None:
    assert home.load().settings.network is None
    home.user('[treadle.network]\nenabled = false\nallow = ["a.com"]\n')
    assert home.load().settings.network is None


def test_the_own_form(home: ConfigHome) -> None:
    home.user('[treadle.network]\nallow = ["Index.org", "*.a.com"]\ndeny = ["**.b.com"]\nallow_private = true\n')
    loaded = home.load()
    assert loaded.warnings == ()
    assert loaded.settings.network == NetworkSettings(("index.org", "*.a.com"), ("**.b.com",), True)
    home.user("[treadle.network]\n")
    assert home.load().settings.network == NetworkSettings()


@pytest.mark.parametrize(
    "text",
    [
        "[features.network_proxy]\nenabled = true\nallow_local_binding = true\n[features.network_proxy.domains]\n"
        '"a.com" = "allow"\n"b.com" = "deny"\n',
        '[features.network_proxy]\nallowed_domains = ["a.com"]\ndenied_domains = ["b.com"]\nallow_local_binding = true\n',
        'default_permissions = "mine"\n[features]\nnetwork_proxy = true\n[permissions.mine.network]\nallow_local_binding = true\n'
        'domains = { "a.com" = "allow", "b.com" = "deny" }\n',
    ],
)
def test_the_forms_of_codex(home: ConfigHome, text: str) -> None:
    home.user(text)
    loaded = home.load()
    assert loaded.warnings == ()
    assert loaded.settings.network == NetworkSettings(("a.com",), ("b.com",), True)


def test_what_is_switched_off_in_the_features_is_off(home: ConfigHome) -> None:
    home.user('default_permissions = "mine"\n[permissions.mine.network]\ndomains = { "a.com" = "allow" }\n')
    assert home.load().settings.network is None
    home.user("[features]\nnetwork_proxy = false\n")
    assert home.load().settings.network is None


def test_a_trusted_folder_may_allow_and_cannot_undo_a_deny(home: ConfigHome) -> None:
    home.project('[treadle.network]\nallow = ["project.com"]\n')
    home.user('[treadle.network]\nallow = ["user.com"]\ndeny = ["never.com"]\n')
    assert home.load().settings.network == NetworkSettings(("user.com",), ("never.com",))
    home.user(home.trust() + '[treadle.network]\nallow = ["user.com"]\ndeny = ["never.com"]\n')
    assert home.load().settings.network == NetworkSettings(("project.com",), ("never.com",))
    assert home.load(treadle__network__allow=["now.com"]).settings.network == NetworkSettings(("now.com",), ("never.com",))


@pytest.mark.parametrize("pattern", ['"*"', '"https://a.com"', '"a.com:443"'])
def test_a_pattern_that_means_nothing_is_named_and_opens_nothing(home: ConfigHome, pattern: str) -> None:
    home.user(f'[treadle.network]\nallow = [{pattern}, "good.com"]\n')
    loaded = home.load()
    assert loaded.settings.network == NetworkSettings(("good.com",))
    assert only(loaded).line


@pytest.mark.parametrize("line", ["allow = 5", "allow = [5]", "domains = 5", 'domains = { "a.com" = "maybe" }'])
def test_a_value_of_another_type_is_named_and_opens_nothing(home: ConfigHome, line: str) -> None:
    home.user(f"[treadle.network]\n{line}\n")
    loaded = home.load()
    assert loaded.settings.network == NetworkSettings()
    assert "treadle.network" in (only(loaded).key or "")
